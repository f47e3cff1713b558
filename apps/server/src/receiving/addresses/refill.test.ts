import { randomBytes } from 'node:crypto';
import { type Random, systemClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { createMerchant } from '../../tenancy/merchants/index.ts';
import { addWallet, readWallets, refillPools } from './index.ts';

const POOL = 120;
const random: Random = (target) => {
  target.set(randomBytes(target.length));
  return target;
};
const ids = uuidV7Ids(systemClock, random);
let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

async function addShop(seed: number): Promise<string> {
  return database.asSystem(async (tx) => {
    const noWallet = () => Promise.reject(new Error('the wallet is added below'));
    const deps = { clock: systemClock, ids, random, addWallet: noWallet };
    const settings = { addressPoolSize: POOL };
    const { merchant } = await createMerchant(tx, deps, { name: 'x', settings, actor: 'test' });
    const descriptor = regtestDescriptor(seed);
    const nowMs = systemClock.nowMs();
    await addWallet(tx, { merchantId: merchant.id, descriptor, network: 'regtest', ids, nowMs });
    return merchant.id;
  });
}

async function derivedThrough(merchantId: string): Promise<number | undefined> {
  const wallets = await database.asSystem((tx) => readWallets(tx, { merchantId, maxGap: 100 }));
  return wallets[0]?.derivedThrough;
}

test('a refill derives as many addresses ahead as the settings ask for, in one go', async () => {
  const merchantId = await addShop(1);
  await refillPools(database, new AbortController().signal);
  expect(await derivedThrough(merchantId)).toBe(POOL - 1);
  await refillPools(database, new AbortController().signal);
  expect(await derivedThrough(merchantId)).toBe(POOL - 1);
});

test('a refill that is told to stop derives no more', async () => {
  const merchantId = await addShop(2);
  const before = await derivedThrough(merchantId);
  await refillPools(database, AbortSignal.abort());
  expect(await derivedThrough(merchantId)).toBe(before);
});
