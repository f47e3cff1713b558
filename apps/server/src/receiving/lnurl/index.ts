export { addPayRoutes } from './pay-routes.ts';
export type { LnurlInvoice, LnurlInvoices, PayDeps } from './pay.ts';
export { addLightningAddressRoutes, type LightningAddressRouteDeps } from './routes.ts';
