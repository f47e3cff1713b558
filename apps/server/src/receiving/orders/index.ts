export { acceptLatePayment, cancelOrder } from './change-order.ts';
export {
  type CreatedOrder,
  type CreateRequest,
  createOrders,
  type Idempotency,
  type OrderCreator,
  type OrderCreatorDeps,
  type OrderingMerchant,
} from './create-orders.ts';
export { type OrderCustomers, type OrderToAdmit, unknownCustomer } from './customers.ts';
export type { OpenInvoice, StoreFace } from './present.ts';
export { forgetOrderTexts, type OwnOrder, readTipHeight } from './store.ts';
export {
  findOrderMerchant,
  findPricedOrder,
  type InvoiceReader,
  type LiveState,
  listOrders,
  type PricedOrder,
  readLiveState,
  readOrder,
  readOrderView,
  readPricedOrders,
} from './read-orders.ts';
export { addOrderRoutes, type OrderRouteDeps } from './routes.ts';
