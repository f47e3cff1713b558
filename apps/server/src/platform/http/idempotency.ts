import { createHash } from 'node:crypto';
import { assert, type Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Database, Tx } from '../db/index.ts';
import { AppError } from '../errors.ts';
import { callerOf } from './access.ts';
import { INSTANCE_ID } from './authentication.ts';
import { canonicalJson } from './canonical-json.ts';
import { claimKey, deleteAnswers, readAnswer, storeAnswer } from './idempotency-store.ts';
import { type Sealed, seal, unseal } from './seal.ts';

/** Longer than the 24 hours that are promised, so that a retry at the limit still finds it. */
export const ANSWERS_KEPT_MS = 48 * 3_600_000;
/** A twin waits this long for the first to finish; a request rarely takes a second. */
const TWIN_WAIT_MS = 10_000;
/** Rows that one pruning transaction removes, so that it stays short. */
const PRUNE_BATCH = 5_000;

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

export type IdempotencyKey = { key: string; requestHash: Uint8Array };
export type Answer<Body> = { status: number; body: Body };
export type GivenAnswer<Body> = Answer<Body> & { replayed: boolean };

/**
 * Reads `Idempotency-Key` and what identifies the request beside it: method, path and body.
 * @returns undefined when the client sent none
 * @throws {AppError} invalid_request
 */
export function idempotencyOf(request: FastifyRequest): IdempotencyKey | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !PRINTABLE.test(key)) {
    throw new AppError(
      'invalid_request',
      'Idempotency-Key must be 1 to 255 printable ASCII characters.',
      { fields: [{ pointer: '/headers/idempotency-key', detail: '1 to 255 ASCII characters' }] },
    );
  }
  const requestHash = createHash('sha256')
    .update(`${request.method}\n${request.url}\n`)
    .update(request.body === undefined ? '' : canonicalJson(request.body))
    .digest();
  return { key, requestHash };
}

/**
 * Does a piece of work once for each key, in the caller's transaction: the answer is stored with
 * the effect, and a repeated request gets the stored answer. A request that runs at the same time
 * waits for this one. Work that throws leaves nothing behind, so it can be tried again.
 * @throws {AppError} idempotency_mismatch when the key was used for another request,
 *   idempotency_in_progress when the first request takes too long
 */
export async function idempotent<Body>(
  tx: Tx,
  given: {
    merchantId: Uuid;
    idempotency: IdempotencyKey | undefined;
    nowMs: number;
    /** The caller's key, where the answer holds a secret that must not be stored in the clear. */
    sealWith?: string | undefined;
  },
  work: () => Promise<Answer<Body>>,
): Promise<GivenAnswer<Body>> {
  const { merchantId, idempotency, nowMs, sealWith } = given;
  if (idempotency === undefined) return { ...(await work()), replayed: false };
  const { key, requestHash } = idempotency;
  const first = await claim(tx, { merchantId, key, requestHash, nowMs, waitMs: TWIN_WAIT_MS });
  if (!first) return await replay<Body>(tx, { merchantId, key, requestHash, sealWith });
  const answer = await work();
  assert(answer.status >= 200 && answer.status < 300, 'idempotent: failures are thrown');
  const response = sealWith === undefined ? answer.body : seal(answer.body, sealWith);
  await storeAnswer(tx, { merchantId, key, status: answer.status, response });
  return { ...answer, replayed: false };
}

async function claim(tx: Tx, row: Parameters<typeof claimKey>[1]): Promise<boolean> {
  try {
    return await claimKey(tx, row);
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new AppError(
      'idempotency_in_progress',
      'The first request with this Idempotency-Key is not finished; try again shortly.',
      { retryAfterSeconds: 1, cause: error },
    );
  }
}

/** 55P03 is lock_not_available (PostgreSQL, appendix A). */
function isLockTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '55P03';
}

async function replay<Body>(
  tx: Tx,
  row: { merchantId: Uuid; key: string; requestHash: Uint8Array; sealWith: string | undefined },
): Promise<GivenAnswer<Body>> {
  const stored = await readAnswer(tx, row.merchantId, row.key);
  assert(stored.status !== 0, 'a visible idempotency row is complete');
  if (!Buffer.from(stored.requestHash).equals(row.requestHash)) {
    throw new AppError(
      'idempotency_mismatch',
      'This Idempotency-Key was used for a request with another method, path or body.',
    );
  }
  const body = isSealed(stored.response) ? open(stored.response, row.sealWith) : stored.response;
  // It was written by this same route from a Body and is given back as it is.
  return { status: stored.status, body: body as Body, replayed: true };
}

function isSealed(response: unknown): response is Sealed {
  return typeof response === 'object' && response !== null && 'sealed' in response;
}

function open(sealed: Sealed, token: string | undefined): unknown {
  const body = token === undefined ? undefined : unseal(sealed, token);
  if (body !== undefined) return body;
  throw new AppError(
    'idempotency_mismatch',
    'This Idempotency-Key was used with another API key, which alone can read the answer.',
  );
}

/**
 * Runs a POST's work in a transaction, as the key's merchant or as the instance, once for each
 * Idempotency-Key, and sets status and headers of the reply. The handler returns what this returns.
 */
export async function answerOnce<Body>(
  deps: { database: Database; nowMs: number },
  exchange: { request: FastifyRequest; reply: FastifyReply; holdsSecret?: boolean },
  work: (tx: Tx) => Promise<Answer<Body>>,
): Promise<Body> {
  const { request, reply } = exchange;
  const { merchantId } = callerOf(request);
  const given = {
    merchantId: merchantId ?? INSTANCE_ID,
    idempotency: idempotencyOf(request),
    nowMs: deps.nowMs,
    sealWith: exchange.holdsSecret === true ? tokenOf(request) : undefined,
  };
  const inTransaction = (tx: Tx) => idempotent(tx, given, () => work(tx));
  const answer =
    merchantId === null
      ? await deps.database.asSystem(inTransaction)
      : await deps.database.asTenant(merchantId, inTransaction);
  return giveAnswer(reply, answer);
}

function tokenOf(request: FastifyRequest): string {
  return (request.headers.authorization ?? '').replace(/^bearer +/i, '');
}

/** Sets status and replay header of a reply; the handler returns the body. */
export function giveAnswer<Body>(reply: FastifyReply, answer: GivenAnswer<Body>): Body {
  reply.code(answer.status);
  if (answer.replayed) reply.header('idempotency-replayed', 'true');
  return answer.body;
}

/** Job: forgets answers that are older than 48 hours. @returns how many */
export async function pruneIdempotencyKeys(database: Database, nowMs: number): Promise<number> {
  let total = 0;
  for (;;) {
    const removed = await database.asSystem((tx) =>
      deleteAnswers(tx, nowMs - ANSWERS_KEPT_MS, PRUNE_BATCH),
    );
    total += removed;
    if (removed < PRUNE_BATCH) return total;
  }
}
