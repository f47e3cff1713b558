import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createPaymentAdopter,
  noPayoutListener,
} from '../../apps/server/src/paying/payouts/index.ts';
import { createRefundsFollower, payByPayouts } from '../../apps/server/src/paying/refunds/index.ts';
import { createSpendsFollower } from '../../apps/server/src/paying/spends/index.ts';
import { countWaits } from '../support/count-waits.ts';
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
  await shop?.close();
  await Promise.all([testDatabase?.drop(), regtest?.stop()]);
});

/** What hears of the chain in a server that receives and pays (wiring/flow.ts), besides coins. */
function followers() {
  const listener = noPayoutListener;
  return [
    createSpendsFollower({
      listener: { spendChanged: async () => {} },
      adopter: createPaymentAdopter({ listener }),
    }),
    createRefundsFollower({
      ids: shop.ids,
      payouts: payByPayouts({ network: 'regtest', listener }),
    }),
  ];
}

test('a payment of an order waits five times for the database on its way to the payer’s page', async () => {
  const { database, transactions } = countWaits(shop.database);
  const merchantId = await shop.addMerchant();
  const watcher = shop.watch({ database, followers: followers() });
  await shop.caughtUp(watcher);
  const order = await shop.order(merchantId, '0.02');
  await regtest.sendTo(order.address, 2_000_000n);
  await shop.until(order, { status: 'UNCONFIRMED' });
  const paying = transactions.filter(({ statements }) =>
    statements.some((text) => text.includes('INSERT INTO payment ')),
  );
  expect(paying).toHaveLength(1);
  // What is on record; who is concerned; the order; what follows from it; COMMIT.
  expect(paying[0]?.waits).toBe(5);
  await watcher.stop();
});
