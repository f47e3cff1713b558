import { afterAll, beforeAll, expect, test } from 'vitest';
import { ORDERS_CHANNEL } from '../../apps/server/src/telling/live/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { openShop, type Shop } from '../support/shop.ts';

let testDatabase: TestDatabase;
let regtest: Regtest;
let shop: Shop;
beforeAll(async () => {
  [testDatabase, regtest] = await Promise.all([createTestDatabase(), startRegtest()]);
  shop = openShop({ ownerUrl: testDatabase.ownerUrl, regtest });
});
afterAll(async () => {
  await shop.close();
  await Promise.all([testDatabase.drop(), regtest.stop()]);
});

test('whoever waits at a live page hears of each confirmation, k of n', async () => {
  const heard: { orderId: string; status: string; confirmations?: number }[] = [];
  const unlisten = await shop.database.listen(ORDERS_CHANNEL, {
    message: (payload) => void heard.push(JSON.parse(payload)),
    gap() {},
  });
  const merchantId = await shop.addMerchant();
  const watcher = shop.watch();
  await shop.caughtUp(watcher);
  const order = await shop.order(merchantId, '0.02');
  expect(order.requiredConfirmations).toBe(3);
  await regtest.sendTo(order.address, 2_000_000n);
  await shop.until(order, { status: 'UNCONFIRMED' });
  const counted = () =>
    heard.filter(({ orderId }) => orderId === order.id).map((frame) => frame.confirmations);
  await regtest.mine(1);
  await expect.poll(counted).toContain(1);
  await regtest.mine(1);
  await expect.poll(counted).toContain(2);
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
  await expect.poll(() => heard.at(-1)?.status).toBe('CONFIRMED');
  await unlisten();
});
