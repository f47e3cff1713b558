import type { LightningFailureClass, LightningStrategy, PayoutState } from '@quittance/contract';
import { assert, fromHex, toHex, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import {
  type LightningSide,
  type OnchainPayout,
  onchainPayout,
  type Payout,
  type PayoutApproval,
  type PayoutPrice,
  type PayoutReason,
  type PayRequest,
} from './payout.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  external_id: string | null;
  source: Payout['source'];
  batch_id: Uuid | null;
  refund_id: Uuid | null;
  method: Payout['method'];
  destination: string;
  destination_kind: Payout['destinationKind'];
  script: Uint8Array | null;
  amount_msat: bigint;
  price: PayoutPrice | null;
  fee_from: Payout['feeFrom'];
  max_fee_share_sats: bigint;
  description: string | null;
  metadata: Record<string, string>;
  state: PayoutState;
  reason: PayoutReason | null;
  origin: Payout['origin'];
  approvals_needed: number;
  approvals: PayoutApproval[];
  wallet_id: Uuid | null;
  pay_request: PayRequest | null;
  processor_id: Uuid | null;
  spend_id: Uuid | null;
  last_spend_id: Uuid | null;
  txid: Uint8Array | null;
  fee_share_sats: bigint;
  expires_at: Date | null;
  fee_limit_msat: bigint;
  fee_msat: bigint;
  strategy: LightningStrategy | null;
  attempt_id: Uuid | null;
  last_attempt_id: Uuid | null;
  last_failure: LightningFailureClass | null;
  payment_hash: Uint8Array | null;
  preimage: Uint8Array | null;
  attempts: number;
  not_before: Date | null;
  ledger_epoch: number;
  version: number;
  created_by: string;
  created_at: Date;
  approved_at: Date | null;
  started_at: Date | null;
  broadcast_at: Date | null;
  finished_at: Date | null;
  state_since: Date;
  updated_at: Date;
};

const COLUMNS = `merchant_id, id, external_id, source, batch_id, refund_id, method, destination,
  destination_kind, script, amount_msat, price, fee_from, max_fee_share_sats, description, metadata, state, reason,
  origin, approvals_needed, approvals, wallet_id, pay_request, processor_id, spend_id,
  last_spend_id, txid, expires_at, fee_limit_msat, fee_msat, strategy, attempt_id,
  last_attempt_id, last_failure, payment_hash, preimage,
  fee_share_sats, attempts, not_before, ledger_epoch, version, created_by, created_at, approved_at,
  started_at, broadcast_at, finished_at, state_since, updated_at`;

function payoutOf(row: Row): Payout {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    externalId: row.external_id,
    source: row.source,
    batchId: row.batch_id,
    refundId: row.refund_id,
    method: row.method,
    destination: row.destination,
    destinationKind: row.destination_kind,
    script: row.script === null ? null : new Uint8Array(row.script),
    amountMsat: row.amount_msat,
    price: row.price,
    feeFrom: row.fee_from,
    maxFeeShareSats: row.max_fee_share_sats,
    description: row.description,
    metadata: row.metadata,
    state: row.state,
    reason: row.reason,
    origin: row.origin,
    approvalsNeeded: row.approvals_needed,
    approvals: row.approvals,
    walletId: row.wallet_id,
    payRequest: row.pay_request,
    processorId: row.processor_id,
    spendId: row.spend_id,
    lastSpendId: row.last_spend_id,
    // Stored as the network hashes it, shown backwards, like every transaction id here.
    txid: row.txid === null ? null : toHex(new Uint8Array(row.txid).reverse()),
    feeShareSats: row.fee_share_sats,
    lightning: row.method === 'lightning' ? lightningSideOf(row) : null,
    attempts: row.attempts,
    notBeforeMs: row.not_before?.getTime() ?? null,
    ledgerEpoch: row.ledger_epoch,
    version: row.version,
    createdBy: row.created_by,
    createdAtMs: row.created_at.getTime(),
    approvedAtMs: row.approved_at?.getTime() ?? null,
    startedAtMs: row.started_at?.getTime() ?? null,
    broadcastAtMs: row.broadcast_at?.getTime() ?? null,
    finishedAtMs: row.finished_at?.getTime() ?? null,
    stateSinceMs: row.state_since.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}

function lightningSideOf(row: Row): LightningSide {
  return {
    expiresAtMs: row.expires_at?.getTime() ?? null,
    feeLimitMsat: row.fee_limit_msat,
    strategy: row.strategy,
    attemptId: row.attempt_id,
    lastAttemptId: row.last_attempt_id,
    lastFailure: row.last_failure,
    paymentHash: row.payment_hash === null ? null : toHex(new Uint8Array(row.payment_hash)),
    preimage: row.preimage === null ? null : toHex(new Uint8Array(row.preimage)),
    feeMsat: row.fee_msat,
  };
}

/** Inserts any number of payouts of one merchant in one round trip, as new as they come. */
export async function insertPayouts(tx: Tx, payouts: readonly Payout[]): Promise<void> {
  const [first] = payouts;
  if (first === undefined) return;
  assert(
    payouts.every(({ merchantId }) => merchantId === first.merchantId),
    'insertPayouts: one merchant at a time',
  );
  await tx.query(
    `INSERT INTO payout (merchant_id, id, external_id, source, batch_id, refund_id, method,
            destination, script, amount_msat, price, fee_from, max_fee_share_sats, description,
            metadata, state, approvals_needed, wallet_id, created_by, created_at, state_since,
            updated_at, destination_kind, expires_at, fee_limit_msat, strategy, payment_hash,
            pay_request)
     SELECT $1, id, external_id, source, batch_id, refund_id, method, destination, script,
            amount_msat, price::jsonb, fee_from, max_fee_share_sats, description, metadata::jsonb,
            'awaiting_approval', approvals_needed, wallet_id, created_by, created_at, created_at,
            created_at, destination_kind, expires_at, fee_limit_msat, strategy::jsonb, payment_hash,
            pay_request::jsonb
       FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::text[],
            $8::text[], $9::bytea[], $10::bigint[], $11::text[], $12::text[], $13::bigint[],
            $14::text[], $15::text[], $16::int[], $17::uuid[], $18::text[], $19::timestamptz[],
            $20::text[], $21::timestamptz[], $22::bigint[], $23::text[], $24::bytea[],
            $25::text[])
         AS n (id, external_id, source, batch_id, refund_id, method, destination, script,
               amount_msat, price, fee_from, max_fee_share_sats, description, metadata,
               approvals_needed, wallet_id, created_by, created_at, destination_kind, expires_at,
               fee_limit_msat, strategy, payment_hash, pay_request)`,
    [
      first.merchantId,
      payouts.map(({ id }) => id),
      payouts.map(({ externalId }) => externalId),
      payouts.map(({ source }) => source),
      payouts.map(({ batchId }) => batchId),
      payouts.map(({ refundId }) => refundId),
      payouts.map(({ method }) => method),
      payouts.map(({ destination }) => destination),
      payouts.map(({ script }) => script),
      payouts.map(({ amountMsat }) => amountMsat),
      payouts.map(({ price }) => jsonOf(price)),
      payouts.map(({ feeFrom }) => feeFrom),
      payouts.map(({ maxFeeShareSats }) => maxFeeShareSats),
      payouts.map(({ description }) => description),
      payouts.map(({ metadata }) => JSON.stringify(metadata)),
      payouts.map(({ approvalsNeeded }) => approvalsNeeded),
      payouts.map(({ walletId }) => walletId),
      payouts.map(({ createdBy }) => createdBy),
      payouts.map(({ createdAtMs }) => new Date(createdAtMs)),
      payouts.map(({ destinationKind }) => destinationKind),
      payouts.map(({ lightning }) => dateOf(lightning?.expiresAtMs ?? null)),
      payouts.map(({ lightning }) => lightning?.feeLimitMsat ?? 0n),
      payouts.map(({ lightning }) => jsonOf(lightning?.strategy ?? null)),
      payouts.map(({ lightning }) => bytesOf(lightning?.paymentHash ?? null)),
      payouts.map(({ payRequest }) => jsonOf(payRequest)),
    ],
  );
}

/**
 * Writes what changes in the life of payouts. A row that is no longer at the version that was read
 * is not written, and then nothing is: whoever decided on an old state has to decide anew. So two
 * writers can not both take a payout up, even where a lock was forgotten.
 */
export async function updatePayouts(tx: Tx, payouts: readonly Payout[]): Promise<void> {
  if (payouts.length === 0) return;
  const written = await tx.query(
    `UPDATE payout p SET state = n.state, reason = n.reason, origin = n.origin,
            approvals = n.approvals::jsonb, processor_id = n.processor_id, spend_id = n.spend_id,
            last_spend_id = n.last_spend_id, txid = n.txid, fee_share_sats = n.fee_share_sats,
            attempts = n.attempts, not_before = n.not_before, ledger_epoch = n.ledger_epoch,
            version = p.version + 1, approved_at = n.approved_at, started_at = n.started_at,
            broadcast_at = n.broadcast_at, finished_at = n.finished_at,
            state_since = n.state_since, updated_at = n.updated_at,
            pay_request = n.pay_request::jsonb, attempt_id = n.attempt_id,
            last_attempt_id = n.last_attempt_id, payment_hash = n.payment_hash,
            preimage = n.preimage, fee_msat = n.fee_msat, last_failure = n.last_failure
       FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::uuid[], $9::uuid[], $10::uuid[], $11::bytea[], $12::bigint[],
            $13::int[], $14::timestamptz[], $15::int[], $16::timestamptz[], $17::timestamptz[],
            $18::timestamptz[], $19::timestamptz[], $20::timestamptz[], $21::timestamptz[],
            $22::text[], $23::uuid[], $24::uuid[], $25::bytea[], $26::bytea[], $27::bigint[],
            $28::text[])
         AS n (merchant_id, id, version, state, reason, origin, approvals, processor_id, spend_id,
               last_spend_id, txid, fee_share_sats, attempts, not_before, ledger_epoch,
               approved_at, started_at, broadcast_at, finished_at, state_since, updated_at,
               pay_request, attempt_id, last_attempt_id, payment_hash, preimage, fee_msat,
               last_failure)
      WHERE p.merchant_id = n.merchant_id AND p.id = n.id AND p.version = n.version
      RETURNING 1 AS written`,
    [
      payouts.map(({ merchantId }) => merchantId),
      payouts.map(({ id }) => id),
      payouts.map(({ version }) => version),
      payouts.map(({ state }) => state),
      payouts.map(({ reason }) => reason),
      payouts.map(({ origin }) => origin),
      payouts.map(({ approvals }) => JSON.stringify(approvals)),
      payouts.map(({ processorId }) => processorId),
      payouts.map(({ spendId }) => spendId),
      payouts.map(({ lastSpendId }) => lastSpendId),
      payouts.map(({ txid }) => (txid === null ? null : fromHex(txid).reverse())),
      payouts.map(({ feeShareSats }) => feeShareSats),
      payouts.map(({ attempts }) => attempts),
      payouts.map(({ notBeforeMs }) => dateOf(notBeforeMs)),
      payouts.map(({ ledgerEpoch }) => ledgerEpoch),
      payouts.map(({ approvedAtMs }) => dateOf(approvedAtMs)),
      payouts.map(({ startedAtMs }) => dateOf(startedAtMs)),
      payouts.map(({ broadcastAtMs }) => dateOf(broadcastAtMs)),
      payouts.map(({ finishedAtMs }) => dateOf(finishedAtMs)),
      payouts.map(({ stateSinceMs }) => new Date(stateSinceMs)),
      payouts.map(({ updatedAtMs }) => new Date(updatedAtMs)),
      payouts.map(({ payRequest }) => jsonOf(payRequest)),
      payouts.map(({ lightning }) => lightning?.attemptId ?? null),
      payouts.map(({ lightning }) => lightning?.lastAttemptId ?? null),
      payouts.map(({ lightning }) => bytesOf(lightning?.paymentHash ?? null)),
      payouts.map(({ lightning }) => bytesOf(lightning?.preimage ?? null)),
      payouts.map(({ lightning }) => lightning?.feeMsat ?? 0n),
      payouts.map(({ lightning }) => lightning?.lastFailure ?? null),
    ],
  );
  assert(written.length === payouts.length, 'a payout was changed by somebody else meanwhile');
}

function jsonOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

function bytesOf(hex: string | null): Uint8Array | null {
  return hex === null ? null : fromHex(hex);
}

/** A payout of a merchant: one that is another merchant's is not found. */
export type OwnPayout = { merchantId: Uuid; id: Uuid };

export async function readPayoutRow(tx: Tx, own: OwnPayout): Promise<Payout | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : payoutOf(row);
}

/** Locks a payout: whoever else wants to change it waits. */
export async function lockPayout(tx: Tx, own: OwnPayout): Promise<Payout | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout WHERE merchant_id = $1 AND id = $2 FOR UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : payoutOf(row);
}

/** Locks the payouts that a spend pays or has paid, in the order of their ids. */
export async function lockPayoutsById(
  tx: Tx,
  which: { merchantId: Uuid; ids: readonly Uuid[] },
): Promise<Payout[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM payout WHERE merchant_id = $1 AND id = ANY ($2::uuid[])
      ORDER BY id FOR UPDATE`,
    [which.merchantId, which.ids],
  );
  return rows.map(payoutOf);
}

/** Locks the payouts of these spends, before anything is posted to the ledger. */
export async function lockPayoutsOfSpends(tx: Tx, spendIds: readonly Uuid[]): Promise<void> {
  await tx.query(
    'SELECT 1 AS locked FROM payout WHERE spend_id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE',
    [spendIds],
  );
}

/** Payouts of a batch that wait for approval and have not got this key's, locked. */
export async function lockAwaitingOfBatch(
  tx: Tx,
  which: { merchantId: Uuid; batchId: Uuid; by: string; limit: number },
): Promise<Payout[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM payout
      WHERE merchant_id = $1 AND batch_id = $2 AND state = 'awaiting_approval'
        AND NOT approvals @> jsonb_build_array(jsonb_build_object('by', $4::text))
      ORDER BY id LIMIT $3 FOR UPDATE`,
    [which.merchantId, which.batchId, which.limit, which.by],
  );
  return rows.map(payoutOf);
}

/**
 * Takes approved payouts that are due, the longest waiting first. Those that another transaction
 * holds (a person who pays or cancels by hand, another worker) are passed over.
 */
export async function takePayoutsToPay(
  tx: Tx,
  which: { merchantId: Uuid; walletId: Uuid; nowMs: number; limit: number },
): Promise<OnchainPayout[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM payout
      WHERE merchant_id = $1 AND wallet_id = $2 AND state = 'approved'
        AND (not_before IS NULL OR not_before <= $3)
      ORDER BY approved_at, id LIMIT $4 FOR UPDATE SKIP LOCKED`,
    [which.merchantId, which.walletId, new Date(which.nowMs), which.limit],
  );
  return rows.map((row) => onchainPayout(payoutOf(row)));
}

/**
 * Takes one payout that a person wants paid now, unless somebody holds it, its wallet is held
 * (paying/guard) or it has just gone wrong (`postponePayRequest`).
 */
export async function takePayRequest(tx: Tx, nowMs: number): Promise<OnchainPayout | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout p
      WHERE state = 'approved' AND pay_request IS NOT NULL AND method = 'onchain'
        AND coalesce((pay_request->>'notBeforeMs')::bigint, 0) <= $1
        AND NOT EXISTS (SELECT FROM wallet_hold h WHERE h.wallet_id = p.wallet_id)
      ORDER BY approved_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    [nowMs],
  );
  return row === undefined ? undefined : onchainPayout(payoutOf(row));
}

/** The same as takePayoutsToPay without locks, for who only looks. */
export async function readPayoutsToPay(
  tx: Tx,
  which: { merchantId: Uuid; walletId: Uuid; nowMs: number; limit: number },
): Promise<OnchainPayout[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM payout
      WHERE merchant_id = $1 AND wallet_id = $2 AND state = 'approved'
        AND (not_before IS NULL OR not_before <= $3)
      ORDER BY approved_at, id LIMIT $4`,
    [which.merchantId, which.walletId, new Date(which.nowMs), which.limit],
  );
  return rows.map((row) => onchainPayout(payoutOf(row)));
}

export type PayoutFilter = {
  merchantId: Uuid;
  startingAfter?: Uuid | undefined;
  limit: number;
  state?: PayoutState | undefined;
  batchId?: Uuid | undefined;
  externalId?: string | undefined;
};

/** A merchant's payouts, the newest first. One constant text for each combination of filters. */
export async function readPayoutRows(tx: Tx, filter: PayoutFilter): Promise<Payout[]> {
  const values: unknown[] = [filter.merchantId, filter.limit];
  let where = 'merchant_id = $1';
  if (filter.startingAfter !== undefined)
    where += ` AND id < $${values.push(filter.startingAfter)}`;
  if (filter.state !== undefined) where += ` AND state = $${values.push(filter.state)}`;
  if (filter.batchId !== undefined) where += ` AND batch_id = $${values.push(filter.batchId)}`;
  if (filter.externalId !== undefined)
    where += ` AND external_id = $${values.push(filter.externalId)}`;
  const text = `SELECT ${COLUMNS} FROM payout WHERE ${where} ORDER BY id DESC LIMIT $2`;
  return (await tx.query<Row>(text, values)).map(payoutOf);
}
