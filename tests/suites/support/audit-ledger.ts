import type pg from 'pg';
import type { ChainTruth } from './chain-truth.ts';
import { addUp, groupBy, type PaymentRow, type Row, statusFor } from './order-rules.ts';

/** Every transfer balances, every counter is the sum of its entries, and the sums are the chain's. */
export async function checkLedger(
  client: pg.Client,
  books: { truth: ChainTruth; orders: readonly Row[]; payments: readonly PaymentRow[] },
  faults: string[],
): Promise<void> {
  const unbalanced = await client.query(
    `SELECT book_id, sequence FROM ledger_entry GROUP BY 1, 2
     HAVING sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) <> 0`,
  );
  if (unbalanced.rowCount !== 0) faults.push(`${unbalanced.rowCount} transfers do not balance`);
  const gaps = await client.query(
    `SELECT book_id FROM ledger_transfer GROUP BY 1 HAVING count(*) <> max(sequence)`,
  );
  if (gaps.rowCount !== 0) faults.push('a journal has a gap');
  const { rows } = await client.query<{ book: string; code: string; net: string; open: string }>(
    `SELECT book_id AS book, code, debits_posted - credits_posted AS net,
            debits_pending - credits_pending AS open FROM ledger_account`,
  );
  const expected = expectedBalances(books);
  for (const { book, code, net, open } of rows) {
    const [rightNet = 0n, rightOpen = 0n] = expected.get(`${book} ${code}`) ?? [];
    expected.delete(`${book} ${code}`);
    if (BigInt(net) === rightNet && BigInt(open) === rightOpen) continue;
    faults.push(`${code} is ${net} and ${open} pending, should be ${rightNet} and ${rightOpen}`);
  }
  for (const [account, sums] of expected) {
    if (sums.some((sum) => sum !== 0n)) faults.push(`the account ${account} is missing`);
  }
}

/** Debits less credits in msat, posted and pending, by book and account. */
function expectedBalances({
  truth,
  orders,
  payments,
}: {
  truth: ChainTruth;
  orders: readonly Row[];
  payments: readonly PaymentRow[];
}): Map<string, [bigint, bigint]> {
  const balances = new Map<string, [bigint, bigint]>();
  const add = (account: string, posted: bigint, pending: bigint): void => {
    const [net, open] = balances.get(account) ?? [0n, 0n];
    balances.set(account, [net + posted * 1_000n, open + pending * 1_000n]);
  };
  const byAddress = groupBy(truth.outputs, 'address');
  const byOrder = groupBy(payments, 'order_id');
  for (const order of orders) {
    const book = order.merchant_id;
    const outputs = byAddress.get(order.address) ?? [];
    for (const { sats, confirmations } of outputs) {
      const confirmed = confirmations >= order.required_confirmations;
      const [posted, pending] = confirmed ? [sats, 0n] : [0n, sats];
      add(`${book} onchain.wallet`, posted, pending);
      add(`${book} receipts.unapplied`, 0n - posted, 0n - pending);
    }
    const known = byOrder.get(order.id) ?? [];
    const sums = addUp(order, known, outputs);
    const status = statusFor(order, known, sums);
    if (status !== 'CONFIRMED' && status !== 'OVERPAID') continue;
    const excess = status === 'OVERPAID' ? sums.confirmed - BigInt(order.due_sats) : 0n;
    add(`${book} receipts.unapplied`, sums.confirmed, 0n);
    add(`${book} merchant.available`, excess - sums.confirmed, 0n);
    add(`${book} customer.excess`, -excess, 0n);
  }
  return balances;
}
