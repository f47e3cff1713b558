import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { raiseAlert, resolveAlert } from '../../../telling/notifications/index.ts';
import { readWalletBalances } from '../../coins/index.ts';
import type { FeeEstimate } from '../../spends/index.ts';
import { readTipHeight } from '../sums-store.ts';
import type { ProcessorDeps } from './deps.ts';
import { type PlannedRun, rateText } from './plan-run.ts';
import type { Processor } from './store.ts';

/** As many runs in a row that end in a fault are no accident. */
const FAILURES_UNTIL_ALERT = 3;

/**
 * Raises what a run has shown to be wrong and resolves what it has shown to be well, at the end of
 * its transaction.
 */
export async function tellOfRun(
  tx: Tx,
  deps: ProcessorDeps,
  run: {
    processor: Processor;
    planned: PlannedRun;
    failures: number;
    estimate: FeeEstimate | null;
    nowMs: number;
  },
): Promise<void> {
  const { processor, planned, failures } = run;
  const { merchantId, id: subject, settings } = processor;
  if (planned.outcome === 'fee_above_limit') {
    await raiseAlert(tx, deps, {
      merchantId,
      kind: 'fee_above_policy',
      subject,
      severity: 'warning',
      facts: {
        feeRateSatPerVb: run.estimate === null ? 'unknown' : rateText(run.estimate.feeRate),
        maxFeeRateSatPerVb: String(settings.feePolicy.maxFeeRateSatPerVb),
      },
    });
  } else if (planned.outcome === 'paid') {
    await resolveAlert(tx, deps, { merchantId, kind: 'fee_above_policy', subject });
  }
  if (failures >= FAILURES_UNTIL_ALERT) {
    await raiseAlert(tx, deps, {
      merchantId,
      kind: 'payout_failing',
      subject,
      severity: 'warning',
      facts: {
        processor: settings.name,
        failures: String(failures),
        reason: planned.refusal?.detail ?? planned.outcome,
      },
    });
  } else if (failures === 0 && processor.failures > 0) {
    await resolveAlert(tx, deps, { merchantId, kind: 'payout_failing', subject });
  }
  await watchWallet(tx, deps, run);
}

/** The wallet runs low: below its threshold, or already too little for what is to be paid. */
async function watchWallet(
  tx: Tx,
  deps: ProcessorDeps,
  { processor, planned }: { processor: Processor; planned: PlannedRun },
): Promise<void> {
  const { merchantId, walletId, settings } = processor;
  const isShort = planned.refusal?.reason === 'insufficient_funds';
  if (settings.lowWalletSats === null && !isShort) return;
  // The change of what was just planned comes back as soon as it is sent.
  const changeSats = planned.planned?.changeSats ?? 0n;
  const balanceSats = (await readSpendableSats(tx, { merchantId, walletId })) + changeSats;
  const threshold = settings.lowWalletSats === null ? null : BigInt(settings.lowWalletSats);
  const isLow = threshold !== null && balanceSats < threshold;
  const about = { merchantId, kind: 'hot_wallet_low', subject: walletId } as const;
  if (!isShort && !isLow) {
    await resolveAlert(tx, deps, about);
    return;
  }
  await raiseAlert(tx, deps, {
    ...about,
    severity: isShort ? 'critical' : 'warning',
    facts: {
      balanceSats: balanceSats.toString(),
      thresholdSats: settings.lowWalletSats ?? sumOf(planned).toString(),
    },
  });
}

/** What could be spent now: confirmed or our own change, and not reserved. */
async function readSpendableSats(
  tx: Tx,
  wallet: { merchantId: Uuid; walletId: Uuid },
): Promise<bigint> {
  const { spendableSats } = await readWalletBalances(tx, {
    ...wallet,
    tipHeight: await readTipHeight(tx),
    minConfirmations: 1,
    ownChangeUnconfirmed: true,
  });
  return spendableSats;
}

function sumOf({ paid, held }: PlannedRun): bigint {
  const all = [...paid, ...held.map(({ payout }) => payout)];
  return all.reduce((sum, { amountSats }) => sum + amountSats, 0n);
}
