export { addClassicRoutes, type ClassicRouteDeps } from './routes.ts';
