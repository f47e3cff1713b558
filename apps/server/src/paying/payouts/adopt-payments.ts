import { assert, type Sats, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { type AlertDeps, raiseAlert } from '../../telling/notifications/index.ts';
import { holdWallet } from '../guard/index.ts';
import {
  type AdoptedOutput,
  adoptAsSpend,
  adoptAsVersion,
  type ForgottenPayment,
  readConflictingSpends,
  readForgottenPayments,
  readSpendSizes,
  readUnsignedSpends,
  readWalletSpentBy,
  type SpendAdopter,
  type SpendTelling,
} from '../spends/index.ts';
import { lockOpenPayouts, type OpenPayout, readOpenPayoutsTo } from './adopt-store.ts';
import { demand } from './errors.ts';
import { matchPayment, pays } from './match-payment.ts';
import type { PayoutListener } from './payout.ts';
import { lockPayoutsById } from './store.ts';
import { applyPayoutEvent, type PayoutEvent } from './transition.ts';
import { writePayouts } from './write-payouts.ts';

type AdopterDeps = { listener: PayoutListener; alerts?: AlertDeps };

/**
 * After a restore from a backup: a transaction that spends our coins, that nobody here has heard of,
 * and that pays exactly what an open payout promises, was made by us after the backup. It becomes
 * that payout's payment, so that it is not made a second time. What can not be told for certain
 * holds the wallet until a person has looked.
 */
export function createPaymentAdopter(deps: AdopterDeps): SpendAdopter {
  return {
    async findPaid(tx, txids) {
      return (await readCandidates(tx, txids)).open;
    },
    async lock(tx, txids) {
      const { open } = await readCandidates(tx, txids);
      await lockOpenPayouts(
        tx,
        open.map(({ id }) => id),
      );
    },
    async adopt(tx, telling, txids) {
      const { payments } = await readCandidates(tx, txids);
      // One after the other: what one of them has paid is not open for the next.
      for (const payment of payments) await adoptOne(tx, deps, telling, payment);
    },
  };
}

async function readCandidates(
  tx: Tx,
  txids: readonly string[],
): Promise<{ payments: ForgottenPayment[]; open: OpenPayout[] }> {
  const payments = await readForgottenPayments(tx, txids);
  const open = await readOpenPayoutsTo(tx, payments.flatMap(scriptsOf));
  return { payments, open };
}

function scriptsOf({ transaction }: ForgottenPayment): Uint8Array[] {
  return transaction.outputs.map(({ script }) => script);
}

async function adoptOne(
  tx: Tx,
  deps: AdopterDeps,
  telling: SpendTelling,
  payment: ForgottenPayment,
): Promise<void> {
  const { outputs } = payment.transaction;
  const walletId = await readWalletSpentBy(tx, payment.txid);
  if (walletId === null) return;
  const all = await readOpenPayoutsTo(tx, scriptsOf(payment));
  // What was asked for after the transaction was seen is not what it pays.
  const open = all.filter(
    (each) => each.walletId === walletId && each.createdAtMs <= payment.firstSeenAtMs,
  );
  const merchantId = open[0]?.merchantId;
  if (merchantId === undefined) return;
  const spendIds = [...new Set(open.flatMap(({ spendId }) => spendId ?? []))];
  const match = matchPayment(outputs, open, {
    conflicting: await readConflictingSpends(tx, payment.txid),
    unsigned: await readUnsignedSpends(tx, spendIds),
    sizes: await readSpendSizes(tx, spendIds),
  });
  if (match.type === 'nothing') return;
  const adopted = outputsOf(payment, match.payouts);
  const isAdopted =
    match.type === 'payouts'
      ? await adoptForPayouts(tx, deps, telling, { merchantId, payment, adopted })
      : match.type === 'spend' &&
        (await adoptAsVersion(tx, telling, payment, { spendId: match.spendId, outputs: adopted }));
  if (isAdopted) return;
  const ids = match.payouts.map(({ id }) => id).slice(0, MAX_IDS_TOLD);
  const reason =
    `transaction ${payment.txid} spends coins of this wallet, is not on record, and seems to pay ` +
    `the payouts ${ids.join(', ')} among others; nothing is paid from this wallet`;
  // Of this wallet alone: other stores' payouts are no less certain for it.
  await holdWallet(tx, { merchantId, walletId, reason, nowMs: telling.nowMs });
  if (deps.alerts === undefined) return;
  await raiseAlert(tx, deps.alerts, {
    ...{ merchantId, kind: 'payouts_held', subject: walletId, severity: 'critical' },
    facts: { reason },
  });
}

/** A reason names no more payouts than a person reads. */
const MAX_IDS_TOLD = 5;

async function adoptForPayouts(
  tx: Tx,
  deps: { listener: PayoutListener },
  telling: SpendTelling,
  given: { merchantId: Uuid; payment: ForgottenPayment; adopted: readonly AdoptedOutput[] },
): Promise<boolean> {
  const { merchantId, payment, adopted } = given;
  const spendId = await adoptAsSpend(tx, telling, payment, adopted);
  if (spendId === null) return false;
  const { nowMs: atMs } = telling;
  const ids = adopted.map(({ payoutId }) => payoutId);
  // Paid means approved, whatever the backup knew of approvals: the book reserves it now.
  const approved = { type: 'auto_approved', approval: null, atMs } as const;
  const started = { type: 'started', spendId, origin: 'manual', processorId: null, atMs } as const;
  await move(tx, deps, telling, { merchantId, ids, event: approved });
  await move(tx, deps, telling, { merchantId, ids, event: started });
  return true;
}

async function move(
  tx: Tx,
  deps: { listener: PayoutListener },
  telling: SpendTelling,
  { merchantId, ids, event }: { merchantId: Uuid; ids: readonly Uuid[]; event: PayoutEvent },
): Promise<void> {
  const payouts = await lockPayoutsById(tx, { merchantId, ids });
  assert(payouts.length === ids.length, 'payouts that were matched are there');
  const moves = payouts.map((before) => ({
    before,
    step: demand(applyPayoutEvent(before, event)),
  }));
  await writePayouts(tx, deps, { telling, moves });
}

function outputsOf(
  { transaction }: ForgottenPayment,
  payouts: readonly OpenPayout[],
): AdoptedOutput[] {
  const left = [...transaction.outputs];
  return payouts.map((payout) => {
    const at = left.findIndex((output) => pays(output, payout));
    const [output] = left.splice(at, 1);
    assert(output !== undefined, 'a payout that was matched has an output');
    const { id: payoutId, script, amountSats, maxFeeShareSats } = payout;
    const feeShareSats: Sats = amountSats - output.valueSats;
    const feeFrom = maxFeeShareSats > 0n ? 'recipient' : 'sender';
    const terms = { payoutId, script, amountSats, maxFeeShareSats, feeFrom } as const;
    return { ...terms, approvals: [], feeShareSats };
  });
}
