import type { LightningStrategy } from '@quittance/contract';
import {
  adviseStrategy,
  decide,
  learn,
  type PredictionBucket,
  type StrategyAttempt,
} from '../../apps/server/src/paying/lightning/index.ts';
import { seededDice, seedOf } from './dice.ts';
import type { AttemptResult } from './node.ts';
import type { Payout } from './workload.ts';

/** What a rule sees of a payout between attempts. */
export type Situation = {
  readonly payout: Payout;
  readonly nowMs: number;
  readonly attempts: readonly StrategyAttempt[];
  readonly sendableSat: number;
};

export type Step =
  | { readonly action: 'send'; readonly feeLimitSat: number; readonly timeoutMs: number }
  | { readonly action: 'wait'; readonly untilMs: number }
  | { readonly action: 'give_up' };

export type Rule = {
  readonly name: string;
  next(situation: Situation): Step;
  /** An attempt has ended. */
  ended(payout: Payout, startedAtMs: number, result: Ended): void;
};
export type Ended = Omit<AttemptResult, 'outcome'> & {
  readonly outcome: AttemptResult['outcome'] | 'expired';
};

const TEN_MINUTES_MS = 600_000;
const FIXED_MAXIMUM = 10;

/**
 * The rule of the seed: every ten minutes, ten times, whatever the failure was and whether or not the
 * invoice has expired. `onTicks`: at the ticks of one timer for all payouts, the first time too.
 */
export function fixedRule({ onTicks }: { onTicks: boolean }): Rule {
  return {
    name: onTicks ? 'fixed 10 min, on its timer' : 'fixed 10 min, first at once',
    next({ payout, nowMs, attempts }) {
      if (attempts.length >= FIXED_MAXIMUM) return { action: 'give_up' };
      const last = attempts.at(-1)?.startedAtMs;
      const afterMs = last === undefined ? payout.createdAtMs : last + TEN_MINUTES_MS;
      const dueMs = onTicks ? Math.ceil(afterMs / TEN_MINUTES_MS) * TEN_MINUTES_MS : afterMs;
      if (dueMs > nowMs) return { action: 'wait', untilMs: dueMs };
      return { action: 'send', feeLimitSat: payout.maxFeeSat, timeoutMs: 60_000 };
    },
    ended: () => {},
  };
}

/** A strategy of the product, with or without what it learns from attempts on the way. */
export function strategyRule(
  strategy: LightningStrategy,
  { learns, asksAtMs = () => [] }: { learns: boolean; asksAtMs?: (payout: Payout) => number[] },
): Rule {
  const buckets = new Map<string, PredictionBucket>();
  return {
    name: `${strategy.kind}${learns ? ' + prediction' : ''}`,
    next(situation) {
      const { payout, nowMs, attempts, sendableSat } = situation;
      const asks = asksAtMs(payout);
      const requestedAtMs = asks.findLast((atMs) => atMs <= nowMs) ?? null;
      const history = { startedAtMs: payout.createdAtMs, attempts, requestedAtMs };
      const amountMsat = msats(payout.amountSat);
      const { expiresAtMs } = payout;
      const advice = learns
        ? adviseStrategy(buckets, strategy, history, {
            ...{ destination: payout.recipient.id, amountMsat, expiresAtMs, nowMs },
          })
        : null;
      const decision = decide(strategy, history, nowMs, {
        ...{ amountMsat, expiresAtMs, advice },
        maxFeeMsat: msats(payout.maxFeeSat),
        sendableMsat: msats(sendableSat),
      });
      if (decision.action === 'give_up') return decision;
      if (decision.action === 'wait') {
        const nextAskMs = asks.find((atMs) => atMs > nowMs) ?? decision.untilMs;
        return { action: 'wait', untilMs: Math.min(decision.untilMs, nextAskMs) };
      }
      const feeLimitSat = Number(decision.feeBudgetMsat) / 1_000;
      return { action: 'send', feeLimitSat, timeoutMs: decision.timeoutMs };
    },
    ended(payout, startedAtMs, { outcome, durationMs, feeSat, failedAt }) {
      if (!learns) return;
      learn(buckets, {
        ...{ destination: payout.recipient.id, amountMsat: msats(payout.amountSat), startedAtMs },
        ...{ endedAtMs: startedAtMs + durationMs, outcome, failedAt },
        feeMsat: outcome === 'succeeded' ? msats(feeSat) : null,
      });
    },
  };
}

export function msats(sat: number): bigint {
  return BigInt(Math.floor(sat * 1_000));
}

/** How long somebody takes to look after a payout again, and how often, before leaving it. */
const LOOK_AGAIN_MS = 45 * 60_000;
const LOOKS = 5;

/** Somebody sends at once, and asks again about every 45 minutes, five times in all. */
export function patientPerson(seed: number): (payout: Payout) => number[] {
  return ({ number, createdAtMs }) => {
    const dice = seededDice(seedOf(seed, 2_000_000 + number));
    let atMs = createdAtMs;
    const asks = [createdAtMs];
    while (asks.length < LOOKS) {
      atMs += Math.round(dice.exponential(LOOK_AGAIN_MS));
      asks.push(atMs);
    }
    return asks;
  };
}
