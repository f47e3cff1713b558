export { addCheckoutRoutes } from './routes.ts';
