import type { Tx } from '../../../platform/db/index.ts';
import { type FeeEstimate, planPayoutSpend } from '../../spends/index.ts';
import { payoutFaultPoint } from '../fault-points.ts';
import type { OnchainPayout, Payout } from '../payout.ts';
import { takePayRequest } from '../store.ts';
import type { HeldPayout } from './choose-payouts.ts';
import type { ProcessorDeps } from './deps.ts';
import { outputsOf } from './plan-payouts.ts';
import { feeRefusal, SATS_PER_KVB } from './plan-run.ts';
import { postponePayRequest } from './pay-request-store.ts';
import { estimateFor, writePlanned } from './run-processor.ts';

/** Fee targets that are asked for at once; each is an answer of the node. */
const USUAL_TARGET_BLOCKS = 6;

/**
 * Pays one payout that a person wants paid now, by itself: none of a processor's rules hold it
 * back. It goes the same way as an automatic one and takes the same lock, so that whichever comes
 * first pays and the other finds nothing to do. One that goes wrong is postponed before the error is
 * thrown.
 * @returns whether there was one
 */
export async function payOneByHand(deps: ProcessorDeps): Promise<boolean> {
  const asked = await deps.database.asSystem((tx) => takePayRequest(tx, deps.clock.nowMs()));
  if (asked === undefined) return false;
  const targetBlocks = asked.payRequest?.targetBlocks ?? USUAL_TARGET_BLOCKS;
  const estimate = await estimateFor(deps, targetBlocks);
  payoutFaultPoint('payout-plan-before');
  let taken: OnchainPayout | undefined;
  const plan = async (tx: Tx) => {
    const nowMs = deps.clock.nowMs();
    taken = await takePayRequest(tx, nowMs);
    if (taken === undefined) return undefined;
    return await planOne(tx, deps, { payout: taken, estimate, nowMs });
  };
  const done = await deps.database.asSystem(plan).catch(async (error: unknown) => {
    if (taken !== undefined) await postpone(deps, taken.id);
    throw error;
  });
  payoutFaultPoint('payout-planned-committed');
  if (done !== undefined) tell(deps, done.payout, done.plan);
  return true;
}

async function planOne(
  tx: Tx,
  deps: ProcessorDeps,
  {
    payout,
    estimate,
    nowMs,
  }: { payout: OnchainPayout; estimate: FeeEstimate | null; nowMs: number },
) {
  if (payout.payRequest === null) return undefined;
  const { maxFeeRateSatPerVb } = payout.payRequest;
  const screened = await screenedOut(tx, deps, payout);
  const plan =
    screened ??
    feeRefusal(estimate, maxFeeRateSatPerVb) ??
    (await planPayoutSpend(tx, deps, {
      merchantId: payout.merchantId,
      walletId: payout.walletId,
      outputs: await outputsOf(tx, deps, [payout]),
      feeRate: estimate?.feeRate ?? 0n,
      longTermFeeRate: deps.fees.longTerm(),
      limits: { maxFeeRate: BigInt(maxFeeRateSatPerVb) * SATS_PER_KVB, maxFeeShareBps: null },
      origin: 'manual',
    }));
  const held: HeldPayout[] = plan.ok
    ? []
    : [{ payout, reason: plan.reason, detail: plan.detail, notBeforeMs: null }];
  const outcome = { planned: plan.ok ? plan : null, paid: plan.ok ? [payout] : [], held };
  const telling = { ids: deps.ids, nowMs };
  await writePlanned(tx, deps, outcome, { telling, origin: 'manual', processorId: null });
  payoutFaultPoint('payout-planned-uncommitted');
  return { payout, plan };
}

/** No rule of a processor holds back what a person wants paid; what the law asks for does. */
async function screenedOut(tx: Tx, { screen }: ProcessorDeps, payout: OnchainPayout) {
  const screening = (await screen?.(tx, [payout]))?.get(payout.id);
  if (screening?.ok !== false) return null;
  return { ok: false, reason: 'destination_held', detail: screening.reason } as const;
}

async function postpone({ database, clock }: ProcessorDeps, id: Payout['id']): Promise<void> {
  await database.asSystem((tx) => postponePayRequest(tx, { id, nowMs: clock.nowMs() }));
}

function tell(
  deps: ProcessorDeps,
  { id, merchantId, payRequest }: Payout,
  plan: { ok: true; spendId: string | null } | { ok: false; reason: string; detail: string },
): void {
  const origin = 'manual';
  const facts = { origin, payoutId: id, merchantId, by: payRequest?.by };
  deps.notices?.ran?.(plan.ok ? 'paid' : plan.reason, origin);
  if (plan.ok) {
    deps.notices?.paid?.(1, origin);
    deps.log.info({ ...facts, spendId: plan.spendId }, 'a payout is being paid by hand');
    return;
  }
  const { reason, detail } = plan;
  deps.log.warn({ ...facts, reason, detail }, 'a payout could not be paid by hand');
}
