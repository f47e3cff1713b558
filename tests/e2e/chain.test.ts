import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { openShop, type Shop } from '../support/shop.ts';

let regtest: Regtest;
let database: TestDatabase;
let shop: Shop;
beforeAll(async () => {
  [regtest, database] = await Promise.all([startRegtest(), createTestDatabase()]);
  shop = openShop({ ownerUrl: database.ownerUrl, regtest });
});
afterAll(async () => {
  await shop.close();
  await database.drop();
  await regtest.stop();
});

test('a payment is seen, confirmed, booked and told', async () => {
  const merchantId = await shop.addMerchant();
  const watcher = shop.watch();
  await shop.caughtUp(watcher);
  const order = await shop.order(merchantId, '0.001');
  const txid = await regtest.sendTo(order.address, 100_000n);
  const seen = await shop.until(order, { status: 'UNCONFIRMED', receivedSats: '100000' });
  expect(seen.payments).toMatchObject([{ txid, state: 'seen', amountSats: '100000' }]);
  expect(await shop.balances(merchantId)).toMatchObject({
    'onchain.wallet': { posted: 0n, pending: 100_000n },
  });
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED', confirmedSats: '100000' });
  expect(await shop.balances(merchantId)).toEqual({
    'onchain.wallet': { posted: 100_000n, pending: 0n },
    'receipts.unapplied': { posted: 0n, pending: 0n },
    'merchant.available': { posted: 100_000n, pending: 0n },
  });
  const events = await shop.events(merchantId);
  expect(events.map(({ type, data }) => `${type} ${String(data['status'])}`)).toEqual([
    'order.created PENDING',
    'order.payment_seen UNCONFIRMED',
    'order.status_changed UNCONFIRMED',
    'order.payment_confirmed CONFIRMED',
    'order.status_changed CONFIRMED',
  ]);
  expect(await shop.journalIsSound(merchantId)).toBe(true);
  await watcher.stop();
});
