import { randomFillSync } from 'node:crypto';
import { systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { addWallet, holdAddresses, readWallets, refillPools, takeAddresses } from './index.ts';

const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
let files: TestDatabase;
let database: Database;
let owner: pg.Client;
let seeds = 1;
beforeAll(async () => {
  files = await createTestDatabase();
  database = openDatabase(roleUrls(files.ownerUrl));
  owner = new pg.Client({ connectionString: files.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await database.close();
  await files.drop();
});

async function newMerchant(poolSize = 200): Promise<Uuid> {
  const id = ids.next();
  await owner.query(
    `INSERT INTO merchant (id, name, settings, created_at, updated_at)
     VALUES ($1, 'Store', $2, now(), now())`,
    [id, JSON.stringify({ addressPoolSize: poolSize })],
  );
  return id;
}

function add(merchantId: Uuid, descriptor: string): Promise<Uuid> {
  const wallet = { merchantId, descriptor, network: 'regtest' as const, ids, nowMs: Date.now() };
  return database.asTenant(merchantId, (tx) => addWallet(tx, wallet));
}

function take(merchantId: Uuid, count: number): Promise<string[]> {
  return database.asTenant(merchantId, async (tx) => {
    const held = await holdAddresses(tx, merchantId);
    const taken = await takeAddresses(tx, held, { count, maxGap: 10_000 });
    return taken.map(({ address }) => address);
  });
}

const wallets = (merchantId: Uuid) =>
  database.asTenant(merchantId, (tx) => readWallets(tx, { merchantId, maxGap: 10_000 }));

test('addresses are handed out once each, however many ask at the same time', async () => {
  const merchantId = await newMerchant();
  await add(merchantId, regtestDescriptor(seeds++));
  const taken = await Promise.all(Array.from({ length: 12 }, (_, i) => take(merchantId, 1 + i)));
  const all = taken.flat();
  expect(all).toHaveLength(78);
  expect(new Set(all).size).toBe(78);
  expect((await wallets(merchantId))[0]).toMatchObject({ nextIndex: 78 });
});

test('a descriptor that the store had before goes on where it stopped', async () => {
  const merchantId = await newMerchant();
  const [first, second] = [regtestDescriptor(seeds++), regtestDescriptor(seeds++)];
  const id = await add(merchantId, first);
  const before = await take(merchantId, 25);
  await add(merchantId, second);
  await take(merchantId, 3);
  expect(await add(merchantId, first)).toBe(id);
  const after = await take(merchantId, 25);
  expect(new Set([...before, ...after]).size).toBe(50);
  const all = await wallets(merchantId);
  expect(all.map(({ active, nextIndex }) => [active, nextIndex])).toContainEqual([true, 50]);
  expect(all.filter(({ active }) => active)).toHaveLength(1);
});

test('wallets may change while orders take addresses: nobody fails, one is active', async () => {
  const merchantId = await newMerchant();
  const descriptors = Array.from({ length: 4 }, () => regtestDescriptor(seeds++));
  await add(merchantId, descriptors[0] ?? '');
  const changes = descriptors.map((descriptor) => add(merchantId, descriptor));
  const takes = Array.from({ length: 20 }, () => take(merchantId, 1));
  const [, taken] = await Promise.all([Promise.all(changes), Promise.all(takes)]);
  expect(new Set(taken.flat()).size).toBe(20);
  expect((await wallets(merchantId)).filter(({ active }) => active)).toHaveLength(1);
});

test('a pool that runs low is filled up, and once only', async () => {
  const merchantId = await newMerchant(120);
  await add(merchantId, regtestDescriptor(seeds++));
  await Promise.all([
    refillPools(database, new AbortController().signal),
    refillPools(database, new AbortController().signal),
  ]);
  expect((await wallets(merchantId))[0]).toMatchObject({ derivedThrough: 119, nextIndex: 0 });
  await refillPools(database, new AbortController().signal);
  expect((await wallets(merchantId))[0]).toMatchObject({ derivedThrough: 119 });
});

test('what can not be used is refused and changes nothing', async () => {
  const merchantId = await newMerchant();
  await expect(take(merchantId, 1)).rejects.toMatchObject({ code: 'no_wallet' });
  await expect(add(merchantId, 'wpkh(nonsense)')).rejects.toMatchObject({
    code: 'invalid_descriptor',
  });
  const mainnet =
    'wpkh(xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V/<0;1>/*)';
  await expect(add(merchantId, mainnet)).rejects.toMatchObject({
    code: 'descriptor_wrong_network',
  });
  expect(await wallets(merchantId)).toEqual([]);
});
