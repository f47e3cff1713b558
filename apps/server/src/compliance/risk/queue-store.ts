import { displayHash, parseHash } from '@quittance/bitcoin';
import type { LockedRate } from '@quittance/contract';
import type { Sats, Uuid } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';
import type { PaymentHold } from '../../receiving/payments/index.ts';

/**
 * Begins a transaction of this work: its statements find single rows by their keys whatever the values,
 * and planning each of them anew would cost a fifth of the database's time.
 */
export async function keepPlans(tx: Tx): Promise<void> {
  await tx.query('SET LOCAL plan_cache_mode = force_generic_plan');
}

/** A payment that a worker has taken on, until its lease is over. */
export type Claim = { merchantId: Uuid; paymentId: Uuid; attempts: number; begunAtMs: number };

/**
 * Takes on payments that wait for a decision and that nobody else has (it reads payment, which belongs
 * to receiving/payments). Ones that were replaced or dropped wait until they come back. To be called in
 * a transaction of its own.
 */
export async function claimPayments(
  tx: Tx,
  { nowMs, leaseMs, limit }: { nowMs: number; leaseMs: number; limit: number },
): Promise<Claim[]> {
  type Row = { merchant_id: Uuid; payment_id: Uuid; attempts: number; begun_at: Date };
  // A claim that a crash of the database takes back is made again: nothing waits for the disk.
  const plans = keepPlans(tx);
  const begun = tx.query('SET LOCAL synchronous_commit = off');
  const claimed = tx.query<Row>(
    `INSERT INTO risk_claim AS c (merchant_id, payment_id, begun_at, due_at, attempts)
     SELECT p.merchant_id, p.id, $1, $2, 1 FROM payment p
       LEFT JOIN risk_claim k ON k.merchant_id = p.merchant_id AND k.payment_id = p.id
      WHERE p.hold IN ('shadow', 'screening') AND p.state NOT IN ('replaced', 'dropped')
        AND (k.due_at IS NULL OR k.due_at <= $1)
      ORDER BY p.first_seen_at LIMIT $3
     ON CONFLICT (merchant_id, payment_id) DO UPDATE SET due_at = excluded.due_at,
            attempts = c.attempts + 1 WHERE c.due_at <= $1
     RETURNING merchant_id, payment_id, attempts, begun_at`,
    [new Date(nowMs), new Date(nowMs + leaseMs), limit],
  );
  const [, , rows] = await together([plans, begun, claimed]);
  return rows.map((row) => ({
    ...{ merchantId: row.merchant_id, paymentId: row.payment_id, attempts: row.attempts },
    begunAtMs: row.begun_at.getTime(),
  }));
}

export async function postponeClaim(
  tx: Tx,
  claim: Claim,
  { dueAtMs, error }: { dueAtMs: number; error: string },
): Promise<void> {
  await tx.query(
    `UPDATE risk_claim SET due_at = $3, last_error = $4
      WHERE merchant_id = $1 AND payment_id = $2`,
    [claim.merchantId, claim.paymentId, new Date(dueAtMs), error],
  );
}

export async function endClaim(
  tx: Tx,
  claim: Pick<Claim, 'merchantId' | 'paymentId'>,
): Promise<void> {
  await tx.query('DELETE FROM risk_claim WHERE merchant_id = $1 AND payment_id = $2', [
    claim.merchantId,
    claim.paymentId,
  ]);
}

/** How many wait longer than they should, by store, with what stands in the way of the oldest. */
export async function readStuck(
  tx: Tx,
  sinceMs: number,
): Promise<{ merchantId: Uuid; payments: number; error: string | null }[]> {
  const rows = await tx.query<{ merchant_id: Uuid; payments: number; error: string | null }>(
    `SELECT merchant_id, count(*)::int AS payments,
            (array_agg(last_error ORDER BY begun_at))[1] AS error
       FROM risk_claim WHERE begun_at <= $1 AND last_error IS NOT NULL
      GROUP BY merchant_id ORDER BY merchant_id`,
    [new Date(sinceMs)],
  );
  return rows.map((row) => ({
    ...{ merchantId: row.merchant_id, payments: row.payments, error: row.error },
  }));
}

/** What has to be known of a payment and its order before a decision. */
export type PaymentToScreen = {
  merchantId: Uuid;
  paymentId: Uuid;
  orderId: Uuid;
  method: 'onchain' | 'lightning';
  hold: PaymentHold;
  txid: string | null;
  height: number | null;
  amountSats: Sats;
  rate: LockedRate | null;
  /** Transactions that paid the order and were replaced. */
  replaced: number;
};

type PaymentRow = {
  order_id: Uuid;
  method: 'onchain' | 'lightning';
  hold: PaymentHold;
  txid: Buffer | null;
  height: number | null;
  amount_sats: Sats;
  rate: LockedRate | null;
  replaced: number;
};

/** Reads payment and orders, which belong to receiving/payments and receiving/orders. */
const PAYMENT = `SELECT p.order_id, p.method, p.hold, p.txid, p.height, p.amount_sats, o.rate,
            (SELECT count(DISTINCT r.txid) FROM payment r WHERE r.merchant_id = p.merchant_id
                AND r.order_id = p.order_id AND r.state = 'replaced')::int AS replaced
       FROM payment p JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
      WHERE p.merchant_id = $1 AND p.id = $2`;

export async function readPaymentToScreen(
  tx: Tx,
  own: { merchantId: Uuid; paymentId: Uuid },
): Promise<PaymentToScreen | undefined> {
  const row = await tx.maybe<PaymentRow>(PAYMENT, [own.merchantId, own.paymentId]);
  return row === undefined ? undefined : paymentOf(own, row);
}

/**
 * The same with its order locked until the transaction ends, as orders are locked first of all: nobody
 * else changes the payment meanwhile.
 */
export async function lockPaymentToScreen(
  tx: Tx,
  own: { merchantId: Uuid; paymentId: Uuid },
): Promise<PaymentToScreen | undefined> {
  const [, payment] = await together([
    tx.query(
      `SELECT 1 FROM orders WHERE (merchant_id, id) IN (SELECT merchant_id, order_id FROM payment
        WHERE merchant_id = $1 AND id = $2) FOR UPDATE`,
      [own.merchantId, own.paymentId],
    ),
    readPaymentToScreen(tx, own),
  ]);
  return payment;
}

function paymentOf(own: { merchantId: Uuid; paymentId: Uuid }, row: PaymentRow): PaymentToScreen {
  return {
    ...own,
    ...{ orderId: row.order_id, method: row.method, hold: row.hold, height: row.height },
    txid: row.txid === null ? null : displayHash(row.txid),
    ...{ amountSats: row.amount_sats, rate: row.rate, replaced: row.replaced },
  };
}

/** Raw transactions out of the chain's record (chain_transaction, of receiving/chain). */
export async function readRecordedTransactions(
  tx: Tx,
  txids: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const rows = await tx.query<{ txid: Buffer; raw: Buffer }>(
    'SELECT txid, raw FROM chain_transaction WHERE txid = ANY($1::bytea[])',
    [txids.map(parseHash)],
  );
  return new Map(rows.map(({ txid, raw }) => [displayHash(txid), raw]));
}

/** Which of these addresses refunds of the store were paid to (refund, of paying/refunds). */
export async function readRefundedAddresses(
  tx: Tx,
  { merchantId, addresses }: { merchantId: Uuid; addresses: readonly string[] },
): Promise<string[]> {
  if (addresses.length === 0) return [];
  const rows = await tx.query<{ address: string }>(
    `SELECT DISTINCT address FROM refund WHERE merchant_id = $1 AND address = ANY($2::text[])
        AND cap_state = 'posted' ORDER BY address`,
    [merchantId, addresses],
  );
  return rows.map(({ address }) => address);
}
