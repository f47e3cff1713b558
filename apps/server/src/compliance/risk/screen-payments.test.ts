import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Answered, startTestApi, type TestApi } from '../../../../../tests/support/api.ts';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { countWaits } from '../../../../../tests/support/count-waits.ts';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { verifyJournal } from '../../accounting/ledger/index.ts';
import { BitcoinRpcError } from '../../platform/bitcoin-node/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { applyPaymentEvents, type PaymentEvent } from '../../receiving/payments/index.ts';
import { audienceReader } from '../../telling/notifications/index.ts';
import { readMerchant } from '../../tenancy/merchants/index.ts';
import { type Screener, screenerOver } from '../screening/index.ts';
import { claimPayments } from './queue-store.ts';
import { screenPayments, type ScreeningDeps, watchStuck } from './screen-payments.ts';
import type { ReadTransactions, TracedTransaction } from './trace/traced-transaction.ts';

const LISTED = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const CLEAN = 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry';
const DUE_SATS = 100_000n;

let receiving: Receiving;
let api: TestApi;
let screener: Screener;
let descriptors = 40;
let merchantId: Uuid;
/** What the node would tell, by txid; a source address makes a transaction. */
let chain: Map<string, TracedTransaction>;
let nodeIsAway = false;
let nth = 0;

beforeAll(async () => {
  receiving = await openReceiving();
  api = await startTestApi({ ownerUrl: receiving.ownerUrl, clock: receiving.clock });
  const entry = {
    ...{ list: 'ofac', id: '4711', schema: 'Person' as const, names: [], birthDates: [] },
    ...{
      countries: [],
      gender: null,
      addresses: [{ asset: 'XBT', address: LISTED, foreign: false }],
    },
    ...{ label: 'Somebody', topics: [] },
  };
  screener = await screenerOver([{ list: 'ofac', purpose: 'sanctions', entries: [entry] }]);
});
afterAll(async () => {
  await api.close();
  await receiving.close();
});
beforeEach(async () => {
  merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(descriptors++));
  chain = new Map();
  nodeIsAway = false;
});

const read: ReadTransactions = (wanted) => {
  if (nodeIsAway) return Promise.reject(new BitcoinRpcError('unreachable', 'connection refused'));
  return Promise.resolve(
    wanted.map(({ txid }) => {
      const transaction = chain.get(txid);
      return transaction === undefined
        ? ({ ok: false, reason: 'not_found' } as const)
        : ({ ok: true, transaction } as const);
    }),
  );
};

function deps(more: Partial<ScreeningDeps> = {}): ScreeningDeps {
  const { database, clock, ids } = receiving;
  return { database, clock, ids, screener, read, chance: () => 0.5, onError: () => {}, ...more };
}

const telling = () => ({ ids: receiving.ids, nowMs: receiving.clock.nowMs(), tipHeight: 60 });

async function setRisk(risk: 'off' | 'shadow' | 'on'): Promise<void> {
  await receiving.sql(
    `INSERT INTO compliance_settings (merchant_id, risk, monitoring, customer_screening,
            sar_days_suspect_known, sar_days_suspect_unknown, reminder_days, updated_at, updated_by)
     VALUES ($1, $2, false, false, 30, 30, 7, now(), 'test')
     ON CONFLICT (merchant_id) DO UPDATE SET risk = excluded.risk`,
    [merchantId, risk],
  );
}

/** A payment of a new order out of an address, in the mempool, and how the test follows it. */
async function pay(from: string, amountSats = DUE_SATS) {
  const order = await receiving.order(merchantId);
  nth += 1;
  const digits = nth.toString(16).padStart(4, '0');
  const txid = digits.repeat(16);
  const paymentId: Uuid = `00000000-0000-8000-8000-00000000${digits}`;
  const input = { txid: 'ff'.repeat(32), vout: 0, address: from, valueSats: 2n * amountSats };
  chain.set(txid, {
    ...{ txid, height: null, timeMs: null, isCoinbase: false },
    inputs: [{ ...input, height: 10 }],
    outputs: [{ valueSats: amountSats, script: new Uint8Array(22) }],
  });
  const about = { paymentId, txid, vout: 0, amountSats, replaces: [] };
  const firstSeenAtMs = receiving.clock.nowMs();
  const block = { height: 50, blockHash: '0b'.repeat(32), coinbase: false };
  const apply = (...events: PaymentEvent[]) =>
    receiving.database.asSystem((tx) =>
      applyPaymentEvents(tx, telling(), [{ orderId: order.id, events }]),
    );
  await apply({ type: 'seen', ...about, firstSeenAtMs });
  return {
    orderId: order.id,
    paymentId,
    confirm: () =>
      apply(
        { type: 'included', ...about, firstSeenAtMs, ...block },
        { type: 'confirmed', txid, vout: 0 },
      ),
    returned: () => apply({ type: 'returned', txid, vout: 0 }),
    status: async () => (await orderRow(order.id)).status,
    hold: async () => {
      const [row] = await receiving.sql<{ hold: string }>(
        'SELECT hold FROM payment WHERE id = $1',
        [paymentId],
      );
      return row?.hold;
    },
  };
}

async function orderRow(id: Uuid) {
  const [row] = await receiving.sql<{ status: string; review_sats: string }>(
    'SELECT status, review_sats FROM orders WHERE id = $1',
    [id],
  );
  return row ?? { status: 'none', review_sats: '0' };
}

/** Posted balances in satoshis, without what is zero. */
async function balances(): Promise<Record<string, number>> {
  const rows = await receiving.sql<{ code: string; sats: string }>(
    `SELECT code, abs(credits_posted - debits_posted) / 1000 AS sats FROM ledger_account
      WHERE book_id = $1 AND credits_posted <> debits_posted ORDER BY code`,
    [merchantId],
  );
  return Object.fromEntries(rows.map(({ code, sats }) => [code, Number(sats)]));
}

async function eventTypes(orderId: Uuid): Promise<string[]> {
  const rows = await receiving.sql<{ type: string }>(
    'SELECT type FROM event WHERE order_id = $1 ORDER BY seq',
    [orderId],
  );
  return rows.map(({ type }) => type);
}

async function person(...scopes: string[]): Promise<string> {
  const made = await api.send('POST', `/v1/merchants/${merchantId}/api-keys`, {
    key: api.adminKey,
    body: { name: 'p', scopes },
  });
  return made.body.secret as string;
}

async function call(method: string, path: string, key: string, body?: unknown): Promise<Answered> {
  return await api.send(method, `/v1/compliance${path}`, { key, body });
}

/** Two persons decide the payment's case. */
async function decideCase(caseId: string, outcome: string): Promise<Answered> {
  const proposer = await person('compliance:review');
  const reason = 'Looked at all of it.';
  const proposed = await call('POST', `/cases/${caseId}/proposal`, proposer, { outcome, reason });
  const proposalId = proposed.body.proposal.id;
  const officer = await person('compliance:decide');
  return await call('POST', `/cases/${caseId}/approve`, officer, { proposalId, outcome });
}

async function decisionsOf(paymentId: Uuid): Promise<Answered['body'][]> {
  const key = await person('compliance:read');
  const answer = await call('GET', `/risk/decisions?payment_id=${paymentId}`, key);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.data;
}

test('a store without risk pays nothing for it: no hold, no decision, no row', async () => {
  const payment = await pay(LISTED);
  expect(await payment.hold()).toBe('none');
  expect(await screenPayments(deps())).toBe(0);
  await payment.confirm();
  expect(await payment.status()).toBe('CONFIRMED');
  const [rows] = await receiving.sql(
    'SELECT count(*)::int AS rows FROM risk_activity WHERE merchant_id = $1',
    [merchantId],
  );
  expect(rows).toEqual({ rows: 0 });
});

test('a clean payment is approved, counts, and its decision replays to the same bytes', async () => {
  await setRisk('on');
  const payment = await pay(CLEAN);
  expect(await payment.hold()).toBe('screening');
  await payment.confirm();
  expect(await payment.status()).toBe('UNCONFIRMED');
  expect(await screenPayments(deps())).toBe(1);
  expect(await payment.status()).toBe('CONFIRMED');
  expect(await balances()).toEqual({ 'merchant.available': 100_000, 'onchain.wallet': 100_000 });
  const [decision] = await decisionsOf(payment.paymentId);
  expect(decision).toMatchObject({ mode: 'on', action: 'approve', configVersion: 1, caseId: null });
  expect(decision.facts.source.direct).toEqual([
    { address: CLEAN, sharePpm: 1_000_000, seenAtMs: null },
  ]);
  expect(decision.facts.source.untraced).toEqual([{ hop: 1, reason: 'not_found', coins: 1 }]);
  const key = await person('compliance:read');
  const again = await call('GET', `/risk/decisions/${decision.id}/replay`, key);
  expect(again.body).toMatchObject({ identical: true, factsHash: decision.factsHash });
  expect(again.body.replayed).toBe(again.body.stored);
});

test('a payment from a listed address is held before it counts, and released to its order', async () => {
  await setRisk('on');
  const payment = await pay(LISTED);
  await screenPayments(deps());
  expect(await payment.hold()).toBe('held');
  await payment.confirm();
  expect(await payment.status()).toBe('UNCONFIRMED');
  expect(await balances()).toEqual({ 'compliance.held': 100_000, 'onchain.wallet': 100_000 });
  expect(await eventTypes(payment.orderId)).toEqual([
    ...['order.created', 'order.payment_seen', 'order.status_changed'],
    'order.payment_under_review',
  ]);
  const [decision] = await decisionsOf(payment.paymentId);
  expect(decision).toMatchObject({ score: 50, level: 'MEDIUM', action: 'review' });
  expect((await decideCase(decision.caseId, 'release')).status).toBe(200);
  expect(await payment.status()).toBe('CONFIRMED');
  expect(await balances()).toEqual({ 'merchant.available': 100_000, 'onchain.wallet': 100_000 });
  expect((await eventTypes(payment.orderId)).slice(4)).toEqual([
    ...['order.payment_review_ended', 'order.payment_confirmed', 'order.status_changed'],
  ]);
  await receiving.database.asSystem(async (tx) => {
    expect(await verifyJournal(tx, { bookId: merchantId })).toMatchObject({ ok: true });
  });
});

test('what is frozen stays frozen through a reorganisation, and nothing can be refunded of it', async () => {
  await setRisk('on');
  const payment = await pay(LISTED);
  await payment.confirm();
  await screenPayments(deps());
  const [decision] = await decisionsOf(payment.paymentId);
  await decideCase(decision.caseId, 'freeze');
  expect(await payment.hold()).toBe('frozen');
  expect(await balances()).toEqual({ 'compliance.frozen': 100_000, 'onchain.wallet': 100_000 });
  await payment.returned();
  expect(await balances()).toEqual({});
  await payment.confirm();
  expect(await balances()).toEqual({ 'compliance.frozen': 100_000, 'onchain.wallet': 100_000 });
  // To everybody outside it is as if it were still looked at.
  expect(await orderRow(payment.orderId)).toEqual({ status: 'UNCONFIRMED', review_sats: '100000' });
  const refund = await api.send('POST', `/v1/orders/${payment.orderId}/refunds`, {
    key: await api.keyFor(merchantId),
    body: { mode: 'full', destination: 'claim' },
  });
  expect(refund.status).toBe(409);
});

test('money that a case sends back can be refunded at once, and counts for no order', async () => {
  await setRisk('on');
  const payment = await pay(LISTED);
  await payment.confirm();
  await screenPayments(deps());
  const key = await api.keyFor(merchantId);
  const ask = { key, body: { mode: 'late', destination: 'claim' } };
  const path = `/v1/orders/${payment.orderId}/refunds`;
  expect((await api.send('POST', path, ask)).status).toBe(409);
  const [decision] = await decisionsOf(payment.paymentId);
  await decideCase(decision.caseId, 'refund');
  expect(await payment.hold()).toBe('returnable');
  expect(await payment.status()).toBe('PENDING');
  expect(await balances()).toEqual({ 'onchain.wallet': 100_000, 'receipts.unapplied': 100_000 });
  const refund = await api.send('POST', path, ask);
  expect(refund.status, JSON.stringify(refund.body)).toBe(201);
  expect(refund.body.refund ?? refund.body).toMatchObject({ basisSats: '100000' });
});

test('a later case that is dismissed does not unfreeze what another one has frozen', async () => {
  await setRisk('on');
  const payment = await pay(LISTED);
  await screenPayments(deps());
  const [decision] = await decisionsOf(payment.paymentId);
  await decideCase(decision.caseId, 'freeze');
  const raise = async () => {
    const subject = { type: 'payment', id: payment.paymentId };
    const body = { subject, severity: 'low', summary: 'Seen by somebody else too' };
    return (await call('POST', '/alerts', await person('compliance:review'), body)).body.caseId;
  };
  await decideCase(await raise(), 'dismiss');
  expect(await payment.hold()).toBe('frozen');
  // Nor does a refund; only a release that says so, such as an authority's.
  expect((await decideCase(await raise(), 'refund')).status).toBe(409);
  expect(await payment.hold()).toBe('frozen');
  await decideCase(await raise(), 'release');
  expect(await payment.hold()).toBe('none');
});

test('a payment by Lightning is looked at by amount and pace, held and released as any other', async () => {
  await setRisk('on');
  const order = await receiving.order(merchantId);
  const paymentId: Uuid = `00000000-0000-8000-8000-${merchantId.slice(-12)}`;
  const settled = { paymentId, paymentHash: 'ab'.repeat(16) + merchantId.replaceAll('-', '') };
  const amounts = { amountSats: DUE_SATS, receivedMsat: DUE_SATS * 1_000n };
  const event = { type: 'lightning_settled', ...settled, ...amounts } as const;
  const settledAtMs = receiving.clock.nowMs();
  await receiving.database.asSystem((tx) =>
    applyPaymentEvents(tx, telling(), [{ orderId: order.id, events: [{ ...event, settledAtMs }] }]),
  );
  expect((await orderRow(order.id)).status).toBe('UNCONFIRMED');
  // A hundred payments within the day before: too many for a store without a past.
  const hour = Math.floor(receiving.clock.nowMs() / 3_600_000);
  await receiving.sql(
    `INSERT INTO risk_activity (merchant_id, hours, days)
     VALUES ($1, jsonb_build_object($2::text, 100), jsonb_build_object($3::text, 100))`,
    [merchantId, String(hour), String(Math.floor(hour / 24))],
  );
  await screenPayments(deps());
  const [decision] = await decisionsOf(paymentId);
  expect(decision).toMatchObject({ score: 25, action: 'approve' });
  expect(decision.facts).toMatchObject({ source: null, shape: null, velocity: { source: null } });
  expect((await orderRow(order.id)).status).toBe('CONFIRMED');
  expect(await eventTypes(order.id)).toEqual([
    ...['order.created', 'order.payment_seen', 'order.status_changed'],
    ...['order.payment_confirmed', 'order.status_changed'],
  ]);
});

test('in shadow a listed payment counts at once; the decision is only noted, without a case', async () => {
  await setRisk('shadow');
  const payment = await pay(LISTED);
  await payment.confirm();
  expect(await payment.status()).toBe('CONFIRMED');
  await screenPayments(deps());
  expect(await payment.hold()).toBe('none');
  expect(await payment.status()).toBe('CONFIRMED');
  const [decision] = await decisionsOf(payment.paymentId);
  expect(decision).toMatchObject({ mode: 'shadow', action: 'review', caseId: null });
});

test('while the node is away a payment waits, is never let through, and a person is told', async () => {
  await setRisk('on');
  const payment = await pay(CLEAN);
  await payment.confirm();
  nodeIsAway = true;
  const errors: unknown[] = [];
  const failing = deps({ onError: (error) => errors.push(error) });
  expect(await screenPayments(failing)).toBe(1);
  expect(errors).toHaveLength(1);
  // It is not asked for again before its pause is over.
  expect(await screenPayments(failing)).toBe(0);
  expect(await payment.hold()).toBe('screening');
  expect(await payment.status()).toBe('UNCONFIRMED');
  receiving.clock.advance(301_000);
  const alerts = {
    ...receiving,
    readAudience: audienceReader({ readMerchant, operatorEmails: undefined }),
  };
  const stuck = await watchStuck(receiving, alerts);
  expect([...stuck]).toContain(merchantId);
  nodeIsAway = false;
  expect(await screenPayments(deps())).toBe(1);
  expect(await payment.status()).toBe('CONFIRMED');
  expect([...(await watchStuck(receiving, alerts))]).not.toContain(merchantId);
  const [alert] = await receiving.sql<{ resolved: boolean }>(
    `SELECT resolved_at IS NOT NULL AS resolved FROM alert WHERE kind = 'risk_screening_stuck'`,
  );
  expect(alert).toEqual({ resolved: true });
});

test('a transaction that the node does not know yet is waited for, not decided about', async () => {
  await setRisk('on');
  const payment = await pay(CLEAN);
  const known = chain;
  chain = new Map();
  await screenPayments(deps());
  expect(await payment.hold()).toBe('screening');
  expect(await decisionsOf(payment.paymentId)).toEqual([]);
  // It does not wait for ever: once it is known, it is decided about.
  chain = known;
  receiving.clock.advance(2_000);
  await screenPayments(deps());
  expect(await payment.hold()).toBe('none');
});

test('a store that blocks an address itself has payments from it held, and nobody else has', async () => {
  await setRisk('on');
  const key = await person('compliance:decide');
  const body = { address: CLEAN, verdict: 'block', reason: 'Known for fraud' };
  expect((await call('POST', '/addresses', key, body)).status).toBe(201);
  const blocked = await pay(CLEAN);
  await screenPayments(deps());
  expect(await blocked.hold()).toBe('held');
  const [decision] = await decisionsOf(blocked.paymentId);
  expect(decision.facts.source.hits).toMatchObject([{ list: 'own', label: 'Known for fraud' }]);
  merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(descriptors++));
  await setRisk('on');
  const free = await pay(CLEAN);
  await screenPayments(deps());
  expect(await free.hold()).toBe('none');
});

test('two workers at once decide each payment once', async () => {
  await setRisk('on');
  const payments = [];
  for (let i = 0; i < 6; i++) payments.push(await pay(i % 2 === 0 ? LISTED : CLEAN));
  const taken = await Promise.all([screenPayments(deps()), screenPayments(deps())]);
  expect(taken.reduce((sum, each) => sum + each, 0)).toBe(6);
  for (const { paymentId } of payments) expect(await decisionsOf(paymentId)).toHaveLength(1);
  const [cases] = await receiving.sql(
    'SELECT count(*)::int AS cases FROM compliance_case WHERE merchant_id = $1',
    [merchantId],
  );
  expect(cases).toEqual({ cases: 3 });
});

test('who claims a payment at the same moment waits, and then finds it taken', async () => {
  await setRisk('on');
  const { paymentId } = await pay(CLEAN);
  const nowMs = receiving.clock.nowMs();
  const claim = (tx: Tx) => claimPayments(tx, { nowMs, leaseMs: 1_000, limit: 100 });
  const mine = (claims: readonly { paymentId: Uuid }[]) =>
    claims.filter((each) => each.paymentId === paymentId).length;
  let tell = () => {};
  const isClaimed = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const first = receiving.database.asSystem(async (tx) => {
    const claims = await claim(tx);
    tell();
    await expect.poll(isSomebodyBlocked).toBe(true);
    return claims;
  });
  await isClaimed;
  const second = receiving.database.asSystem(claim);
  expect([mine(await first), mine(await second)]).toEqual([1, 0]);
  receiving.clock.advance(1_000);
});

async function isSomebodyBlocked(): Promise<boolean> {
  const [row] = await receiving.sql<{ waiting: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock') AS waiting`,
  );
  return row?.waiting === true;
}

test('a worker that died is taken over from after its lease, and what it decided late is not decided twice', async () => {
  await setRisk('on');
  const payment = await pay(CLEAN);
  // The first worker hangs in the node until the second has decided.
  let goOn = () => {};
  const hanging = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const hangs: ReadTransactions = async (wanted) => hanging.then(() => read(wanted));
  const slow = screenPayments(deps({ onError, read: hangs }));
  await expect
    .poll(() =>
      receiving.sql('SELECT 1 FROM risk_claim WHERE payment_id = $1', [payment.paymentId]),
    )
    .toHaveLength(1);
  await screenPayments(deps());
  expect(await decisionsOf(payment.paymentId)).toEqual([]);
  receiving.clock.advance(121_000);
  await screenPayments(deps());
  expect(await decisionsOf(payment.paymentId)).toHaveLength(1);
  goOn();
  await slow;
  expect(errors).toEqual([]);
  expect(await decisionsOf(payment.paymentId)).toHaveLength(1);
});

test('history grows by approved payments only, and what the second decision saw is the first one', async () => {
  await setRisk('on');
  for (const from of [CLEAN, LISTED, CLEAN]) {
    const payment = await pay(from);
    await screenPayments(deps());
    await payment.confirm();
    receiving.clock.advance(1);
  }
  const key = await person('compliance:read');
  const { body } = await call('GET', '/risk/decisions', key);
  const seen = body.data.map(({ facts }: Answered['body']) => [
    facts.history.count,
    facts.velocity.store,
    facts.velocity.source,
  ]);
  expect(seen.toReversed()).toEqual([
    [0, 1, 1],
    [1, 2, 1],
    [1, 3, 2],
  ]);
});

test('nobody may change a decision: neither the roles of the server nor its owner by mistake', async () => {
  await setRisk('on');
  const payment = await pay(CLEAN);
  await screenPayments(deps());
  const change = `UPDATE risk_decision SET score = 0 WHERE payment_id = '${payment.paymentId}'`;
  const { database } = receiving;
  await expect(database.asTenant(merchantId, (tx) => tx.query(change))).rejects.toThrow('denied');
  await expect(database.asSystem((tx) => tx.query(change))).rejects.toThrow('denied');
  await expect(receiving.sql(change)).rejects.toThrow('append-only');
  await expect(receiving.sql('DELETE FROM risk_decision')).rejects.toThrow('append-only');
});

test('a round waits for the database four times for a decision, and once more to open a case', async () => {
  await setRisk('on');
  // A store's first decision also writes down what it begins with.
  await pay(CLEAN);
  await screenPayments(deps());
  for (const [from, ...most] of [
    [CLEAN, 1, 3],
    [LISTED, 1, 4],
  ] as const) {
    await pay(from);
    const { database, transactions } = countWaits(receiving.database);
    expect(await screenPayments(deps({ database }))).toBe(1);
    // The claim, and the decision.
    expect(
      transactions.map(({ waits }) => waits),
      from,
    ).toEqual(most);
  }
});
