export { type AdvisedPayout, advisePayout } from './advise-payout.ts';
export { type DueAttempt, orderAttempts } from './order-payouts.ts';
export { forgetOldBuckets, learnFromAttempts } from './learn-attempts.ts';
export { addPredictionRoutes } from './routes.ts';
export { adviseStrategy } from './advise-strategy.ts';
export { type Advice, type AdviceRequest, advise } from './advise.ts';
export {
  backtest,
  type Calibration,
  MAX_BACKTEST_RECORDS,
  type ReliabilityCell,
} from './backtest.ts';
export { FORGET_BUCKETS_AFTER_MS, MAX_BUCKETS } from './bucket.ts';
export { describeEstimate } from './describe.ts';
export { type Estimate, type EstimateRequest, estimate } from './estimate.ts';
export { presentCalibration, presentEstimate } from './present.ts';
export { isTelling, learn, observe, observeAll } from './observe.ts';
export {
  type AttemptRecord,
  type BucketScope,
  type Buckets,
  bucketId,
  bucketScopes,
  type PredictionBucket,
} from './types.ts';
