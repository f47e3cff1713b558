import type { PayoutProcessorDryRun } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../../platform/db/index.ts';
import { type OnchainPayout, onchainPayout } from '../payout.ts';
import { readPayoutRow, readPayoutsToPay } from '../store.ts';
import { readHeldPayouts } from '../waiting-store.ts';
import { noSuchProcessor } from './change-processor.ts';
import type { HeldPayout } from './choose-payouts.ts';
import type { PlanningDeps } from './deps.ts';
import { type PlannedRun, planRun, rateText, SATS_PER_KVB } from './plan-run.ts';
import { estimateFor } from './run-processor.ts';
import { type OwnProcessor, readProcessor } from './store.ts';

/** Payouts that a dry run looks at: as many as a run does. */
const LOOKED_AT = 1_100;

/**
 * Says what a run of the processor would do now, in whole and without any effect: which payouts, in
 * which transaction, at which fee, who bears what, and who is refused and why. The transaction is
 * rolled back besides, so that not even a mistake could leave something behind.
 * @throws {AppError} not_found
 */
export async function dryRun(
  deps: Omit<PlanningDeps, 'approver'> & { database: Database },
  own: OwnProcessor,
): Promise<PayoutProcessorDryRun> {
  const nowMs = deps.clock.nowMs();
  const found = await deps.database.asTenant(own.merchantId, (tx) => readProcessor(tx, own));
  if (found === undefined) throw noSuchProcessor();
  const estimate = await estimateFor(deps, found.settings.feePolicy.targetBlocks);
  const { merchantId, walletId } = found;
  const undone = await deps.database
    .asSystem<never>(async (tx) => {
      const payouts = await readPayoutsToPay(tx, { merchantId, walletId, nowMs, limit: LOOKED_AT });
      const run = await planRun(
        tx,
        { ...deps, approver: null },
        {
          ...{ processor: found, payouts, estimate, nowMs, dry: true },
        },
      );
      const held = await heldBefore(tx, deps, { merchantId, walletId, nowMs });
      throw new Undo({ ...run, held: [...run.held, ...held] });
    })
    .catch((error: unknown) => {
      if (error instanceof Undo) return error;
      throw error;
    });
  return dryRunJson(undone.run, nowMs);
}

/** What a check holds since an earlier run: no run looks at it meanwhile, but people ask why. */
async function heldBefore(
  tx: Tx,
  { screen }: Pick<PlanningDeps, 'screen'>,
  which: { merchantId: Uuid; walletId: Uuid; nowMs: number },
): Promise<HeldPayout[]> {
  const found = await readHeldPayouts(tx, { ...which, method: 'onchain', limit: LOOKED_AT });
  const payouts: OnchainPayout[] = [];
  for (const own of found) {
    const payout = await readPayoutRow(tx, own);
    if (payout !== undefined) payouts.push(onchainPayout(payout));
  }
  const screenings = await screen?.(tx, payouts);
  return payouts.flatMap((payout): HeldPayout[] => {
    const said = screenings?.get(payout.id);
    if (said?.ok !== false) return [];
    const { reason: detail } = said;
    return [{ payout, reason: 'destination_held', detail, notBeforeMs: payout.notBeforeMs }];
  });
}

/** Carries the result out of a transaction that is rolled back. */
class Undo extends Error {
  readonly run: PlannedRun;
  constructor(run: PlannedRun) {
    super('a dry run is undone');
    this.run = run;
  }
}

function dryRunJson(run: PlannedRun, nowMs: number): PayoutProcessorDryRun {
  const { planned, paid, held, outcome } = run;
  const shareOf = (payout: OnchainPayout) => planned?.feeShares[payout.id] ?? 0n;
  return {
    outcome,
    payouts: paid.map((payout) => ({
      payoutId: payout.id,
      destination: payout.destination,
      amountSats: payout.amountSats.toString(),
      feeShareSats: shareOf(payout).toString(),
      receivesSats: (payout.amountSats - shareOf(payout)).toString(),
    })),
    refused: held.map(({ payout, reason, detail }) => ({
      payoutId: payout.id,
      reason,
      message: detail,
    })),
    transaction:
      planned === null
        ? null
        : {
            inputs: planned.inputs,
            outputs: paid.length + (planned.changeSats === null ? 0 : 1),
            vsize: planned.vsize,
            feeSats: planned.feeSats.toString(),
            feeRateSatPerVb: rateText((planned.feeSats * SATS_PER_KVB) / BigInt(planned.vsize)),
            changeSats: planned.changeSats?.toString() ?? null,
          },
    totalSats: paid.reduce((sum, { amountSats }) => sum + amountSats, 0n).toString(),
    at: new Date(nowMs).toISOString(),
  };
}
