import { assert, type Uuid, unreachable } from '@quittance/kernel';
import {
  lightningFeeReleased,
  lightningFeeReserved,
  lightningLate,
  lightningSent,
  MAX_BATCH,
  MERCHANT_AVAILABLE,
  payoutReleased,
  payoutReserved,
  payoutReversed,
  payoutSent,
  postTransfers,
  readBalances,
  type Transfer,
} from '../../accounting/ledger/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { recordEvents } from '../../telling/events/index.ts';
import { coveringSats, type Payout, type PayoutListener, type PayoutTelling } from './payout.ts';
import { payoutEvent } from './present.ts';
import { ringProcessors } from './processors/store.ts';
import { updatePayouts } from './store.ts';
import type { PayoutTransferIntent } from './step.ts';
import type { PayoutLedgerIntent, PayoutStep } from './transition.ts';

/** A payout as it was read under its lock, and what becomes of it. */
export type PayoutMove = { before: Payout; step: Extract<PayoutStep, { ok: true }> };

/**
 * Writes what becomes of payouts: rows, what listeners make of it, ledger, events, all in the
 * caller's transaction and in the order of the locks (ADR 0012: payout, refund, order, book).
 * Steps that change nothing write nothing.
 */
export async function writePayouts(
  tx: Tx,
  deps: { listener: PayoutListener },
  { telling, moves }: { telling: PayoutTelling; moves: readonly PayoutMove[] },
): Promise<void> {
  const changed = moves.filter(({ before, step }) => step.payout !== before);
  if (changed.length === 0) return;
  await updatePayouts(
    tx,
    changed.map(({ step }) => step.payout),
  );
  for (const { before, step } of changed) {
    const { payout } = step;
    await deps.listener.payoutChanged(tx, telling, {
      merchantId: payout.merchantId,
      payoutId: payout.id,
      refundId: payout.refundId,
      source: payout.source,
      method: payout.method,
      before: before.state,
      state: payout.state,
      reason: payout.reason,
      origin: payout.origin,
      amountSats: coveringSats(payout.amountMsat),
      amountMsat: payout.amountMsat,
      feeShareSats: payout.feeShareSats,
      feeMsat: payout.lightning?.feeMsat ?? 0n,
      preimage: payout.lightning?.preimage ?? null,
      spendId: payout.spendId,
      txid: payout.txid,
    });
  }
  const transfers = changed.flatMap(({ step }) =>
    step.ledger.map((intent) => transferOf(step.payout, intent, telling.nowMs)),
  );
  for (let at = 0; at < transfers.length; at += MAX_BATCH) {
    const batch = transfers.slice(at, at + MAX_BATCH);
    const recorded = await postTransfers(tx, batch);
    // Each transfer goes with a change of state that was just written for the first time.
    assert(recorded === batch.length, 'a transfer of a payout was in the ledger already');
  }
  await recordEvents(
    tx,
    changed.flatMap(({ step }) =>
      step.notices.map((type) => payoutEvent(step.payout, type, telling)),
    ),
  );
  if (changed.some(isToBePaid)) await ringProcessors(tx);
}

function transferOf(payout: Payout, intent: PayoutLedgerIntent, atMs: number): Transfer {
  if (intent.template !== 'lightning-late') return transferOfEpoch(payout, intent, atMs);
  const { merchantId, id: payoutId, amountMsat } = payout;
  const { attemptId, paymentHash, feeMsat } = intent;
  return lightningLate({ merchantId, payoutId, attemptId, paymentHash, amountMsat, feeMsat, atMs });
}

function transferOfEpoch(payout: Payout, intent: PayoutTransferIntent, atMs: number): Transfer {
  const { merchantId, id: payoutId, amountMsat, lightning } = payout;
  const args = { merchantId, payoutId, amountMsat, epoch: intent.epoch, atMs };
  const feeArgs = { ...args, amountMsat: lightning?.feeLimitMsat ?? 0n };
  switch (intent.template) {
    case 'payout-reserved':
      return payoutReserved(args);
    case 'payout-sent':
      return payoutSent(args);
    case 'payout-released':
      return payoutReleased(args);
    case 'payout-reversed':
      return payoutReversed(args);
    case 'lightning-fee-reserved':
      return lightningFeeReserved(feeArgs);
    case 'lightning-fee-released':
      return lightningFeeReleased(feeArgs);
    case 'lightning-sent': {
      assert(lightning !== null && lightning.paymentHash !== null, 'what was sent has a hash');
      const { feeMsat, paymentHash } = lightning;
      return lightningSent({ ...args, feeMsat, paymentHash });
    }
    default:
      return unreachable(intent.template);
  }
}

/** Whether a worker should look: something may be paid that could not be before. */
function isToBePaid({ before, step: { payout } }: PayoutMove): boolean {
  if (payout.state !== 'approved') return false;
  const isWanted = before.payRequest === null && payout.payRequest !== null;
  return (
    before.state !== 'approved' || isWanted || (before.notBeforeMs ?? 0) > (payout.notBeforeMs ?? 0)
  );
}

/** What a merchant can still promise, in msat: posted less what is pending; negative is a debt. */
export async function readAvailableMsats(tx: Tx, merchantId: Uuid): Promise<bigint> {
  const balances = await readBalances(tx, { bookId: merchantId });
  return balances.find(({ code }) => code === MERCHANT_AVAILABLE.code)?.available ?? 0n;
}

/**
 * Call it after the reservation was posted: from then on the book is locked, so that of two
 * approvals that together exceed the balance the second one sees the first.
 * @throws {AppError} insufficient_balance
 */
export async function demandCover(tx: Tx, merchantId: Uuid): Promise<void> {
  const available = await readAvailableMsats(tx, merchantId);
  if (available >= 0n) return;
  const missing = (-available + 999n) / 1_000n;
  throw new AppError(
    'insufficient_balance',
    `The store's available balance is ${missing} sat short of this.`,
  );
}
