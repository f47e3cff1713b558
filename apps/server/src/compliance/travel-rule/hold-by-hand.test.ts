import { randomFillSync, randomUUID } from 'node:crypto';
import { type Random, systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../../../../tests/support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import {
  orderSettled,
  paymentConfirmed,
  paymentSeen,
  postTransfers,
} from '../../accounting/ledger/index.ts';
import { noPayoutListener, type ProcessorDeps, runDuePayouts } from '../../paying/payouts/index.ts';
import { travelRuleScreen } from './index.ts';

const random: Random = (target) => randomFillSync(target);
let testDatabase: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl });
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

/** What a worker works with; a chain is not near, so nothing is ever sent. */
function workerDeps(screen: ProcessorDeps['screen']): ProcessorDeps {
  return {
    ...{ database: api.database, random, clock: systemClock },
    ...{ ids: uuidV7Ids(systemClock, random), approver: null, listener: noPayoutListener },
    fees: {
      estimate: async ({ targetBlocks }) => ({
        ...{ feeRate: 2_000n, source: 'fixed', targetBlocks, atMs: 0 },
      }),
      floor: async () => 1_000n,
      longTerm: () => 5_000n,
    },
    readAudience: async () => ({ store: 'S', locale: 'en', emails: [] }),
    log: { info() {}, warn() {} },
    ...(screen === undefined ? {} : { screen }),
  };
}

test('a payout that a person wants paid now waits for its Travel Rule message like any other', async () => {
  const shop = await api.createMerchant('Shop');
  const { key } = shop;
  const earned = {
    ...{ merchantId: shop.id as Uuid, paymentId: randomUUID() as Uuid },
    ...{ orderId: randomUUID() as Uuid, epoch: 0, amountSats: 1_000_000n, atMs: Date.now() },
  };
  const settled = orderSettled({ ...earned, dueSats: 1_000_000n, excessSats: 0n });
  await api.database.asSystem((tx) =>
    postTransfers(tx, [paymentSeen(earned), paymentConfirmed(earned), settled]),
  );
  await api.send('PATCH', '/v1/payout-policy', { key, body: { creatorMayApprove: true } });
  const destination = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
  const body = { destination, amount: '0.001', currency: 'BTC' };
  const { id } = (await api.send('POST', '/v1/payouts', { key, body })).body;
  const vasp = {
    legalPerson: {
      name: {
        nameIdentifier: [{ legalPersonName: 'Shop', legalPersonNameIdentifierType: 'LEGL' }],
      },
      customerNumber: '1',
    },
  };
  await api.send('PUT', '/v1/compliance/travel-rule/settings', {
    ...{ key, body: { enabled: true, regime: 'eu', vasp } },
  });
  const approved = await api.send('POST', `/v1/payouts/${id}/approve`, { key });
  expect(approved.status, JSON.stringify(approved.body)).toBe(200);
  const asked = await api.send('POST', `/v1/payouts/${id}/pay`, { key });
  expect(asked.status, JSON.stringify(asked.body)).toBe(200);
  const screen = travelRuleScreen({ clock: systemClock });
  await runDuePayouts(workerDeps(screen), new AbortController().signal);
  const held = await api.send('GET', `/v1/payouts/${id}`, { key });
  expect(held.body).toMatchObject({ state: 'approved', reason: { code: 'destination_held' } });
});
