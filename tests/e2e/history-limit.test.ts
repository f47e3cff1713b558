import { expect, test } from 'vitest';
import { startTestApi } from '../support/api.ts';
import { createTestDatabase } from '../support/postgres.ts';

test('balances of the past are limited apart from present ones, which shops ask for often', async () => {
  const testDatabase = await createTestDatabase();
  const api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, limits: { history: 2 } });
  try {
    const { key } = await api.createMerchant('Corner Coffee');
    const path = '/v1/ledger/balances';
    const past = async () =>
      (await api.send('GET', `${path}?as_of=2026-01-01T00:00:00.000Z`, { key })).status;
    expect([await past(), await past(), await past()]).toEqual([200, 200, 429]);
    for (let i = 0; i < 5; i++) expect((await api.send('GET', path, { key })).status).toBe(200);
    const other = await api.createMerchant('Corner Books');
    const theirs = { key: other.key };
    const { status } = await api.send('GET', `${path}?as_of=2026-01-01T00:00:00.000Z`, theirs);
    expect(status).toBe(200);
  } finally {
    await api.close();
    await testDatabase.drop();
  }
});
