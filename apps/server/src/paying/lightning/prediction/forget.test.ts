import { afterAll, beforeAll, expect, test } from 'vitest';
import { openReceiving, type Receiving } from '../../../../../../tests/support/receiving.ts';
import { observeAll } from './observe.ts';
import { deleteForgotten, writeBuckets } from './store.ts';
import { record, START_MS } from './test-attempts.ts';

const DAY_MS = 86_400_000;

let receiving: Receiving;
beforeAll(async () => {
  receiving = await openReceiving();
});
afterAll(() => receiving.close());

test('rows that nobody has touched for long go, the oldest first when a store has too many', async () => {
  const { database } = receiving;
  const stores = [await receiving.addMerchant(), await receiving.addMerchant()];
  const buckets = observeAll([
    record({ destination: 'old' }),
    record({ destination: 'new', startedAtMs: START_MS + 59 * DAY_MS }),
  ]);
  const forget = (untouchedSinceMs: number, limit: number) =>
    database.asSystem((tx) => deleteForgotten(tx, { untouchedSinceMs, limit }));
  const keys = async (merchantId: string | undefined) => {
    const rows = await receiving.sql<{ key: string }>(
      'SELECT key FROM prediction_bucket WHERE merchant_id = $1',
      [merchantId],
    );
    return rows.map(({ key }) => key);
  };
  for (const merchantId of stores) {
    await database.asSystem((tx) => writeBuckets(tx, merchantId, [...buckets.values()]));
  }
  await forget(0, buckets.size);
  expect(await keys(stores[0])).toHaveLength(buckets.size);
  const ofOld = [...buckets.values()].filter(({ updatedAtMs }) => updatedAtMs < START_MS + DAY_MS);
  expect(ofOld.length).toBeGreaterThan(0);
  await forget(0, buckets.size - ofOld.length);
  for (const merchantId of stores) {
    const left = await keys(merchantId);
    expect(left).toHaveLength(buckets.size - ofOld.length);
    expect(left).not.toContain('old');
  }
  await forget(START_MS + 60 * DAY_MS, buckets.size);
  expect(await keys(stores[1])).toEqual([]);
});
