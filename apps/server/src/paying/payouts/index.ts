export { createPaymentAdopter } from './adopt-payments.ts';
export { approvePayout } from './approve-payout.ts';
export { cancelPayout, requestPayment, retryPayout } from './change-payout.ts';
export { createPayout, type NewPayout, type PayoutDeps } from './create-payout.ts';
export {
  freeWaitingPayout,
  HELD_FOR_MS,
  holdWaitingPayout,
  takeWaitingPayout,
} from './hold-waiting.ts';
export { createAttemptListener } from './lightning/attempt-listener.ts';
export type { LightningPayoutDeps } from './lightning/deps.ts';
export {
  attemptDepsOf,
  createLightningPayments,
  type LightningPayments,
} from './lightning/run-due.ts';
export { wakeWaitingPayouts } from './lightning/wake-waiting.ts';
export { watchOutbound } from './lightning/watch-outbound.ts';
export {
  noPayoutListener,
  type Payout,
  type PayoutChange,
  type PayoutListener,
  type PayoutReason,
  type PayoutState,
  type PayoutTelling,
} from './payout.ts';
export { createPayoutListener } from './payout-listener.ts';
export { readPayoutPolicy } from './policy-store.ts';
export type { ProcessorDeps, ProcessorLog, ProcessorNotices } from './processors/deps.ts';
export { runDuePayouts } from './processors/run-due.ts';
export { PROCESSORS_CHANNEL, readMaxFeeRate } from './processors/store.ts';
export { quoteCurrency } from './quote.ts';
export { payoutReasonTable } from './reasons.ts';
export { addPayoutRoutes, type PayoutRouteDeps } from './routes.ts';
export { lockPayoutsById, lockPayoutsOfSpends } from './store.ts';
export type { KnownOfPayouts, PayoutToScreen, Screening, ScreenPayouts } from './screening.ts';
export { countOpenPayouts } from './stuck-store.ts';
export { readWaitingPayouts, type WaitingPayout } from './waiting-store.ts';
export { watchStuckPayouts } from './watch-stuck.ts';
