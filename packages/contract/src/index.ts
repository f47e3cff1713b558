export { type ErrorCode, errorTable } from './errors.ts';
export {
  currencyCode,
  decimalText,
  personText,
  satsText,
  signedIntegerText,
  timestamp,
  timestampInput,
  txidText,
  uuidText,
  webUrl,
} from './fields.ts';
export {
  type OrderPaymentView,
  type OrderStatus,
  type OrderView,
  orderPaymentViewSchema,
  orderStatuses,
  orderViewSchema,
} from './order-view.ts';
export {
  type CreateOrder,
  createOrderSchema,
  externalIdText,
  type LockedRate,
  lockedRateSchema,
  MAX_ORDER_EXPIRY_SECONDS,
  metadataSchema,
  MIN_ORDER_EXPIRY_SECONDS,
  type Order,
  type OrderListQuery,
  type OrderPage,
  orderListQuerySchema,
  orderPageSchema,
  orderSchema,
  orderStatusSchema,
  type Payment,
  type PaymentState,
  paymentSchema,
  paymentStates,
} from './orders.ts';
export {
  DEFAULT_PAGE_SIZE,
  MAX_PAGE_SIZE,
  type Page,
  type PageQuery,
  pageOf,
  pageQuerySchema,
} from './pages.ts';
export { errorCodes, type Problem, problemSchema } from './problem.ts';
