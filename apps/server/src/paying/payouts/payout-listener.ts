import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { SpendChange, SpendListener } from '../spends/index.ts';
import { demand } from './errors.ts';
import { payoutFaultPoint } from './fault-points.ts';
import type { Payout, PayoutListener } from './payout.ts';
import { type RetryPolicy, retryAtMs } from './processors/back-off.ts';
import { findProcessorOfWallet } from './processors/store.ts';
import { lockPayoutsById, lockPayoutsOfSpends } from './store.ts';
import { applyPayoutEvent, type PayoutEvent } from './transition.ts';
import { type PayoutMove, writePayouts } from './write-payouts.ts';

/** Where no processor says how often: as its defaults. */
const DEFAULT_RETRIES: RetryPolicy = { maxAttempts: 10, delaySeconds: 60 };

/**
 * What spends tell of becomes states of payouts, ledger transfers and events, in the transaction
 * that changed the spend. Every change may come twice. A change that contradicts the payout (one of
 * a spend that is not its own) stops the transaction: it would be a payout paid twice.
 * @param deps.listener told of every change of a payout: refunds
 */
export function createPayoutListener(deps: { listener: PayoutListener }): SpendListener {
  return {
    lock: lockPayoutsOfSpends,
    async spendChanged(tx, telling, change) {
      const ids = change.outputs.map(({ payoutId }) => payoutId);
      if (ids.length === 0) return;
      const payouts = await lockPayoutsById(tx, { merchantId: change.merchantId, ids });
      const shares = new Map(
        change.outputs.map(({ payoutId, feeShareSats }) => [payoutId, feeShareSats]),
      );
      const retries =
        change.state === 'failed' && change.retry
          ? await readRetries(tx, change.merchantId, payouts)
          : undefined;
      const moves = payouts.map((before): PayoutMove => {
        const event = eventOf(change, before, {
          nowMs: telling.nowMs,
          feeShareSats: shares.get(before.id) ?? 0n,
          retries: retries?.get(before.walletId ?? '') ?? DEFAULT_RETRIES,
        });
        return { before, step: demand(applyPayoutEvent(before, event)) };
      });
      await writePayouts(tx, deps, { telling, moves });
      payoutFaultPoint('payout-told-uncommitted');
    },
  };
}

function eventOf(
  change: SpendChange,
  payout: Payout,
  more: { nowMs: number; feeShareSats: bigint; retries: RetryPolicy },
): PayoutEvent {
  const { spendId, state, reason, txid } = change;
  const { nowMs: atMs, retries, feeShareSats } = more;
  if (state === 'failed') {
    const wasSent = payout.state === 'broadcast' || payout.state === 'confirmed';
    return {
      type: 'spend_failed',
      spendId,
      reason: reason ?? (wasSent ? 'transaction_reversed' : 'transaction_failed'),
      retry: change.retry
        ? { notBeforeMs: retryAtMs(retries, payout.attempts, atMs), ...retries }
        : null,
      atMs,
    };
  }
  if (state === 'planned' || state === 'signed' || txid === null) {
    return { type: 'spend_noted', spendId, reason, atMs };
  }
  return { type: 'spend_moved', spendId, to: state, txid, feeShareSats, reason, atMs };
}

async function readRetries(
  tx: Tx,
  merchantId: Uuid,
  payouts: readonly Payout[],
): Promise<Map<Uuid, RetryPolicy>> {
  const found = new Map<Uuid, RetryPolicy>();
  for (const walletId of new Set(payouts.flatMap((each) => each.walletId ?? []))) {
    const processor = await findProcessorOfWallet(tx, { merchantId, walletId });
    if (processor !== undefined) found.set(walletId, processor.settings.retries);
  }
  return found;
}
