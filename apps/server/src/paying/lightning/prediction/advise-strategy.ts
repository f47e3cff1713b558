import type { LightningStrategy } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import { planAhead, type StrategyHistory } from '../strategies/index.ts';
import { type Advice, advise } from './advise.ts';
import type { EstimateRequest } from './estimate.ts';
import type { Buckets } from './types.ts';

/**
 * What history suggests to a strategy for a payout without an open attempt: put it into the quote.
 * @throws {AssertionError} while an attempt is open, when there is nothing to decide
 */
export function adviseStrategy(
  buckets: Buckets,
  strategy: LightningStrategy,
  history: StrategyHistory,
  facts: {
    readonly destination: string;
    readonly amountMsat: Msats;
    readonly expiresAtMs: number | null;
    readonly nowMs: number;
    readonly via?: NonNullable<EstimateRequest['via']>;
  },
): Advice {
  const { destination, amountMsat, expiresAtMs, nowMs, via } = facts;
  const plan = planAhead(strategy, { history, nowMs, expiresAtMs });
  return advise(buckets, {
    ...{ destination, amountMsat, atMs: nowMs },
    ...(via === undefined ? {} : { via }),
    plannedAtMs: plan.attempts.map(({ atMs }) => atMs),
  });
}
