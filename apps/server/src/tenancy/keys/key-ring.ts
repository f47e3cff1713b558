import { timingSafeEqual } from 'node:crypto';
import type { Clock, Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import type { Authenticate, Caller } from '../../platform/http/index.ts';
import { hashToken, keyIdOf } from './key.ts';
import { findKeyWithHash, KEYS_CHANNEL, markUsed } from './store.ts';

/** Keys that are remembered; the oldest make room. */
const MAX_REMEMBERED = 10_000;
/**
 * A revocation is announced by NOTIFY and takes effect at once. This bounds how long a key can
 * still be used when the connection that hears it is just being restored.
 */
const REMEMBERED_MS = 5_000;
/** Last use is noted to the minute: a row written for each request would cost more than it says. */
const USE_NOTED_EVERY_MS = 60_000;

type Remembered = {
  caller: Caller;
  secretHash: Buffer;
  expiresAtMs: number;
  readAtMs: number;
  usedNotedAtMs: number;
};

export interface KeyRing {
  authenticate: Authenticate;
  /** Reads the key anew at its next use: for who has just changed it. */
  forget(id: Uuid): void;
  close(): Promise<void>;
}

/**
 * Finds the caller of a request by its API key: by id, then by SHA-256 of the whole key, compared
 * in constant time. Keys in use are remembered for seconds, so that a busy shop costs no query.
 */
export async function openKeyRing(deps: {
  database: Database;
  clock: Clock;
  onError: (error: unknown) => void;
}): Promise<KeyRing> {
  const { database, clock } = deps;
  const remembered = new Map<Uuid, Remembered>();
  const underWay = new Map<Uuid, Promise<Remembered | undefined>>();
  const notes = new Set<Promise<void>>();
  /** Counts what was forgotten: what was read before may be old and is not remembered. */
  let forgotten = 0;

  const unlisten = await database.listen(KEYS_CHANNEL, {
    message: (id) => forget(id),
    gap: () => {
      forgotten++;
      remembered.clear();
    },
  });

  function forget(id: Uuid): void {
    forgotten++;
    remembered.delete(id);
  }

  async function read(id: Uuid): Promise<Remembered | undefined> {
    const before = forgotten;
    const nowMs = clock.nowMs();
    const record = await database.asPublic((tx) => findKeyWithHash(tx, id));
    if (record === undefined || record.revokedAt !== null) return undefined;
    const found: Remembered = {
      caller: { keyId: id, merchantId: record.merchantId, scopes: record.scopes },
      secretHash: record.secretHash,
      expiresAtMs: record.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
      readAtMs: nowMs,
      usedNotedAtMs: record.lastUsedAt?.getTime() ?? Number.NEGATIVE_INFINITY,
    };
    if (before === forgotten) remember(id, found);
    return found;
  }

  function remember(id: Uuid, found: Remembered): void {
    remembered.delete(id);
    const [oldest] = remembered.size >= MAX_REMEMBERED ? remembered.keys() : [];
    if (oldest !== undefined) remembered.delete(oldest);
    remembered.set(id, found);
  }

  function readOnce(id: Uuid): Promise<Remembered | undefined> {
    let reading = underWay.get(id);
    if (reading === undefined) {
      reading = read(id).finally(() => underWay.delete(id));
      underWay.set(id, reading);
    }
    return reading;
  }

  function admit(found: Remembered | undefined, hash: Buffer): Caller | undefined {
    const nowMs = clock.nowMs();
    if (found === undefined || found.expiresAtMs <= nowMs) return undefined;
    if (!timingSafeEqual(found.secretHash, hash)) return undefined;
    if (nowMs - found.usedNotedAtMs >= USE_NOTED_EVERY_MS) {
      found.usedNotedAtMs = nowMs;
      noteUse(found.caller.keyId, nowMs);
    }
    return found.caller;
  }

  function noteUse(id: Uuid, nowMs: number): void {
    const note = database
      .asPublic((tx) => markUsed(tx, id, nowMs, nowMs - USE_NOTED_EVERY_MS))
      .catch(deps.onError)
      .finally(() => notes.delete(note));
    notes.add(note);
  }

  return {
    authenticate(token) {
      const id = keyIdOf(token);
      if (id === undefined) return undefined;
      const hash = hashToken(token);
      const known = remembered.get(id);
      if (known !== undefined && Math.abs(clock.nowMs() - known.readAtMs) < REMEMBERED_MS) {
        return admit(known, hash);
      }
      return () => readOnce(id).then((found) => admit(found, hash));
    },
    forget,
    async close() {
      await unlisten();
      await Promise.all(notes);
    },
  };
}
