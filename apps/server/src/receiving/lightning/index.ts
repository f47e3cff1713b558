export {
  type Backends,
  backendsOpener,
  type ConnectionOf,
  type NodeConnection,
  type OpenBackend,
} from './backends.ts';
export { LightningNodeError, type LightningNodeErrorCode } from './errors.ts';
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
export { type LightningNodes, type NodesDeps, openNodes, type OpenNode } from './nodes.ts';
