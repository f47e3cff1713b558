import type { Clock, Uuid } from '@quittance/kernel';
import type { Database } from '../../../platform/db/index.ts';
import { FORGET_BUCKETS_AFTER_MS, MAX_BUCKETS } from './bucket.ts';
import { learn } from './observe.ts';
import { recipientOf } from './recipient.ts';
import {
  deleteForgotten,
  markLearnt,
  readBuckets,
  readMerchantsToLearn,
  readUnlearnt,
  tryLearnLock,
  writeBuckets,
} from './store.ts';

/** Attempts that one transaction takes up; naming an invoice's node takes about a millisecond. */
const LEARNT_AT_ONCE = 200;
/** Stores that one round looks at. */
const STORES_AT_ONCE = 50;

type Deps = { readonly database: Database; readonly clock: Clock };

/**
 * Takes up attempts that have ended, each once: the buckets and the mark are written together. It is
 * apart from the payments themselves, so that statistics never hold up money.
 * @returns 'again' when there may be more
 */
export async function learnFromAttempts(
  { database, clock }: Deps,
  signal: AbortSignal,
): Promise<'again' | void> {
  const stores = await database.asSystem((tx) => readMerchantsToLearn(tx, STORES_AT_ONCE));
  let isMore = stores.length === STORES_AT_ONCE;
  for (const merchantId of stores) {
    if (signal.aborted) return;
    const count = await learnOfStore({ database, clock }, merchantId);
    isMore ||= count === LEARNT_AT_ONCE;
  }
  if (isMore) return 'again';
}

async function learnOfStore({ database, clock }: Deps, merchantId: Uuid): Promise<number> {
  return await database.asSystem(async (tx) => {
    if (!(await tryLearnLock(tx, merchantId))) return 0;
    const which = { merchantId, payoutId: null, limit: LEARNT_AT_ONCE };
    const named = (await readUnlearnt(tx, which)).map(({ id, destination, record }) => ({
      id,
      recipient: record === null ? null : recipientOf(destination),
      record,
    }));
    const recipients = named.flatMap(({ recipient }) => (recipient === null ? [] : [recipient]));
    const channels = named.flatMap(({ record }) => {
      const failedAt = record?.failedAt ?? null;
      return failedAt === null ? [] : [failedAt];
    });
    const buckets = await readBuckets(tx, merchantId, { recipients, channels });
    const before = new Map(buckets);
    for (const { recipient, record } of named) {
      if (record !== null && recipient !== null)
        learn(buckets, { ...record, destination: recipient });
    }
    const changed = [...buckets].filter(([id, bucket]) => before.get(id) !== bucket);
    if (changed.length > 0)
      await writeBuckets(
        tx,
        merchantId,
        changed.map(([, bucket]) => bucket),
      );
    await markLearnt(tx, merchantId, named, clock.nowMs());
    return named.length;
  });
}

/** Lets go of what is too old to say anything, and of what is too much. */
export async function forgetOldBuckets({ database, clock }: Deps): Promise<void> {
  const untouchedSinceMs = clock.nowMs() - FORGET_BUCKETS_AFTER_MS;
  await database.asSystem((tx) => deleteForgotten(tx, { untouchedSinceMs, limit: MAX_BUCKETS }));
}
