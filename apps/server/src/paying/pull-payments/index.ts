export { readAllowances } from './allowance-store.ts';
export { createPullPayment } from './create-pull-payment.ts';
export { createDrawsListener } from './follow-payouts.ts';
export { dayAt } from './period.ts';
export type { DrawingCards, DrawTelling } from './ports.ts';
export { addPullPages } from './page-routes.ts';
export { payDrawsByPayouts } from './pay-by-payouts.ts';
export { pullPaymentsJson } from './present.ts';
export { closedBecause, type Draw, type PullPayment } from './pull-payment.ts';
export { type WithdrawRefusal, WithdrawRefused, withdrawSentences } from './refusals.ts';
export {
  addPullPaymentRoutes,
  demandApprover,
  type PullPaymentRouteDeps,
  quoteForLimit,
} from './routes.ts';
export { readPullPaymentRow, readPullPaymentsById } from './store.ts';
export { demandMsat, limitMsatOf } from './units.ts';
export { newWithdrawRequest, TAP_K1_LIFE_MS, type WithdrawDeps } from './withdraw.ts';
export { addWithdrawRoutes, refusable, withdrawAnswer } from './withdraw-routes.ts';
