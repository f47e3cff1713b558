export { addClassicRoutes } from './routes.ts';
