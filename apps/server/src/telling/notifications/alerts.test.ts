import { webhookEventSchema } from '@quittance/contract';
import { manualClock, type Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { acknowledgeAlert } from './acknowledge-alert.ts';
import { REOPEN_WITHIN_MS } from './alert.ts';
import { countOpen } from './alert-store.ts';
import { listAlerts, readAlert } from './list-alerts.ts';
import { raiseAlert } from './raise-alert.ts';
import { resolveAlert } from './resolve-alert.ts';
import { MAX_EMAILS_PER_HOUR } from './tell-alert.ts';
import { alertDeps, lowWallet, newMerchant } from './test-support.ts';

let testDatabase: TestDatabase;
let database: Database;
let merchant: Uuid;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
});
beforeEach(async () => {
  merchant = await newMerchant(database);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const recipients = { emails: ['till@shop.example', 'boss@shop.example'] };
const all = (more = {}) => ({
  bookId: merchant,
  startingAfter: undefined,
  limit: 100,
  kind: undefined,
  state: undefined,
  ...more,
});

async function events(): Promise<{ id: Uuid; type: string; data: Record<string, unknown> }[]> {
  return database.asSystem((tx) =>
    tx.query('SELECT id, type, data FROM event WHERE merchant_id = $1 ORDER BY seq', [merchant]),
  );
}

/** In the order in which they were written. */
async function emails(): Promise<{ recipient: string; subject: string; body: string }[]> {
  return database.asSystem((tx) =>
    tx.query(
      'SELECT recipient, subject, body FROM alert_email WHERE merchant_id = $1 ORDER BY ctid',
      [merchant],
    ),
  );
}

test('an alert is raised with its event and one e-mail for each recipient, all or nothing', async () => {
  const deps = alertDeps({ audience: recipients });
  const rolledBack = database.asTenant(merchant, async (tx) => {
    await raiseAlert(tx, deps, lowWallet(merchant));
    throw new Error('the cause did not happen');
  });
  await expect(rolledBack).rejects.toThrow('did not happen');
  expect(await events()).toEqual([]);
  expect(await emails()).toEqual([]);

  const data = { txids: ['ab'] };
  await database.asTenant(merchant, (tx) => raiseAlert(tx, deps, lowWallet(merchant, { data })));
  const [event, ...more] = await events();
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    type: 'alert.opened',
    data: {
      cause: 'opened',
      kind: 'hot_wallet_low',
      subject: 'wallet 1',
      count: 1,
      data: { txids: ['ab'], balanceSats: '1000' },
      resolvedAt: null,
    },
  });
  expect((await emails()).map(({ recipient }) => recipient)).toEqual(recipients.emails);
});

test('what a webhook delivers is an event of the contract', async () => {
  const deps = alertDeps();
  await database.asTenant(merchant, (tx) => raiseAlert(tx, deps, lowWallet(merchant)));
  const over = { merchantId: merchant, kind: 'hot_wallet_low', subject: 'wallet 1' } as const;
  await database.asTenant(merchant, (tx) => resolveAlert(tx, deps, over));
  const stored = await events();
  expect(stored.map(({ type }) => type)).toEqual(['alert.opened', 'alert.resolved']);
  for (const event of stored) {
    const parsed = webhookEventSchema.parse({ ...event, timestamp: new Date().toISOString() });
    expect(parsed).toMatchObject({ type: event.type, data: event.data });
  }
});

test('workers that see the same trouble at once open one alert and tell it once', async () => {
  const deps = alertDeps({ audience: recipients });
  const raises = Array.from({ length: 20 }, () =>
    database.asSystem((tx) => raiseAlert(tx, deps, lowWallet(merchant))),
  );
  const raised = await Promise.all(raises);
  expect(new Set(raised.map(({ id }) => id)).size).toBe(1);
  expect(Math.max(...raised.map(({ count }) => count))).toBe(20);
  expect(await events()).toHaveLength(1);
  expect(await emails()).toHaveLength(recipients.emails.length);
});

test('an acknowledgement is not lost to a sighting at the same time', async () => {
  const deps = alertDeps();
  for (let round = 0; round < 10; round++) {
    const seen = lowWallet(merchant, { subject: `wallet ${round}` });
    const { id } = await database.asSystem((tx) => raiseAlert(tx, deps, seen));
    const request = { bookId: merchant, id, by: 'key:1' };
    await Promise.all([
      database.asTenant(merchant, (tx) => acknowledgeAlert(tx, deps, request)),
      ...[1, 2, 3].map(() => database.asSystem((tx) => raiseAlert(tx, deps, seen))),
    ]);
    const { alert } = await database.asTenant(merchant, (tx) =>
      readAlert(tx, { bookId: merchant, id }),
    );
    expect(alert).toMatchObject({ count: 4, acknowledged: { by: 'key:1' } });
  }
});

test('after its end the same trouble re-opens the alert, after a long time it is a new one', async () => {
  const clock = manualClock(1_760_000_000_000);
  const deps = alertDeps({ clock, audience: recipients });
  const over = { merchantId: merchant, kind: 'hot_wallet_low', subject: 'wallet 1' } as const;
  const raise = () => database.asSystem((tx) => raiseAlert(tx, deps, lowWallet(merchant)));
  const resolve = () => database.asSystem((tx) => resolveAlert(tx, deps, over));
  const ids = [];
  for (const pauseMs of [0, 60_000, REOPEN_WITHIN_MS + 1]) {
    clock.advance(pauseMs);
    ids.push((await raise()).id);
    clock.advance(1_000);
    expect((await resolve())?.resolvedAtMs).toBe(clock.nowMs());
    expect(await resolve()).toBeUndefined();
  }
  expect(ids[1]).toBe(ids[0]);
  expect(ids[2]).not.toBe(ids[0]);
  const causes = (await events()).map(({ data }) => data['cause']);
  expect(causes).toEqual(['opened', 'resolved', 'reopened', 'resolved', 'opened', 'resolved']);
  // The second, short episode was not e-mailed, neither its beginning nor its end.
  expect(await emails()).toHaveLength(4 * recipients.emails.length);
});

test('a flood of alerts ends the e-mails of the hour with one that says so', async () => {
  const clock = manualClock(1_760_000_000_000);
  const deps = alertDeps({ clock, audience: { emails: ['till@shop.example'] } });
  const raise = (i: number) =>
    database.asSystem((tx) => raiseAlert(tx, deps, lowWallet(merchant, { subject: `w${i}` })));
  for (let i = 0; i < MAX_EMAILS_PER_HOUR + 5; i++) await raise(i);
  const sent = await emails();
  expect(sent).toHaveLength(MAX_EMAILS_PER_HOUR);
  expect(sent.filter(({ body }) => body.includes('by webhook'))).toHaveLength(1);
  expect(sent.at(-1)?.body).toContain('by webhook');
  expect(await events()).toHaveLength(MAX_EMAILS_PER_HOUR + 5);
  clock.advance(3_600_001);
  await raise(1_000);
  expect(await emails()).toHaveLength(MAX_EMAILS_PER_HOUR + 1);
});

test('alerts of the instance are in no merchant’s list, and make no event', async () => {
  const deps = alertDeps({ audience: { store: null, emails: ['ops@pay.example'] } });
  const instance = {
    merchantId: null,
    kind: 'node_unavailable',
    subject: 'regtest',
    severity: 'critical',
    facts: { reason: 'no answer' },
  } as const;
  const { bookId, id } = await database.asSystem((tx) => raiseAlert(tx, deps, instance));
  const asTenant = database.asTenant(merchant, (tx) => raiseAlert(tx, deps, instance));
  await expect(asTenant).rejects.toThrow('row-level security');
  const listed = await database.asTenant(merchant, (tx) => listAlerts(tx, all({ bookId })));
  expect(listed.alerts).toEqual([]);
  const read = await database.asSystem((tx) => readAlert(tx, { bookId, id }));
  expect(read.alert.detail).toContain('no answer');
  expect(read.emails).toMatchObject([{ recipient: 'ops@pay.example', state: 'pending' }]);
  const { count } = await database.asSystem((tx) =>
    tx.one<{ count: number }>('SELECT count(*)::int AS count FROM event WHERE merchant_id = $1', [
      bookId,
    ]),
  );
  expect(count).toBe(0);
});

test('pages of the list show every alert once, newest first, by state and kind', async () => {
  const clock = manualClock(1_760_000_000_000);
  const deps = alertDeps({ clock });
  for (let i = 0; i < 7; i++) {
    clock.advance(1);
    await database.asSystem((tx) =>
      raiseAlert(tx, deps, lowWallet(merchant, { subject: `w${i}` })),
    );
  }
  const over = { merchantId: merchant, kind: 'hot_wallet_low', subject: 'w3' } as const;
  await database.asSystem((tx) => resolveAlert(tx, deps, over));
  const list = (more: object) =>
    database.asTenant(merchant, (tx) => listAlerts(tx, all({ limit: 3, ...more })));
  const subjects: string[] = [];
  for (let startingAfter: Uuid | undefined, more = true; more; ) {
    const page = await list({ startingAfter });
    subjects.push(...page.alerts.map(({ subject }) => subject));
    startingAfter = page.alerts.at(-1)?.id;
    more = page.hasMore;
  }
  expect(subjects).toEqual(['w6', 'w5', 'w4', 'w3', 'w2', 'w1', 'w0']);
  const resolved = await list({ state: 'resolved' });
  expect(resolved.alerts.map(({ subject }) => subject)).toEqual(['w3']);
  const open = await list({ state: 'open', limit: 100, kind: 'hot_wallet_low' });
  expect(open.alerts).toHaveLength(6);
  expect((await list({ kind: 'payout_stuck' })).alerts).toEqual([]);
  expect((await database.asSystem(countOpen)).warning).toBeGreaterThanOrEqual(6);
});

test('facts of any kind are stored as plain text', async () => {
  const deps = alertDeps({ audience: recipients });
  const seen = {
    merchantId: merchant,
    kind: 'signer_unavailable',
    subject: 'signer',
    severity: 'critical',
    facts: { reason: `a\u0000b\r\nBcc: x@y.zz\ud800${'x'.repeat(10_000)}` },
  } as const;
  const { data } = await database.asSystem((tx) => raiseAlert(tx, deps, seen));
  const reason = String(data['reason']);
  expect(reason.startsWith('a b Bcc: x@y.zz')).toBe(true);
  expect(reason.length).toBe(500);
  const secret = { ...seen, subject: 'other', facts: { reason: 'at http://u:hunter2@node/' } };
  expect((await database.asSystem((tx) => raiseAlert(tx, deps, secret))).detail).not.toContain(
    'hunter2',
  );
});
