import type { LightningCalibration, LightningEstimate } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import type { Advice } from './advise.ts';
import type { Calibration } from './backtest.ts';
import { describeEstimate } from './describe.ts';
import type { AttemptRecord } from './types.ts';

/** From which confidence on an estimate is called so. */
const HIGH = 0.75;
const MEDIUM = 0.5;

/** An estimate as the API tells it. */
export function presentEstimate(
  { estimate, feeBudgetMsat, waitMs }: Advice,
  about: { readonly destination: string; readonly amountMsat: Msats; readonly nowMs: number },
): LightningEstimate {
  const { context, confidence } = estimate;
  const failedAtMs = context.kind === 'retry' ? about.nowMs - context.elapsedMs : null;
  return {
    destination: about.destination,
    amountMsat: about.amountMsat.toString(),
    probability: shown(estimate.probability),
    confidence: levelOf(confidence),
    recentAttempts: shown(estimate.evidence),
    afterFailure:
      context.kind === 'retry'
        ? {
            failureClass: context.failureClass,
            secondsAgo: Math.round(context.elapsedMs / 1_000),
          }
        : null,
    feeBudgetMsat: feeBudgetMsat?.toString() ?? null,
    worthTryingAt:
      failedAtMs === null || waitMs === null
        ? null
        : timestamp(Math.max(about.nowMs, failedAtMs + waitMs)),
    sentence: describeEstimate(estimate),
    at: timestamp(about.nowMs),
  };
}

/** A backtest as the API tells it. */
export function presentCalibration(
  records: readonly Pick<AttemptRecord, 'startedAtMs'>[],
  calibration: Calibration,
): LightningCalibration {
  const { attempts, successes, brier, baseRateBrier, calibrationError, reliability } = calibration;
  const times = records.map(({ startedAtMs }) => startedAtMs).toSorted((a, b) => a - b);
  const first = times[0];
  const last = times.at(-1);
  const known = (value: number) => (attempts === 0 ? null : shown(value));
  return {
    attempts,
    from: first === undefined ? null : timestamp(first),
    to: last === undefined ? null : timestamp(last),
    successRate: known(attempts === 0 ? 0 : successes / attempts),
    brierScore: known(brier),
    baseRateBrierScore: known(baseRateBrier),
    calibrationError: known(calibrationError),
    reliability: reliability.map(({ from, count, predicted, observed }) => ({
      ...{ from, to: shown(from + 0.1), attempts: count },
      ...{ predicted: shown(predicted), observed: shown(observed) },
    })),
    sentence: describeCalibration(calibration),
  };
}

/** Fewer attempts than this do not show how good the estimates are. */
const ENOUGH_ATTEMPTS = 50;

function describeCalibration({ attempts, brier, baseRateBrier, calibrationError }: Calibration) {
  if (attempts < ENOUGH_ATTEMPTS) {
    return `Only ${attempts} attempts are recorded: too few to tell how good the estimates are.`;
  }
  const points = Math.round(calibrationError * 100);
  const better = Math.round((1 - brier / baseRateBrier) * 100);
  const compared =
    better > 0
      ? `their squared error is ${better} % below that of the plain success rate`
      : 'they are no better than the plain success rate, so do not rely on them yet';
  return `Over ${attempts} attempts the estimates were off by ${points} percentage points on average; ${compared}.`;
}

function levelOf(confidence: number): LightningEstimate['confidence'] {
  if (confidence === 0) return 'none';
  if (confidence >= HIGH) return 'high';
  return confidence >= MEDIUM ? 'medium' : 'low';
}

/** Three decimals are more than such a number is worth. */
function shown(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
