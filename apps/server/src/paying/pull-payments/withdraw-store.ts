import { assert, toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** What a wallet or a terminal may do with one k1 (LUD-03). */
export type WithdrawRequest = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  /** SHA-256 of k1, which is nowhere else. */
  readonly k1Hash: Uint8Array;
  readonly pullPaymentId: Uuid;
  /** The tap that it was given for; null: the pull payment's link. */
  readonly tap: { readonly cardId: Uuid; readonly counter: number } | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** What it was used for. */
  readonly used: { readonly drawId: Uuid; readonly paymentHash: string } | null;
};

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  k1_hash: Buffer;
  pull_payment_id: Uuid;
  card_id: Uuid | null;
  card_counter: number | null;
  created_at: Date;
  expires_at: Date;
  draw_id: Uuid | null;
  payment_hash: Buffer | null;
};

const COLUMNS = `merchant_id, id, k1_hash, pull_payment_id, card_id, card_counter, created_at,
  expires_at, draw_id, payment_hash`;

function requestOf(row: Row): WithdrawRequest {
  const { card_id: cardId, card_counter: counter, draw_id: drawId, payment_hash: hash } = row;
  return {
    merchantId: row.merchant_id,
    id: row.id,
    k1Hash: new Uint8Array(row.k1_hash),
    pullPaymentId: row.pull_payment_id,
    tap: cardId === null || counter === null ? null : { cardId, counter },
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    used:
      drawId === null || hash === null
        ? null
        : { drawId, paymentHash: toHex(new Uint8Array(hash)) },
  };
}

export async function insertWithdrawRequest(tx: Tx, request: WithdrawRequest): Promise<void> {
  assert(request.used === null, 'a request begins unused');
  await tx.query(
    `INSERT INTO withdraw_request (merchant_id, id, k1_hash, pull_payment_id, card_id,
            card_counter, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      request.merchantId,
      request.id,
      request.k1Hash,
      request.pullPaymentId,
      request.tap?.cardId ?? null,
      request.tap?.counter ?? null,
      new Date(request.createdAtMs),
      new Date(request.expiresAtMs),
    ],
  );
}

export async function findWithdrawRequest(
  tx: Tx,
  k1Hash: Uint8Array,
): Promise<WithdrawRequest | undefined> {
  const row = await tx.maybe<Row>(`SELECT ${COLUMNS} FROM withdraw_request WHERE k1_hash = $1`, [
    k1Hash,
  ]);
  return row === undefined ? undefined : requestOf(row);
}

/** Locks it: of two who use one k1 the second one sees what the first has made of it. */
export async function lockWithdrawRequest(
  tx: Tx,
  k1Hash: Uint8Array,
): Promise<WithdrawRequest | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM withdraw_request WHERE k1_hash = $1 FOR NO KEY UPDATE`,
    [k1Hash],
  );
  return row === undefined ? undefined : requestOf(row);
}

export async function useWithdrawRequest(
  tx: Tx,
  own: { merchantId: Uuid; id: Uuid },
  used: { drawId: Uuid; paymentHash: Uint8Array },
): Promise<void> {
  const written = await tx.query(
    `UPDATE withdraw_request SET draw_id = $3, payment_hash = $4
      WHERE merchant_id = $1 AND id = $2 AND draw_id IS NULL RETURNING 1 AS written`,
    [own.merchantId, own.id, used.drawId, used.paymentHash],
  );
  assert(written.length === 1, 'a k1 is used once');
}

/** @returns whether this is the first refusal of the request */
export async function claimRefusal(tx: Tx, own: { merchantId: Uuid; id: Uuid }): Promise<boolean> {
  const claimed = await tx.maybe(
    `UPDATE withdraw_request SET refusal_told = true
      WHERE merchant_id = $1 AND id = $2 AND NOT refusal_told RETURNING 1 AS claimed`,
    [own.merchantId, own.id],
  );
  return claimed !== undefined;
}

/** Forgets requests that nobody used in time, a few at once. Only the system may. */
export async function pruneWithdrawRequests(
  tx: Tx,
  { beforeMs, limit }: { beforeMs: number; limit: number },
): Promise<void> {
  await tx.query(
    `DELETE FROM withdraw_request WHERE (merchant_id, id) IN (
       SELECT merchant_id, id FROM withdraw_request
        WHERE draw_id IS NULL AND expires_at < $1 ORDER BY expires_at LIMIT $2
          FOR UPDATE SKIP LOCKED)`,
    [new Date(beforeMs), limit],
  );
}
