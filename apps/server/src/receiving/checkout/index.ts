export { addCheckoutRoutes, type CheckoutRouteDeps } from './routes.ts';
