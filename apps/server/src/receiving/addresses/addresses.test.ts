import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { refillPools } from './index.ts';

let receiving: Receiving;
beforeAll(async () => {
  receiving = await openReceiving();
});
afterAll(() => receiving.close());

/** Further than an order derives in its own way. */
const BUSY_POOL = 1_000;

async function fill(): Promise<void> {
  for (let run = 0; run < 10; run++)
    await refillPools(receiving.database, new AbortController().signal);
}

async function wallets(merchantId: Uuid) {
  return receiving.sql<{ id: Uuid; active: boolean; derived_through: number; next_index: number }>(
    `SELECT id, active, derived_through, next_index FROM receiving_wallet
      WHERE merchant_id = $1 ORDER BY created_at, id`,
    [merchantId],
  );
}

test('the same key in another form is the wallet that the store has, not a second one', async () => {
  const merchantId = await receiving.addMerchant();
  const full = regtestDescriptor(1);
  const first = await receiving.addWallet(merchantId, full);
  const before = await receiving.order(merchantId);
  await receiving.addWallet(merchantId, regtestDescriptor(2));
  const again = await receiving.addWallet(merchantId, full.replace('<0;1>', '0'));
  expect(again).toBe(first);
  expect(await wallets(merchantId)).toHaveLength(2);
  const after = await receiving.order(merchantId);
  expect(after.address).not.toBe(before.address);
  expect((await wallets(merchantId)).find(({ active }) => active)).toMatchObject({
    id: first,
    next_index: 2,
  });
});

test('a wallet that shares only some addresses with another of the store is refused', async () => {
  const merchantId = await receiving.addMerchant();
  const keys = [3, 4].map((seed) => regtestDescriptor(seed).slice('wpkh('.length, -1));
  await receiving.addWallet(merchantId, `wsh(sortedmulti(2,${keys.join()}))`);
  const unsorted = receiving.addWallet(merchantId, `wsh(multi(2,${keys.join()}))`);
  await expect(unsorted).rejects.toMatchObject({ code: 'conflict' });
  expect(await wallets(merchantId)).toMatchObject([{ active: true }]);
});

test('a store with the key of another one waits for the refill instead of stalling the server', async () => {
  const busy = await receiving.addMerchant({ addressPoolSize: BUSY_POOL });
  const descriptor = regtestDescriptor(5);
  await receiving.addWallet(busy, descriptor);
  await fill();
  expect(await wallets(busy)).toMatchObject([{ derived_through: BUSY_POOL - 1 }]);

  const other = await receiving.addMerchant();
  await receiving.addWallet(other, descriptor.replace('<0;1>', '0'));
  const startMs = performance.now();
  await expect(receiving.order(other)).rejects.toMatchObject({
    code: 'addresses_not_ready',
    status: 503,
    retryAfterSeconds: 2,
  });
  expect(performance.now() - startMs).toBeLessThan(1_000);
  // Those who come together get the answer together: nobody's derivations are repeated for each.
  const crowd = await Promise.allSettled(Array.from({ length: 100 }, () => receiving.order(other)));
  expect(crowd.every(({ status }) => status === 'rejected')).toBe(true);
  expect(performance.now() - startMs).toBeLessThan(3_000);

  await fill();
  const orders = await Promise.all(Array.from({ length: 150 }, () => receiving.order(other)));
  const busyOrders = await Promise.all(Array.from({ length: 50 }, () => receiving.order(busy)));
  const addresses = new Set([...orders, ...busyOrders].map(({ address }) => address));
  expect(addresses.size).toBe(200);
});

test('the refill counts what is free, not what was derived', async () => {
  const merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(6));
  await fill();
  expect(await wallets(merchantId)).toMatchObject([{ derived_through: 199 }]);
  await receiving.sql(
    'UPDATE address SET foreign_use = true WHERE merchant_id = $1 AND index BETWEEN 10 AND 150',
    [merchantId],
  );
  await receiving.sql('UPDATE receiving_wallet SET has_gaps = true WHERE merchant_id = $1', [
    merchantId,
  ]);
  await fill();
  expect(await wallets(merchantId)).toMatchObject([{ derived_through: 199 + 141 }]);
});

test('a store can not add wallets without end', async () => {
  const merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(1_000));
  await receiving.sql(
    `INSERT INTO receiving_wallet (merchant_id, id, descriptor, network, active, created_at)
     SELECT $1, gen_random_uuid(), 'former ' || n, 'regtest', false, now()
       FROM generate_series(1, 99) n`,
    [merchantId],
  );
  const next = receiving.addWallet(merchantId, regtestDescriptor(2_000));
  await expect(next).rejects.toMatchObject({ code: 'conflict' });
  // One that it had before can still be taken up again.
  await receiving.addWallet(merchantId, regtestDescriptor(1_000));
});
