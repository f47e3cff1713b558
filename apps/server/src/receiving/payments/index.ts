export {
  counts,
  excessSats,
  highestAcceptedSats,
  lowestAcceptedSats,
  remainingSats,
  toleranceSats,
} from './amounts.ts';
export {
  applyPaymentEvents,
  type LockedOrders,
  lockOrdersWithPayments,
  type OrderEvents,
} from './apply-events.ts';
export { applyTip, areOrdersDue, eventsForTransactions, expireOrders } from './follow-tip.ts';
export {
  confirmationsAt,
  isConfirmed,
  isLive,
  NO_REFUNDS,
  type Payment,
  type PaymentEvent,
  type PaymentHold,
  type RefundSums,
  reviewOf,
} from './payment.ts';
export { lockOrderMoney, type OrderMoney } from './order-money.ts';
export {
  lockOrdersDue,
  notifyOrders,
  readNewestPayments,
  SCREENING_DUE_CHANNEL,
  type StoredOrder,
} from './store.ts';
export { orderEvent, priceText, type Telling } from './tell.ts';
