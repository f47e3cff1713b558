export {
  type Backends,
  backendsOpener,
  type ConnectionOf,
  type NodeConnection,
  type OpenBackend,
} from './backends.ts';
export { compareBalance, compareBalances, type CompareDeps } from './compare-balance.ts';
export { createInvoice, type CreateInvoiceDeps, type InvoiceWish } from './create-invoice.ts';
export { LightningNodeError, type LightningNodeErrorCode, OfferRefusal } from './errors.ts';
export { OWN_PEERS_OFFLINE } from './lightning-node.ts';
export { type FollowDeps, followNodes, type PaymentListener } from './follow-nodes.ts';
export type { Invoice, InvoicePurpose, InvoiceState } from './invoice.ts';
export { findLnurlInvoice, readOpenOfOrders } from './invoice-store.ts';
export { keepInvoices, type KeeperDeps } from './keep-invoices.ts';
export type {
  LightningBalances,
  LightningCapabilities,
  LightningChannel,
  LightningEvent,
  LightningEventPage,
  LightningFailure,
  LightningInfo,
  LightningNode,
  NewInvoice,
  NewPayment,
  NodeInvoice,
  OfferInvoice,
  PaymentOutcome,
} from './lightning-node.ts';
export { type Comparison, countNodes, readActiveNodes, readComparison } from './node-store.ts';
export { type LightningNodes, type NodesDeps, openNodes, type OpenNode } from './nodes.ts';
export { readOffersOfInvoices } from './offer-store.ts';
export { type InvoiceOffers, type OfferDeps, offerInvoices } from './offer-invoice.ts';
export { type ObserveDeps, observeNodes } from './observe-nodes.ts';
export { addLightningRoutes, type LightningRouteDeps } from './routes.ts';
export { systemBackends } from './system-backends.ts';
