import type { CustomerVerificationState } from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { OwnCustomer } from './store.ts';
import type { Verification } from './verification.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  customer_id: Uuid;
  method: Verification['method'];
  level: Verification['level'];
  state: CustomerVerificationState;
  reason: string | null;
  facts_digest: Buffer;
  document_ids: Uuid[];
  reference: string | null;
  sealed_link: Buffer | null;
  sealed_note: Buffer | null;
  valid_until: Date | null;
  attempts: number;
  next_try_at: Date | null;
  proposed_by: string;
  created_at: Date;
  decided_by: string | null;
  ended_at: Date | null;
};

const COLUMNS = `merchant_id, id, customer_id, method, level, state, reason, facts_digest,
  document_ids, reference, sealed_link, sealed_note, valid_until, attempts, next_try_at,
  proposed_by, created_at, decided_by, ended_at`;

function verificationOf(row: Row): Verification {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    customerId: row.customer_id,
    method: row.method,
    level: row.level,
    state: row.state,
    reason: row.reason,
    factsDigest: row.facts_digest,
    documentIds: row.document_ids,
    reference: row.reference,
    sealedLink: row.sealed_link,
    sealedNote: row.sealed_note,
    validUntilMs: row.valid_until?.getTime() ?? null,
    attempts: row.attempts,
    nextTryAtMs: row.next_try_at?.getTime() ?? null,
    proposedBy: row.proposed_by,
    createdAtMs: row.created_at.getTime(),
    decidedBy: row.decided_by,
    endedAtMs: row.ended_at?.getTime() ?? null,
  };
}

export async function insertVerification(tx: Tx, one: Verification): Promise<void> {
  await tx.query(
    `INSERT INTO customer_verification (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
            $9::uuid[], $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
    [
      ...[one.merchantId, one.id, one.customerId, one.method, one.level, one.state, one.reason],
      ...[one.factsDigest, one.documentIds, one.reference, one.sealedLink, one.sealedNote],
      ...[dateOf(one.validUntilMs), one.attempts, dateOf(one.nextTryAtMs), one.proposedBy],
      ...[new Date(one.createdAtMs), one.decidedBy, dateOf(one.endedAtMs)],
    ],
  );
}

/** Writes what changes in its life; the caller holds its customer's lock. */
export async function updateVerification(tx: Tx, one: Verification): Promise<void> {
  const written = await tx.query(
    `UPDATE customer_verification
        SET state = $3, reason = $4, reference = $5, sealed_link = $6, valid_until = $7,
            attempts = $8, next_try_at = $9, decided_by = $10, ended_at = $11
      WHERE merchant_id = $1 AND id = $2 RETURNING 1 AS written`,
    [
      ...[one.merchantId, one.id, one.state, one.reason, one.reference, one.sealedLink],
      ...[dateOf(one.validUntilMs), one.attempts, dateOf(one.nextTryAtMs), one.decidedBy],
      dateOf(one.endedAtMs),
    ],
  );
  assert(written.length === 1, 'a verification whose customer is locked is there');
}

export type OwnVerification = { merchantId: Uuid; id: Uuid };

export async function findVerification(
  tx: Tx,
  own: OwnVerification,
): Promise<Verification | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM customer_verification WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : verificationOf(row);
}

/** Whose it is: for callbacks, which name it only. */
export async function findVerificationMerchant(tx: Tx, id: Uuid): Promise<Uuid | undefined> {
  const row = await tx.maybe<{ merchant_id: Uuid }>(
    'SELECT merchant_id FROM customer_verification WHERE id = $1',
    [id],
  );
  return row?.merchant_id;
}

/** Those of a customer, the newest first. Old ones are as many as a person has patience for. */
export async function readVerifications(
  tx: Tx,
  own: OwnCustomer,
  limit: number,
): Promise<Verification[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer_verification
      WHERE merchant_id = $1 AND customer_id = $2 ORDER BY id DESC LIMIT $3`,
    [own.merchantId, own.id, limit],
  );
  return rows.map(verificationOf);
}

export async function findOpenVerification(
  tx: Tx,
  own: OwnCustomer,
): Promise<Verification | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM customer_verification
      WHERE merchant_id = $1 AND customer_id = $2 AND ended_at IS NULL`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : verificationOf(row);
}

/** Takes those that are due, so that nobody else asks about them before the lease is over. */
export async function claimDueVerifications(
  tx: Tx,
  claim: { nowMs: number; untilMs: number; limit: number },
): Promise<Verification[]> {
  const rows = await tx.query<Row>(
    `UPDATE customer_verification SET next_try_at = $2
      WHERE id IN (SELECT id FROM customer_verification WHERE next_try_at <= $1
                    ORDER BY next_try_at LIMIT $3 FOR UPDATE SKIP LOCKED)
     RETURNING ${COLUMNS}`,
    [new Date(claim.nowMs), new Date(claim.untilMs), claim.limit],
  );
  return rows.map(verificationOf);
}

/** @returns whether this message is new */
export async function insertCallback(
  tx: Tx,
  callback: OwnVerification & { messageId: string; state: string; atMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO customer_callback (merchant_id, verification_id, message_id, state, received_at)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 1 AS stored`,
    [callback.merchantId, callback.id, callback.messageId, callback.state, new Date(callback.atMs)],
  );
  return rows.length === 1;
}
