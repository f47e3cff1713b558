import type { Tx } from '../../../platform/db/index.ts';
import {
  type FeeEstimate,
  type PayoutOutput,
  type PlannedSpend,
  type PlanRefusal,
  planPayoutSpend,
  previewPayoutSpend,
} from '../../spends/index.ts';
import { DAY_MS } from '../approve-payout.ts';
import type { OnchainPayout } from '../payout.ts';
import { sumStartedSince, sumWaiting } from '../sums-store.ts';
import { choosePayouts, type HeldPayout, isThresholdReached } from './choose-payouts.ts';
import type { PlanningDeps } from './deps.ts';
import { outputsOf, planAsManyAsPossible } from './plan-payouts.ts';
import type { Processor } from './store.ts';

/** How a run ended, or would end: a stable code. */
export type RunOutcome =
  | 'paid'
  | 'nothing_to_do'
  | 'below_threshold'
  | 'held'
  | PlanRefusal['reason'];

export type PlannedRun = {
  readonly outcome: RunOutcome;
  readonly planned: PlannedSpend | null;
  readonly paid: readonly OnchainPayout[];
  readonly held: readonly HeldPayout[];
  /** Why not everything was paid that could have been. */
  readonly refusal: PlanRefusal | null;
};

/** Fee rates are in sat per 1,000 vbytes inside, as nodes tell them. */
export const SATS_PER_KVB = 1_000n;

/**
 * Plans one run of a processor in the caller's transaction: chooses payouts by its rules and makes
 * one transaction of as many as can be paid. A dry run does the same and writes nothing.
 * @param given.payouts the approved payouts that are due, the longest waiting first
 * @param given.estimate what a transaction costs now; null: nobody knows, nothing is planned
 */
export async function planRun(
  tx: Tx,
  deps: PlanningDeps,
  given: {
    processor: Processor;
    payouts: readonly OnchainPayout[];
    estimate: FeeEstimate | null;
    nowMs: number;
    dry: boolean;
  },
): Promise<PlannedRun> {
  const { processor, payouts, estimate, nowMs } = given;
  const { merchantId, walletId, settings } = processor;
  const nothing = { planned: null, paid: [], held: [], refusal: null } as const;
  if (payouts.length === 0) return { ...nothing, outcome: 'nothing_to_do' };
  const waiting = await sumWaiting(tx, { merchantId, walletId, nowMs });
  if (!isThresholdReached(settings.threshold, waiting, nowMs)) {
    return { ...nothing, outcome: 'below_threshold' };
  }
  const sinceMs = nowMs - DAY_MS;
  const choice = choosePayouts(payouts, settings, {
    nowMs,
    startedSats: await sumStartedSince(tx, { merchantId, processorId: processor.id, sinceMs }),
    screenings: (await deps.screen?.(tx, payouts)) ?? new Map(),
  });
  if (choice.take.length === 0) return { ...nothing, held: choice.hold, outcome: 'held' };
  const refusal = feeRefusal(estimate, settings.feePolicy.maxFeeRateSatPerVb);
  if (estimate === null || refusal !== null) {
    const all = choice.take.map((payout) => heldBy(payout, refusal ?? noEstimate));
    return {
      ...nothing,
      held: [...choice.hold, ...all],
      refusal,
      outcome: (refusal ?? noEstimate).reason,
    };
  }
  const request = {
    merchantId,
    walletId,
    feeRate: estimate.feeRate,
    longTermFeeRate: deps.fees.longTerm(),
    limits: {
      maxFeeRate: BigInt(settings.feePolicy.maxFeeRateSatPerVb) * SATS_PER_KVB,
      maxFeeShareBps: settings.feePolicy.maxFeeShareBps,
    },
    origin: 'processor_auto',
  } as const;
  // Signatures take milliseconds each: once for all tries.
  const outputs = new Map<string, PayoutOutput>();
  for (const output of await outputsOf(tx, deps, choice.take)) outputs.set(output.payoutId, output);
  const plan = await planAsManyAsPossible(choice.take, async (some) => {
    const tried = { ...request, outputs: some.flatMap(({ id }) => outputs.get(id) ?? []) };
    return given.dry
      ? await previewPayoutSpend(tx, deps, tried)
      : await planPayoutSpend(tx, deps, tried);
  });
  return concludePlan(plan, choice);
}

function concludePlan(
  plan: Awaited<ReturnType<typeof planAsManyAsPossible>>,
  choice: ReturnType<typeof choosePayouts>,
): PlannedRun {
  const { planned, paid, refusal } = plan;
  const set = new Set<OnchainPayout>(paid);
  const inTheWay = new Map(plan.refused.map((each) => [each.payout, each.refusal]));
  const left = choice.take.filter((payout) => !set.has(payout));
  const held = left.flatMap((payout) => {
    const why = inTheWay.get(payout) ?? refusal;
    return why === null ? [] : [heldBy(payout, why)];
  });
  const outcome = planned === null ? (refusal?.reason ?? 'held') : 'paid';
  return { outcome, planned, paid, held: [...choice.hold, ...held], refusal };
}

/** It is looked at again with the next run: nothing about the payout itself is wrong. */
function heldBy(payout: OnchainPayout, { reason, detail }: PlanRefusal): HeldPayout {
  return { payout, reason, detail, notBeforeMs: null };
}

const noEstimate: PlanRefusal = {
  ok: false,
  reason: 'no_fee_estimate',
  detail: 'no source says what a transaction costs now',
  payoutIds: [],
};

/** Nothing is sent at a lower rate than it needs: it would stand in the mempool for days. */
export function feeRefusal(
  estimate: FeeEstimate | null,
  maxFeeRateSatPerVb: number,
): PlanRefusal | null {
  if (estimate === null) return noEstimate;
  if (estimate.feeRate <= BigInt(maxFeeRateSatPerVb) * SATS_PER_KVB) return null;
  return {
    ok: false,
    reason: 'fee_above_limit',
    detail: `fees are at ${rateText(estimate.feeRate)} sat/vB, above the ${maxFeeRateSatPerVb} allowed`,
    payoutIds: [],
  };
}

/** A fee rate for people: "12.345" sat/vB out of 12345 sat/kvB. */
export function rateText(feeRate: bigint): string {
  const rest = (feeRate % SATS_PER_KVB).toString().padStart(3, '0').replace(/0+$/, '');
  return `${feeRate / SATS_PER_KVB}${rest === '' ? '' : `.${rest}`}`;
}
