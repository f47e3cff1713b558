export { advanceSpend } from './advance-spend.ts';
export { type AdoptedOutput, adoptAsSpend, adoptAsVersion } from './adopt-payment.ts';
export {
  type ForgottenPayment,
  readConflictingSpends,
  readForgottenPayments,
  readSpendSizes,
  readUnsignedSpends,
  readWalletSpentBy,
} from './adopt-store.ts';
export { bumpSpend, cancelSpend, readFeesToOutbid } from './bump-spend.ts';
export { consolidate } from './consolidate.ts';
export { createChild, readAncestors, readStuckChange } from './create-child.ts';
export type { SpendDeps, SpendLog, SpendNotices } from './deps.ts';
export {
  createFeeEstimator,
  estimateFeeRate,
  type FeeEstimate,
  type FeeEstimator,
  type FeeQuestion,
  NoFeeEstimateError,
} from './estimate-fee.ts';
export { exportPsbt, importSignedPsbt } from './exchange-psbt.ts';
export { createSpendsFollower } from './follow-chain.ts';
export { type PlannedSpend, planPayoutSpend, previewPayoutSpend } from './plan-payout-spend.ts';
export type { PlanRefusal } from './plan-transaction.ts';
export type { SpendRouteDeps } from './route-deps.ts';
export { addSpendRoutes } from './routes.ts';
export { recoverSpends, runDueSpends } from './run-due-spends.ts';
export { openServerApprover, type ServerApprover } from './server-approver.ts';
export { readSpendNumbers } from './spend-numbers.ts';
export { SPENDS_CHANNEL } from './due-store.ts';
export type {
  Approval,
  FeeFrom,
  FeeLimits,
  Origin,
  PayoutOutput,
  Spend,
  SpendAdopter,
  SpendChange,
  SpendListener,
  SpendReason,
  SpendState,
  SpendTelling,
} from './spend.ts';
