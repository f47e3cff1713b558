import { displayHash, parseHash } from '@quittance/bitcoin';
import type { LockedRate } from '@quittance/contract';
import type { Sats, Uuid } from '@quittance/kernel';
import { planByKeys, together, type Tx } from '../../platform/db/index.ts';
import type { LockedOrders, PaymentHold } from '../../receiving/payments/index.ts';
import {
  RUNNING_COLUMNS,
  type RunningConfigs,
  runningConfigsOf,
  type RunningRow,
} from './config-store.ts';

/** A payment that a worker has taken on, until its lease is over. */
export type Claim = { merchantId: Uuid; paymentId: Uuid; attempts: number; begunAtMs: number };

/** A claimed payment with what is needed to follow its coins. */
export type TakenOn = Claim & {
  payment: PaymentToScreen;
  /** null where the store has none yet. */
  running: RunningConfigs | null;
};

/**
 * Takes on payments that wait for a decision and that nobody else has (it reads payment, orders and
 * chain_transaction, of receiving). Ones that were replaced or dropped wait until they come back. To be
 * called in a transaction of its own.
 */
export async function claimPayments(
  tx: Tx,
  { nowMs, leaseMs, limit }: { nowMs: number; leaseMs: number; limit: number },
): Promise<TakenOn[]> {
  type Own = { merchant_id: Uuid; payment_id: Uuid; attempts: number; begun_at: Date };
  type Row = Own & PaymentRow & RunningRow & { raw: Buffer | null };
  // A claim that a crash of the database takes back is made again, and a payment is decided once all
  // the same: nothing waits for the disk.
  const plans = planByKeys(tx);
  const begun = tx.query('SET LOCAL synchronous_commit = off');
  const claimed = tx.query<Row>(
    `WITH due AS MATERIALIZED (
       SELECT p.* FROM payment p
         LEFT JOIN risk_claim k ON k.merchant_id = p.merchant_id AND k.payment_id = p.id
        WHERE p.hold IN ('shadow', 'screening') AND p.state NOT IN ('replaced', 'dropped')
          AND (k.due_at IS NULL OR k.due_at <= $1)
        ORDER BY p.first_seen_at LIMIT $3
     ), claimed AS (
       INSERT INTO risk_claim AS c (merchant_id, payment_id, begun_at, due_at, attempts)
       SELECT merchant_id, id, $1, $2, 1 FROM due ORDER BY first_seen_at
       ON CONFLICT (merchant_id, payment_id) DO UPDATE SET due_at = excluded.due_at,
              attempts = c.attempts + 1 WHERE c.due_at <= $1
       RETURNING merchant_id, payment_id, attempts, begun_at)
     SELECT claimed.*, ${PAYMENT_COLUMNS}, ${RUNNING_COLUMNS},
            (SELECT t.raw FROM chain_transaction t
              WHERE t.txid = p.txid AND p.height IS NULL) AS raw
       FROM claimed JOIN due p ON p.merchant_id = claimed.merchant_id AND p.id = claimed.payment_id
       LEFT JOIN risk_config active
         ON active.merchant_id = p.merchant_id AND active.state = 'active'
       LEFT JOIN risk_config shadow
         ON shadow.merchant_id = p.merchant_id AND shadow.state = 'shadow'
      ORDER BY p.first_seen_at`,
    [new Date(nowMs), new Date(nowMs + leaseMs), limit],
  );
  const [, , rows] = await together([plans, begun, claimed]);
  return rows.map((row) => {
    const own = { merchantId: row.merchant_id, paymentId: row.payment_id };
    return {
      ...{ ...own, attempts: row.attempts, begunAtMs: row.begun_at.getTime() },
      payment: { ...paymentOf(own, row), raw: row.raw },
      running: runningConfigsOf(row),
    };
  });
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
  /** Fixed when the order was made. */
  rate: LockedRate | null;
  /** The transaction's bytes, where they were asked for, are on record and are in no block. */
  raw: Uint8Array | null;
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

/** Of payment `p` and its order, which belong to receiving/payments and receiving/orders. */
const PAYMENT_COLUMNS = `p.order_id, p.method, p.hold, p.txid, p.height, p.amount_sats,
  (SELECT o.rate FROM orders o WHERE o.merchant_id = p.merchant_id AND o.id = p.order_id) AS rate,
  (SELECT count(DISTINCT r.txid) FROM payment r WHERE r.merchant_id = p.merchant_id
      AND r.order_id = p.order_id AND r.state = 'replaced')::int AS replaced`;

async function readPaymentToScreen(
  tx: Tx,
  own: { merchantId: Uuid; paymentId: Uuid },
): Promise<PaymentToScreen | undefined> {
  const row = await tx.maybe<PaymentRow>(
    `SELECT ${PAYMENT_COLUMNS} FROM payment p WHERE p.merchant_id = $1 AND p.id = $2`,
    [own.merchantId, own.paymentId],
  );
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

/** The payment as it is now that its order is locked; undefined: it is not there any more. */
export function paymentIn(
  { payments }: LockedOrders,
  known: PaymentToScreen,
): PaymentToScreen | undefined {
  const all = payments.get(known.orderId) ?? [];
  const now = all.find(({ id }) => id === known.paymentId);
  if (now === undefined) return undefined;
  const replaced = new Set(all.flatMap(({ state, txid }) => (state === 'replaced' ? [txid] : [])));
  const { hold, txid, height, amountSats } = now;
  return { ...known, hold, txid, height, amountSats, replaced: replaced.size };
}

function paymentOf(own: { merchantId: Uuid; paymentId: Uuid }, row: PaymentRow): PaymentToScreen {
  return {
    ...own,
    ...{ orderId: row.order_id, method: row.method, hold: row.hold, height: row.height },
    txid: row.txid === null ? null : displayHash(row.txid),
    ...{ amountSats: row.amount_sats, rate: row.rate, raw: null, replaced: row.replaced },
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
