export { approvePayout } from './approve-payout.ts';
export { cancelPayout, retryPayout } from './change-payout.ts';
export { createPayout, type NewPayout, type PayoutDeps } from './create-payout.ts';
export { noPayoutListener } from './payout.ts';
export type {
  Payout,
  PayoutChange,
  PayoutListener,
  PayoutReason,
  PayoutState,
  PayoutTelling,
} from './payout.ts';
export { payoutReasonTable } from './reasons.ts';
export { addPayoutRoutes, type PayoutRouteDeps } from './routes.ts';
export { lockPayoutsById, lockPayoutsOfSpends } from './store.ts';
