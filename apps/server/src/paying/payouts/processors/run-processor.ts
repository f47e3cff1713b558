import { assert } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { type FeeEstimate, NoFeeEstimateError } from '../../spends/index.ts';
import { demand } from '../errors.ts';
import { payoutFaultPoint } from '../fault-points.ts';
import type { PayoutTelling } from '../payout.ts';
import { takePayoutsToPay } from '../store.ts';
import { applyPayoutEvent } from '../transition.ts';
import { type PayoutMove, writePayouts } from '../write-payouts.ts';
import { tellOfRun } from './alerts.ts';
import { retryAtMs } from './back-off.ts';
import type { PlanningDeps, ProcessorDeps } from './deps.ts';
import { type PlannedRun, planRun, type RunOutcome } from './plan-run.ts';
import { type Processor, takeProcessor, writeRun } from './store.ts';

/** Outcomes after which nothing is wrong. */
const FINE: readonly RunOutcome[] = ['paid', 'nothing_to_do', 'below_threshold', 'held'];
/** Payouts that a run looks at beyond a full transaction, for the ones that it sets aside. */
const LOOKED_AT_BEYOND = 100;

/**
 * Runs a processor once: plans one transaction of what may be paid and writes, in the same database
 * transaction, that its payouts are under way. The processor's row is locked meanwhile, so its
 * limits are reckoned by one worker at a time; a payout that a person or another worker holds is
 * passed over. What was planned is signed and sent by the spends' worker.
 * @returns 'again' when more may be waiting
 */
export async function runProcessor(
  deps: ProcessorDeps,
  due: Processor,
): Promise<'again' | 'rest' | 'taken'> {
  const estimate = await estimateFor(deps, due.settings.feePolicy.targetBlocks);
  payoutFaultPoint('payout-plan-before');
  const run = await deps.database.asSystem(async (tx) => {
    const nowMs = deps.clock.nowMs();
    const processor = await takeProcessor(tx, due, nowMs);
    if (processor === undefined) return undefined;
    return { nowMs, ...(await runLocked(tx, deps, { processor, estimate, nowMs })) };
  });
  payoutFaultPoint('payout-planned-committed');
  if (run === undefined) return 'taken';
  const { outcome, planned, paid, held, refusal } = run.planned;
  const origin = 'processor_auto';
  deps.notices?.ran?.(outcome, origin);
  if (paid.length > 0) deps.notices?.paid?.(paid.length, origin);
  const facts = {
    origin,
    processorId: due.id,
    merchantId: due.merchantId,
    outcome,
    paid: paid.length,
    held: held.length,
    ...(planned === null ? {} : { spendId: planned.spendId, feeSats: planned.feeSats.toString() }),
    ...(refusal === null ? {} : { reason: refusal.reason, detail: refusal.detail }),
  };
  if (outcome === 'paid') deps.log.info(facts, 'payouts are being paid');
  else if (!FINE.includes(outcome)) deps.log.warn(facts, 'payouts could not be paid');
  return run.isMore ? 'again' : 'rest';
}

async function runLocked(
  tx: Tx,
  deps: ProcessorDeps,
  given: { processor: Processor; estimate: FeeEstimate | null; nowMs: number },
): Promise<{ planned: PlannedRun; isMore: boolean }> {
  const { processor, nowMs } = given;
  const { merchantId, walletId, settings } = processor;
  const limit = settings.batchSize + LOOKED_AT_BEYOND;
  const payouts = await takePayoutsToPay(tx, { merchantId, walletId, nowMs, limit });
  const planned = await planRun(tx, deps, { ...given, payouts, dry: false });
  await writePlanned(tx, deps, planned, {
    telling: { ids: deps.ids, nowMs },
    origin: 'processor_auto',
    processorId: processor.id,
  });
  const isFine = FINE.includes(planned.outcome);
  const failures = isFine ? 0 : processor.failures + 1;
  // More may wait behind a full transaction, or behind those that were set aside until later.
  const aside = planned.held.filter(({ notBeforeMs }) => notBeforeMs !== null).length;
  const isMore = isFine && (planned.paid.length === settings.batchSize || aside > 0);
  const pauseMs = isMore ? 0 : settings.intervalSeconds * 1_000;
  const dueAtMs = isFine
    ? nowMs + pauseMs
    : Math.max(nowMs + pauseMs, retryAtMs(settings.retries, failures, nowMs));
  await writeRun(tx, processor, { dueAtMs, nowMs, outcome: planned.outcome, failures });
  await tellOfRun(tx, deps, { processor, planned, failures, estimate: given.estimate, nowMs });
  payoutFaultPoint('payout-planned-uncommitted');
  return { planned, isMore };
}

/** Writes what a plan makes of payouts: those that are paid have begun, the others say why not. */
export async function writePlanned(
  tx: Tx,
  deps: Pick<ProcessorDeps, 'listener'>,
  { planned, paid, held }: Pick<PlannedRun, 'planned' | 'paid' | 'held'>,
  how: {
    telling: PayoutTelling;
    origin: 'processor_auto' | 'manual';
    processorId: Processor['id'] | null;
  },
): Promise<void> {
  const { telling, origin, processorId } = how;
  const atMs = telling.nowMs;
  const moves: PayoutMove[] = held.map(({ payout, reason, notBeforeMs }) => {
    const event = { type: 'held', reason, notBeforeMs, atMs } as const;
    return { before: payout, step: demand(applyPayoutEvent(payout, event)) };
  });
  if (planned !== null) {
    const { spendId } = planned;
    assert(spendId !== null, 'a plan that is no dry run has a spend');
    for (const payout of paid) {
      const event = { type: 'started', spendId, origin, processorId, atMs } as const;
      moves.push({ before: payout, step: demand(applyPayoutEvent(payout, event)) });
    }
  }
  await writePayouts(tx, deps, { telling, moves });
}

/** What a transaction costs now; null when no source says. Asked outside of transactions. */
export async function estimateFor(
  deps: Pick<PlanningDeps, 'fees'>,
  targetBlocks: number,
): Promise<FeeEstimate | null> {
  try {
    return await deps.fees.estimate({ targetBlocks });
  } catch (error) {
    if (error instanceof NoFeeEstimateError) return null;
    throw error;
  }
}
