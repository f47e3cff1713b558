export {
  decide,
  MIN_ATTEMPT_MS,
  type PlanOptions,
  planAhead,
  presentSchedule,
  previewSchedule,
  type PreviewOptions,
  type Reaction,
  reactionTo,
  remainingTimeoutMs,
  type Schedule,
  type StrategyAdvice,
  type StrategyAttempt,
  type StrategyDecision,
  type StrategyHistory,
  type StrategyQuote,
} from './strategies/index.ts';
export type {
  Attempt,
  AttemptChange,
  AttemptFailure,
  AttemptInvoice,
  AttemptListener,
  AttemptOrigin,
  AttemptTelling,
  SentAttempt,
} from './attempt.ts';
export { ATTEMPTS_CHANNEL, countOpenAttempts, readAttempts } from './attempt-store.ts';
export { createPaymentListener } from './follow-payments.ts';
export { attemptJson } from './present.ts';
export { watchFailureRates } from './watch-attempts.ts';
export { beginAttempt, recordRefusal } from './begin-attempt.ts';
export {
  checkBeforeSending,
  checkLiquidity,
  type InvoiceFacts,
  type NodeFacts,
  OWN_PEER_CODES,
  OWN_SIDE_CODES,
} from './check-before-sending.ts';
export type { AttemptDeps, AttemptLog, AttemptNotices, NodesOfStores } from './deps.ts';
export { createDoorbells } from './doorbells.ts';
export {
  type FreshInvoice,
  type InvoiceResolver,
  invoiceResolver,
  type ResolvedInvoice,
} from './resolve-invoice.ts';
export { lightningFaultPoint } from './fault-points.ts';
export { classOfError, sendAttempt } from './send-attempt.ts';
export { recoverAttempts, trackAttempts } from './track-attempts.ts';
export { watchLatePayments } from './watch-late.ts';
export { type FailureClassFacts, failureClasses } from './failure-classes.ts';
export {
  type Advice,
  type AdviceRequest,
  advise,
  addPredictionRoutes,
  type AdvisedPayout,
  advisePayout,
  adviseStrategy,
  type AttemptRecord,
  backtest,
  type BucketScope,
  type Buckets,
  bucketId,
  bucketScopes,
  type Calibration,
  describeEstimate,
  type DueAttempt,
  type Estimate,
  type EstimateRequest,
  estimate,
  FORGET_BUCKETS_AFTER_MS,
  forgetOldBuckets,
  isTelling,
  learn,
  learnFromAttempts,
  MAX_BACKTEST_RECORDS,
  MAX_BUCKETS,
  observe,
  observeAll,
  orderAttempts,
  type PredictionBucket,
  presentCalibration,
  presentEstimate,
  type ReliabilityCell,
} from './prediction/index.ts';
export {
  failureTable as resolveFailureTable,
  openResolver,
  type PayRequest,
  type ResolveDeps,
  type Resolved,
  type ResolveFailure,
  type ResolveFailureCode,
  type Resolver,
  type ResolveRequest,
  type ResolverSettings,
  resolveDestination,
  type SuccessAction,
} from './resolve/index.ts';
