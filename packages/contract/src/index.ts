export {
  orderPaymentViewSchema,
  orderStatuses,
  orderViewSchema,
  type OrderPaymentView,
  type OrderStatus,
  type OrderView,
} from './order-view.ts';
