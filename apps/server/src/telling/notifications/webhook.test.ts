import { verifyWebhook } from '@quittance/client';
import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { startWebhookDispatcher } from '../webhooks/index.ts';
import { localDispatcher, newEndpoint, startReceiver } from '../webhooks/test-support.ts';
import { raiseAlert } from './raise-alert.ts';
import { resolveAlert } from './resolve-alert.ts';
import { alertDeps, lowWallet, newMerchant } from './test-support.ts';

let testDatabase: TestDatabase;
let database: Database;
let merchant: Uuid;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
  merchant = await newMerchant(database);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

test('webhooks deliver alerts, signed, as the client knows them; classic ones hear nothing', async () => {
  const [receiver, classic] = [await startReceiver(), await startReceiver()];
  const { secret } = await newEndpoint(database, merchant, receiver.url);
  await newEndpoint(database, merchant, classic.url, 'classic');
  const dispatcher = startWebhookDispatcher(localDispatcher(database));
  try {
    const deps = alertDeps();
    const over = { merchantId: merchant, kind: 'hot_wallet_low', subject: 'wallet 1' } as const;
    await database.asSystem((tx) => raiseAlert(tx, deps, lowWallet(merchant)));
    await database.asSystem((tx) => raiseAlert(tx, deps, lowWallet(merchant)));
    await database.asSystem((tx) => resolveAlert(tx, deps, over));
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(2);
    const events = receiver.received.map(({ headers, body }) =>
      verifyWebhook({ headers, body, secrets: [secret] }),
    );
    const told = events.map((event) =>
      event.type === 'alert.opened' || event.type === 'alert.resolved'
        ? [event.type, event.data.cause, event.data.kind, event.data.count]
        : [event.type],
    );
    expect(told).toContainEqual(['alert.opened', 'opened', 'hot_wallet_low', 1]);
    expect(told).toContainEqual(['alert.resolved', 'resolved', 'hot_wallet_low', 2]);
    expect(classic.received).toEqual([]);
  } finally {
    await dispatcher.stop();
    await Promise.all([receiver.close(), classic.close()]);
  }
});
