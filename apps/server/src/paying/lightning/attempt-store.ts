import type { LightningFailureClass } from '@quittance/contract';
import { assert, fromHex, type Msats, toHex, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { Attempt, OpenAnswer } from './attempt.ts';

/** Rung when an attempt should be looked at. */
export const ATTEMPTS_CHANNEL = 'quittance_lightning_attempts';

export type AttemptRow = {
  merchant_id: Uuid;
  id: Uuid;
  payout_id: Uuid;
  number: number;
  state: Attempt['state'];
  origin: Attempt['origin'];
  processor_id: Uuid | null;
  lightning_node: Uuid | null;
  node_key: string | null;
  invoice: string | null;
  offer: string | null;
  payment_hash: Uint8Array | null;
  invoice_expires_at: Date | null;
  amount_msat: Msats;
  fee_limit_msat: Msats;
  deadline_at: Date | null;
  sends: number;
  sent_at: Date | null;
  last_answer: OpenAnswer | null;
  last_answer_at: Date | null;
  detail: string | null;
  due_at: Date | null;
  looks: number;
  failure_class: LightningFailureClass | null;
  failure_code: string | null;
  failure_at: string | null;
  preimage: Uint8Array | null;
  sent_msat: Msats | null;
  fee_msat: Msats | null;
  started_at: Date;
  ended_at: Date | null;
  not_found_since: Date | null;
  watch_until: Date | null;
  watch_due_at: Date | null;
  arrived_late: boolean;
};

export const ATTEMPT_COLUMNS = `merchant_id, id, payout_id, number, state, origin, processor_id, lightning_node,
  node_key, invoice, offer, payment_hash, invoice_expires_at, amount_msat, fee_limit_msat,
  deadline_at, sends, sent_at, last_answer, last_answer_at, detail, due_at, looks, failure_class,
  failure_code, failure_at, preimage, sent_msat, fee_msat, started_at, ended_at, not_found_since,
  watch_until, watch_due_at, arrived_late`;

export function attemptOf(row: AttemptRow): Attempt {
  const { lightning_node: nodeId, node_key: nodeKey, detail } = row;
  return {
    merchantId: row.merchant_id,
    id: row.id,
    payoutId: row.payout_id,
    number: row.number,
    state: row.state,
    origin: row.origin,
    processorId: row.processor_id,
    node: nodeId === null || nodeKey === null ? null : { id: nodeId, key: nodeKey },
    invoice: invoiceOf(row),
    amountMsat: row.amount_msat,
    feeLimitMsat: row.fee_limit_msat,
    deadlineMs: msOf(row.deadline_at),
    sends: row.sends,
    sentAtMs: msOf(row.sent_at),
    lastAnswer: row.last_answer,
    lastAnswerAtMs: msOf(row.last_answer_at),
    detail,
    dueAtMs: msOf(row.due_at),
    looks: row.looks,
    failure:
      row.failure_class === null
        ? null
        : {
            failureClass: row.failure_class,
            code: row.failure_code ?? '',
            detail: detail ?? '',
            at: row.failure_at,
          },
    preimage: hexOf(row.preimage),
    sentMsat: row.sent_msat,
    feeMsat: row.fee_msat,
    startedAtMs: row.started_at.getTime(),
    endedAtMs: msOf(row.ended_at),
    notFoundSinceMs: msOf(row.not_found_since),
    watchUntilMs: msOf(row.watch_until),
    watchDueAtMs: msOf(row.watch_due_at),
    arrivedLate: row.arrived_late,
  };
}

function invoiceOf(row: AttemptRow): Attempt['invoice'] {
  const { invoice: text, offer, payment_hash: hash, invoice_expires_at: expiresAt } = row;
  if (text === null || hash === null || expiresAt === null) return null;
  const paymentHash = toHex(new Uint8Array(hash));
  return { text, offer, paymentHash, expiresAtMs: expiresAt.getTime() };
}

/** Inserts an attempt as it is: open, or refused before it began. */
export async function insertAttempt(tx: Tx, attempt: Attempt): Promise<void> {
  await tx.query(
    `INSERT INTO lightning_attempt (${ATTEMPT_COLUMNS})
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
             $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35)`,
    [
      ...[attempt.merchantId, attempt.id, attempt.payoutId, attempt.number],
      ...[attempt.state, attempt.origin, attempt.processorId],
      ...[attempt.node?.id ?? null, attempt.node?.key ?? null],
      ...[attempt.invoice?.text ?? null, attempt.invoice?.offer ?? null],
      ...[bytesOf(attempt.invoice?.paymentHash ?? null)],
      ...[dateOf(attempt.invoice?.expiresAtMs ?? null)],
      ...[attempt.amountMsat, attempt.feeLimitMsat, dateOf(attempt.deadlineMs)],
      ...[attempt.sends, dateOf(attempt.sentAtMs)],
      ...[attempt.lastAnswer, dateOf(attempt.lastAnswerAtMs), attempt.detail],
      ...[dateOf(attempt.dueAtMs), attempt.looks],
      ...[attempt.failure?.failureClass ?? null, attempt.failure?.code ?? null],
      ...[attempt.failure?.at ?? null, bytesOf(attempt.preimage)],
      ...[attempt.sentMsat, attempt.feeMsat],
      ...[new Date(attempt.startedAtMs), dateOf(attempt.endedAtMs)],
      ...[dateOf(attempt.notFoundSinceMs), dateOf(attempt.watchUntilMs)],
      ...[dateOf(attempt.watchDueAtMs), attempt.arrivedLate],
    ],
  );
}

/** Writes what has become of an open attempt. One that has ended is never written again. */
export async function updateAttempt(tx: Tx, attempt: Attempt): Promise<void> {
  const written = await tx.query(
    `UPDATE lightning_attempt SET state = $3, sends = $4, sent_at = $5, last_answer = $6,
            last_answer_at = $7, detail = $8, due_at = $9, looks = $10, failure_class = $11,
            failure_code = $12, failure_at = $13, preimage = $14, sent_msat = $15, fee_msat = $16,
            ended_at = $17, not_found_since = $18, watch_until = $19, watch_due_at = $20
      WHERE merchant_id = $1 AND id = $2 AND state = 'open' RETURNING 1 AS written`,
    [
      ...[attempt.merchantId, attempt.id, attempt.state, attempt.sends, dateOf(attempt.sentAtMs)],
      ...[attempt.lastAnswer, dateOf(attempt.lastAnswerAtMs), attempt.detail],
      ...[dateOf(attempt.dueAtMs), attempt.looks],
      ...[attempt.failure?.failureClass ?? null, attempt.failure?.code ?? null],
      ...[attempt.failure?.at ?? null, bytesOf(attempt.preimage)],
      ...[attempt.sentMsat, attempt.feeMsat, dateOf(attempt.endedAtMs)],
      ...[dateOf(attempt.notFoundSinceMs), dateOf(attempt.watchUntilMs)],
      dateOf(attempt.watchDueAtMs),
    ],
  );
  assert(written.length === 1, 'an attempt that has ended is not written again');
}

export type OwnAttempt = { readonly merchantId: Uuid; readonly id: Uuid };

export async function lockAttempt(tx: Tx, own: OwnAttempt): Promise<Attempt | undefined> {
  const row = await tx.maybe<AttemptRow>(
    `SELECT ${ATTEMPT_COLUMNS} FROM lightning_attempt WHERE merchant_id = $1 AND id = $2 FOR UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : attemptOf(row);
}

/** Whether an earlier attempt of the payout was for the same invoice. */
export async function wasTriedBefore(tx: Tx, attempt: Attempt): Promise<boolean> {
  const row = await tx.one<{ tried: boolean }>(
    `SELECT EXISTS (SELECT FROM lightning_attempt WHERE merchant_id = $1 AND payment_hash = $2
        AND payout_id = $3 AND number < $4 AND sends > 0) AS tried`,
    [
      ...[attempt.merchantId, bytesOf(attempt.invoice?.paymentHash ?? null)],
      ...[attempt.payoutId, attempt.number],
    ],
  );
  return row.tried;
}

/** All attempts of one payout, the first first. A strategy's maximum bounds them. */
export async function readAttempts(
  tx: Tx,
  which: { merchantId: Uuid; payoutId: Uuid },
): Promise<Attempt[]> {
  const rows = await tx.query<AttemptRow>(
    `SELECT ${ATTEMPT_COLUMNS} FROM lightning_attempt WHERE merchant_id = $1 AND payout_id = $2
      ORDER BY number`,
    [which.merchantId, which.payoutId],
  );
  return rows.map(attemptOf);
}

/** Takes open attempts that are due, each for one worker at a time; the lease ends by itself. */
export async function claimDueAttempts(
  tx: Tx,
  claim: { nowMs: number; leaseMs: number; limit: number },
): Promise<Attempt[]> {
  const rows = await tx.query<AttemptRow>(
    `UPDATE lightning_attempt SET due_at = $2 WHERE id IN (
       SELECT id FROM lightning_attempt WHERE state = 'open' AND due_at <= $1
        ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
     RETURNING ${ATTEMPT_COLUMNS}`,
    [new Date(claim.nowMs), new Date(claim.nowMs + claim.leaseMs), claim.limit],
  );
  return rows.map(attemptOf);
}

/** Makes the open attempts on a node due: something has happened there. */
export async function wakeAttemptsOf(
  tx: Tx,
  { nodeId, nowMs }: { nodeId: Uuid; nowMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE lightning_attempt SET due_at = $2
      WHERE lightning_node = $1 AND state = 'open' AND due_at > $2`,
    [nodeId, new Date(nowMs)],
  );
}

/** Makes all open attempts due: after a start nobody knows what was under way. */
export async function wakeAttempts(tx: Tx, nowMs: number): Promise<void> {
  await tx.query(`UPDATE lightning_attempt SET due_at = $1 WHERE state = 'open' AND due_at > $1`, [
    new Date(nowMs),
  ]);
}

/** Stores whose node has open attempts, so that somebody listens to it. */
export async function readListeningMerchants(tx: Tx, limit: number): Promise<Uuid[]> {
  const rows = await tx.query<{ merchant_id: Uuid }>(
    `SELECT DISTINCT merchant_id FROM lightning_attempt WHERE state = 'open' LIMIT $1`,
    [limit],
  );
  return rows.map((row) => row.merchant_id);
}

/** An attempt of any state for a payment hash; the newest first. */
export async function readAttemptsOfHash(
  tx: Tx,
  which: { merchantId: Uuid; paymentHash: string },
): Promise<Attempt[]> {
  const rows = await tx.query<AttemptRow>(
    `SELECT ${ATTEMPT_COLUMNS} FROM lightning_attempt WHERE merchant_id = $1 AND payment_hash = $2
      ORDER BY started_at DESC, id DESC LIMIT 100`,
    [which.merchantId, fromHex(which.paymentHash)],
  );
  return rows.map(attemptOf);
}

/** Makes an open attempt due now, unless somebody has it in hand. */
export async function wakeAttempt(tx: Tx, own: OwnAttempt & { nowMs: number }): Promise<void> {
  await tx.query(
    `UPDATE lightning_attempt SET due_at = $3 WHERE id IN (
       SELECT id FROM lightning_attempt WHERE merchant_id = $1 AND id = $2 AND state = 'open'
          AND due_at > $3 FOR UPDATE SKIP LOCKED)`,
    [own.merchantId, own.id, new Date(own.nowMs)],
  );
}

export type AttemptSums = { merchantId: Uuid; ended: number; failed: number; lastFailure: string };

/** How a store's attempts have ended since then, where enough did to say something. */
export async function sumEndedAttempts(
  tx: Tx,
  which: { sinceMs: number; atLeast: number },
): Promise<AttemptSums[]> {
  const rows = await tx.query<{
    merchant_id: Uuid;
    ended: bigint;
    failed: bigint;
    last_failure: string | null;
  }>(
    `SELECT merchant_id, count(*) AS ended, count(*) FILTER (WHERE state = 'failed') AS failed,
            (array_agg(failure_class ORDER BY ended_at DESC)
              FILTER (WHERE state = 'failed'))[1] AS last_failure
       FROM lightning_attempt WHERE ended_at > $1 GROUP BY merchant_id HAVING count(*) >= $2`,
    [new Date(which.sinceMs), which.atLeast],
  );
  return rows.map((row) => ({
    merchantId: row.merchant_id,
    ended: Number(row.ended),
    failed: Number(row.failed),
    lastFailure: row.last_failure ?? 'none',
  }));
}

/** Open attempts by what the node said last, with the age of the oldest. */
export async function countOpenAttempts(
  tx: Tx,
  nowMs: number,
): Promise<{ answer: string; count: number; oldestAgeMs: number }[]> {
  const rows = await tx.query<{ answer: string; count: bigint; since: Date }>(
    `SELECT coalesce(last_answer, 'none') AS answer, count(*) AS count, min(started_at) AS since
       FROM lightning_attempt WHERE state = 'open' GROUP BY 1`,
  );
  return rows.map(({ answer, count, since }) => ({
    answer,
    count: Number(count),
    oldestAgeMs: Math.max(0, nowMs - since.getTime()),
  }));
}

export async function ringAttempts(tx: Tx): Promise<void> {
  await tx.query(`SELECT pg_notify('${ATTEMPTS_CHANNEL}', '')`);
}

function msOf(date: Date | null): number | null {
  return date?.getTime() ?? null;
}

function hexOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : toHex(new Uint8Array(bytes));
}

function bytesOf(hex: string | null): Uint8Array | null {
  return hex === null ? null : fromHex(hex);
}
