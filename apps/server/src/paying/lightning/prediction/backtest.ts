import { estimate } from './estimate.ts';
import { isTelling, learn } from './observe.ts';
import type { AttemptRecord, PredictionBucket } from './types.ts';

/** Cells of the reliability table: tenths of the predicted probability. */
const CELLS = 10;
/** Attempts that are read for a backtest at most: seconds of work, months of a large store. */
export const MAX_BACKTEST_RECORDS = 20_000;

export type Calibration = {
  /** Attempts that could be judged. */
  readonly attempts: number;
  readonly successes: number;
  /** Mean squared error of the predictions: 0 is perfect, 0.25 is what a coin gives. */
  readonly brier: number;
  /** The same for somebody who always says how often attempts have succeeded so far. */
  readonly baseRateBrier: number;
  /** Mean distance between predicted and observed in the table, weighted by its counts. */
  readonly calibrationError: number;
  readonly reliability: readonly ReliabilityCell[];
};

export type ReliabilityCell = {
  /** Predictions from this probability up to the next cell's. */
  readonly from: number;
  readonly count: number;
  /** Mean of the predictions. */
  readonly predicted: number;
  /** Share that succeeded. */
  readonly observed: number;
};

/**
 * How good the estimates would have been: each attempt is predicted at its beginning from what had
 * ended by then, and compared with what became of it.
 */
export function backtest(records: readonly AttemptRecord[]): Calibration {
  const telling = records.filter(isTelling).slice(-MAX_BACKTEST_RECORDS);
  const byEnd = telling.toSorted((a, b) => a.endedAtMs - b.endedAtMs);
  const byStart = telling.toSorted((a, b) => a.startedAtMs - b.startedAtMs);
  const buckets = new Map<string, PredictionBucket>();
  const judged: Judged[] = [];
  let learnt = 0;
  let succeeded = 0;
  for (const { destination, amountMsat, startedAtMs, outcome } of byStart) {
    for (;;) {
      const next = byEnd[learnt];
      if (next === undefined || next.endedAtMs > startedAtMs) break;
      learn(buckets, next);
      learnt += 1;
      if (next.outcome === 'succeeded') succeeded += 1;
    }
    const { probability } = estimate(buckets, { destination, amountMsat, atMs: startedAtMs });
    // One success and one failure to begin with (Laplace), so that it never claims certainty.
    const baseRate = (succeeded + 1) / (learnt + 2);
    judged.push({ probability, baseRate, success: outcome === 'succeeded' });
  }
  return calibrationOf(judged);
}

export type Judged = {
  readonly probability: number;
  readonly baseRate: number;
  readonly success: boolean;
};

/** Sums up predictions that have met their outcomes. */
export function calibrationOf(judged: readonly Judged[]): Calibration {
  const cells = Array.from({ length: CELLS }, () => ({ count: 0, predicted: 0, observed: 0 }));
  let brier = 0;
  let baseRateBrier = 0;
  let successes = 0;
  for (const { probability, baseRate, success } of judged) {
    const outcome = success ? 1 : 0;
    successes += outcome;
    brier += (probability - outcome) ** 2;
    baseRateBrier += (baseRate - outcome) ** 2;
    const cell = cells[Math.min(CELLS - 1, Math.floor(probability * CELLS))];
    if (cell === undefined) continue;
    cell.count += 1;
    cell.predicted += probability;
    cell.observed += outcome;
  }
  const attempts = judged.length;
  const reliability = cells.flatMap(({ count, predicted, observed }, i) =>
    count === 0
      ? []
      : [{ from: i / CELLS, count, predicted: predicted / count, observed: observed / count }],
  );
  const distance = reliability.map((c) => c.count * Math.abs(c.predicted - c.observed));
  const mean = (sum: number) => (attempts === 0 ? 0 : sum / attempts);
  return {
    ...{ attempts, successes, brier: mean(brier), baseRateBrier: mean(baseRateBrier) },
    calibrationError: mean(distance.reduce((sum, one) => sum + one, 0)),
    reliability,
  };
}
