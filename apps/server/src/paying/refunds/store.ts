import { displayHash, parseHash } from '@quittance/bitcoin';
import type { LockedRate, RefundMode, RefundState } from '@quittance/contract';
import { assert, type Sats, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { RefundSums } from '../../receiving/payments/index.ts';
import type { Cap } from './cap.ts';
import type { CapState, Refund, RefundDestination } from './refund.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  order_id: Uuid;
  state: RefundState;
  state_reason: string | null;
  held: boolean;
  note: string | null;
  mode: RefundMode;
  rate_mode: 'original' | 'current';
  rate: LockedRate | null;
  basis_sats: bigint;
  from_merchant_sats: bigint;
  from_excess_sats: bigint;
  from_held_sats: bigint;
  gross_sats: bigint;
  deduction_sats: bigint;
  payout_sats: bigint;
  value_currency: string;
  value_minor: bigint;
  fee_from: 'merchant' | 'customer';
  max_fee_share_sats: bigint;
  destination: RefundDestination;
  proof_required: boolean;
  claim_hash: Buffer | null;
  claim_expires_at: Date | null;
  address: string | null;
  script: Buffer | null;
  proof: string | null;
  claimed_at: Date | null;
  payout_id: Uuid | null;
  txid: Buffer | null;
  fee_share_sats: bigint;
  cap_state: CapState;
  cap_epoch: number;
  version: number;
  created_by: string;
  created_at: Date;
  sent_at: Date | null;
  finished_at: Date | null;
  updated_at: Date;
};

/** A refund as it is stored, with when it was last changed. */
export type StoredRefund = Refund & { readonly updatedAtMs: number };

const COLUMNS = `merchant_id, id, order_id, state, state_reason, held, note, mode, rate_mode, rate,
  basis_sats, from_merchant_sats, from_excess_sats, from_held_sats, gross_sats, deduction_sats,
  payout_sats, value_currency, value_minor, fee_from, max_fee_share_sats, destination,
  proof_required, claim_hash, claim_expires_at, address, script, proof, claimed_at, payout_id, txid,
  fee_share_sats, cap_state, cap_epoch, version, created_by, created_at, sent_at, finished_at,
  updated_at`;

function refundOf(row: Row): StoredRefund {
  const ms = (date: Date | null) => date?.getTime() ?? null;
  return {
    merchantId: row.merchant_id,
    id: row.id,
    orderId: row.order_id,
    state: row.state,
    reason: row.state_reason,
    held: row.held,
    note: row.note,
    mode: row.mode,
    rateMode: row.rate_mode,
    rate: row.rate,
    basisSats: row.basis_sats,
    fromMerchantSats: row.from_merchant_sats,
    fromExcessSats: row.from_excess_sats,
    fromHeldSats: row.from_held_sats,
    grossSats: row.gross_sats,
    deductionSats: row.deduction_sats,
    payoutSats: row.payout_sats,
    valueCurrency: row.value_currency,
    valueMinor: row.value_minor,
    feeFrom: row.fee_from,
    maxFeeShareSats: row.max_fee_share_sats,
    destination: row.destination,
    proofRequired: row.proof_required,
    claimHash: row.claim_hash,
    claimExpiresAtMs: ms(row.claim_expires_at),
    address: row.address,
    script: row.script,
    proof: row.proof,
    claimedAtMs: ms(row.claimed_at),
    payoutId: row.payout_id,
    txid: row.txid === null ? null : displayHash(row.txid),
    feeShareSats: row.fee_share_sats,
    capState: row.cap_state,
    capEpoch: row.cap_epoch,
    version: row.version,
    createdBy: row.created_by,
    createdAtMs: row.created_at.getTime(),
    sentAtMs: ms(row.sent_at),
    finishedAtMs: ms(row.finished_at),
    updatedAtMs: row.updated_at.getTime(),
  };
}

export type OfOrder = { merchantId: Uuid; orderId: Uuid };

/**
 * Locks an order's cap, which comes with its first refund: whoever changes a refund of an order
 * holds it to the end of the transaction. Before the order and the book (ADR 0012).
 */
export async function lockCap(tx: Tx, { merchantId, orderId }: OfOrder): Promise<Cap> {
  await tx.query(
    `INSERT INTO refund_cap (merchant_id, order_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
    [merchantId, orderId],
  );
  const row = await tx.one<{ credited_sats: bigint; epoch: number }>(
    `SELECT credited_sats, epoch FROM refund_cap
      WHERE merchant_id = $1 AND order_id = $2 FOR UPDATE`,
    [merchantId, orderId],
  );
  return { creditedSats: row.credited_sats, epoch: row.epoch };
}

export async function saveCap(tx: Tx, { merchantId, orderId }: OfOrder, cap: Cap): Promise<void> {
  await tx.query(
    `UPDATE refund_cap SET credited_sats = $3, epoch = $4 WHERE merchant_id = $1 AND order_id = $2`,
    [merchantId, orderId, cap.creditedSats, cap.epoch],
  );
}

/** The refunds of an order, the oldest first. There are as many as its receipts allow. */
export async function readRefundsOfOrder(
  tx: Tx,
  { merchantId, orderId }: OfOrder,
): Promise<StoredRefund[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM refund WHERE merchant_id = $1 AND order_id = $2 ORDER BY id`,
    [merchantId, orderId],
  );
  return rows.map(refundOf);
}

export async function countRefunds(tx: Tx, { merchantId, orderId }: OfOrder): Promise<number> {
  const row = await tx.one<{ count: number }>(
    `SELECT count(*)::int AS count FROM refund WHERE merchant_id = $1 AND order_id = $2`,
    [merchantId, orderId],
  );
  return row.count;
}

export async function readRefund(
  tx: Tx,
  { merchantId, id }: { merchantId: Uuid; id: Uuid },
): Promise<StoredRefund | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM refund WHERE merchant_id = $1 AND id = $2`,
    [merchantId, id],
  );
  return row === undefined ? undefined : refundOf(row);
}

/** Notes who made the present link. */
export async function noteLinkMaker(
  tx: Tx,
  { merchantId, id, by }: { merchantId: Uuid; id: Uuid; by: string },
): Promise<void> {
  await tx.query('UPDATE refund SET link_made_by = $3 WHERE merchant_id = $1 AND id = $2', [
    ...[merchantId, id, by],
  ]);
}

/** By the hash of a link's secret, whosever it is: for who has the link and nothing else. */
export async function findRefundByClaim(
  tx: Tx,
  claimHash: Uint8Array,
): Promise<StoredRefund | undefined> {
  const row = await tx.maybe<Row>(`SELECT ${COLUMNS} FROM refund WHERE claim_hash = $1`, [
    claimHash,
  ]);
  return row === undefined ? undefined : refundOf(row);
}

export type RefundFilter = {
  merchantId: Uuid;
  orderId?: Uuid | undefined;
  state?: RefundState | undefined;
  startingAfter?: Uuid | undefined;
  limit: number;
};

/** A merchant's refunds, the newest first; each combination of filters is a constant text. */
export async function listRefunds(tx: Tx, filter: RefundFilter): Promise<StoredRefund[]> {
  const values: unknown[] = [filter.merchantId, filter.limit];
  let where = 'merchant_id = $1';
  if (filter.startingAfter !== undefined) {
    where += ` AND id < $${values.push(filter.startingAfter)}`;
  }
  if (filter.orderId !== undefined) where += ` AND order_id = $${values.push(filter.orderId)}`;
  if (filter.state !== undefined) where += ` AND state = $${values.push(filter.state)}`;
  const text = `SELECT ${COLUMNS} FROM refund WHERE ${where} ORDER BY id DESC LIMIT $2`;
  return (await tx.query<Row>(text, values)).map(refundOf);
}

/** Inserts a refund, or writes what a transition changed of one. */
export async function saveRefund(
  tx: Tx,
  refund: Refund,
  how: { isNew: boolean; nowMs: number },
): Promise<void> {
  const values = valuesOf(refund, how.nowMs);
  const places = values.map((_, i) => `$${i + 1}`).join(', ');
  if (how.isNew) {
    await tx.query(`INSERT INTO refund (${COLUMNS}) VALUES (${places})`, values);
    return;
  }
  const saved = await tx.query(
    `UPDATE refund SET state = $3, state_reason = $4, held = $5, claim_hash = $6,
            claim_expires_at = $7, address = $8, script = $9, proof = $10, claimed_at = $11,
            payout_id = $12, txid = $13, fee_share_sats = $14, cap_state = $15, cap_epoch = $16,
            version = version + 1, sent_at = $17, finished_at = $18, updated_at = $19
      WHERE merchant_id = $1 AND id = $2 AND version = $20 RETURNING 1 AS saved`,
    [
      refund.merchantId,
      refund.id,
      refund.state,
      refund.reason,
      refund.held,
      refund.claimHash,
      dateOf(refund.claimExpiresAtMs),
      refund.address,
      refund.script,
      refund.proof,
      dateOf(refund.claimedAtMs),
      refund.payoutId,
      refund.txid === null ? null : parseHash(refund.txid),
      refund.feeShareSats,
      refund.capState,
      refund.capEpoch,
      dateOf(refund.sentAtMs),
      dateOf(refund.finishedAtMs),
      new Date(how.nowMs),
      refund.version,
    ],
  );
  assert(saved.length === 1, 'saveRefund: the refund was not as it was read');
}

function valuesOf(refund: Refund, nowMs: number): unknown[] {
  return [
    ...[refund.merchantId, refund.id, refund.orderId, refund.state, refund.reason, refund.held],
    ...[refund.note, refund.mode, refund.rateMode],
    refund.rate === null ? null : JSON.stringify(refund.rate),
    ...[refund.basisSats, refund.fromMerchantSats, refund.fromExcessSats, refund.fromHeldSats],
    ...[refund.grossSats, refund.deductionSats, refund.payoutSats, refund.valueCurrency],
    ...[refund.valueMinor, refund.feeFrom, refund.maxFeeShareSats, refund.destination],
    ...[refund.proofRequired, refund.claimHash, dateOf(refund.claimExpiresAtMs)],
    ...[refund.address, refund.script, refund.proof, dateOf(refund.claimedAtMs), refund.payoutId],
    ...[refund.txid === null ? null : parseHash(refund.txid), refund.feeShareSats],
    ...[refund.capState, refund.capEpoch, refund.version, refund.createdBy],
    ...[new Date(refund.createdAtMs), dateOf(refund.sentAtMs), dateOf(refund.finishedAtMs)],
    new Date(nowMs),
  ];
}

/**
 * What all refunds of an order come to: the facts that its status and its bookkeeping rest on. A
 * refund wants its money from the time that a payout for it exists.
 */
export async function sumRefunds(tx: Tx, { merchantId, orderId }: OfOrder): Promise<RefundSums> {
  const row = await tx.one<{ paid: Sats; promised: Sats; held: Sats; excess: Sats }>(
    `SELECT coalesce(sum(basis_sats) FILTER (WHERE cap_state = 'posted'), 0)::bigint AS paid,
            coalesce(sum(basis_sats) FILTER (WHERE cap_state = 'pending'), 0)::bigint AS promised,
            coalesce(sum(from_held_sats) FILTER (WHERE cap_state <> 'none'
              AND payout_id IS NOT NULL), 0)::bigint AS held,
            coalesce(sum(from_excess_sats) FILTER (WHERE cap_state <> 'none'
              AND payout_id IS NOT NULL), 0)::bigint AS excess
       FROM refund WHERE merchant_id = $1 AND order_id = $2`,
    [merchantId, orderId],
  );
  return {
    refundedSats: row.paid,
    refundingSats: row.promised,
    heldWantedSats: row.held,
    excessWantedSats: row.excess,
  };
}

/** Orders that were refunded and that these transactions pay. */
export async function findOrdersPaidBy(tx: Tx, txids: readonly string[]): Promise<OfOrder[]> {
  const rows = await tx.query<{ merchant_id: Uuid; order_id: Uuid }>(
    `SELECT DISTINCT c.merchant_id, c.order_id FROM payment p
       JOIN refund_cap c ON c.merchant_id = p.merchant_id AND c.order_id = p.order_id
      WHERE p.txid = ANY($1::bytea[]) ORDER BY c.merchant_id, c.order_id`,
    [txids.map(parseHash)],
  );
  return rows.map((row) => ({ merchantId: row.merchant_id, orderId: row.order_id }));
}

/** Orders with refunds that these transactions pay. */
export async function findOrdersRefundedBy(tx: Tx, txids: readonly string[]): Promise<OfOrder[]> {
  const rows = await tx.query<{ merchant_id: Uuid; order_id: Uuid }>(
    `SELECT DISTINCT merchant_id, order_id FROM refund WHERE txid = ANY($1::bytea[])
      ORDER BY merchant_id, order_id`,
    [txids.map(parseHash)],
  );
  return rows.map((row) => ({ merchantId: row.merchant_id, orderId: row.order_id }));
}

/**
 * Orders whose refunds are not in step with what they have received: held ones that are covered
 * again, and ones on their way that are not covered any more. Those could not be held when the
 * payment left the chain, if they were being paid; their payment may have failed since.
 */
export async function findOrdersToReassess(tx: Tx, limit: number): Promise<OfOrder[]> {
  const rows = await tx.query<{ merchant_id: Uuid; order_id: Uuid }>(
    `SELECT DISTINCT r.merchant_id, r.order_id FROM refund r
       JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
       CROSS JOIN LATERAL (
            SELECT coalesce(sum(p.amount_sats), 0) - o.refunded_sats - o.refunding_sats AS sats
              FROM payment p WHERE p.merchant_id = r.merchant_id AND p.order_id = r.order_id
               AND p.state IN ('confirmed', 'final')
               AND NOT p.withheld) free
      WHERE (r.held AND r.basis_sats <= free.sats)
         OR (r.state = 'PENDING' AND NOT r.held AND r.payout_id IS NOT NULL AND free.sats < 0)
      ORDER BY r.merchant_id, r.order_id LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({ merchantId: row.merchant_id, orderId: row.order_id }));
}

/** Refunds that nobody has claimed in time. */
export async function findRefundsToExpire(
  tx: Tx,
  nowMs: number,
  limit: number,
): Promise<{ merchantId: Uuid; id: Uuid; orderId: Uuid }[]> {
  const rows = await tx.query<{ merchant_id: Uuid; id: Uuid; order_id: Uuid }>(
    `SELECT merchant_id, id, order_id FROM refund
      WHERE state = 'PENDING' AND address IS NULL AND claim_expires_at <= $1
      ORDER BY claim_expires_at LIMIT $2`,
    [new Date(nowMs), limit],
  );
  return rows.map((row) => ({ merchantId: row.merchant_id, id: row.id, orderId: row.order_id }));
}
