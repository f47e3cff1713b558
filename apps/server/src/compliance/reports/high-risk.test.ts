import { type ComplianceFigureName, complianceFigures } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../../../../tests/support/api.ts';
import { customerBody } from '../../../../../tests/support/customers.ts';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { applyPaymentEvents, type PaymentEvent } from '../../receiving/payments/index.ts';
import { screenPayments } from '../risk/screen-payments.ts';
import type { TracedTransaction } from '../risk/trace/traced-transaction.ts';
import { screenerOver } from '../screening/index.ts';

/*
 * A store whose payments are scored, held, frozen, given back and released, whose customers are blocked and
 * whose cases are decided, one thing an hour. Its report is then reckoned once more: from bare rows, in
 * this file's own words, for many periods.
 */

const LISTED = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const CLEAN = 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry';
const HOUR = 3_600_000;

let receiving: Receiving;
let api: TestApi;
let merchantId: Uuid;
let key: string;
let startMs: number;
let nth = 0;
const chain = new Map<string, TracedTransaction>();

beforeAll(async () => {
  receiving = await openReceiving();
  api = await startTestApi({ ownerUrl: receiving.ownerUrl, clock: receiving.clock });
  merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(77));
  key = await api.keyFor(merchantId);
  await receiving.sql(
    `INSERT INTO compliance_settings (merchant_id, risk, monitoring, customer_screening,
            sar_days_suspect_known, sar_days_suspect_unknown, reminder_days, updated_at, updated_by)
     VALUES ($1, 'on', false, false, 30, 30, 7, now(), 'test')`,
    [merchantId],
  );
  startMs = receiving.clock.nowMs();
  const customer = await send('POST', '/v1/compliance/customers', customerBody);
  const [held, frozen, returned, released] = [
    await pay(LISTED, 100_000n),
    await pay(LISTED, 70_001n),
    await pay(LISTED, 30_007n, { customerId: customer.id }),
    await pay(LISTED, 11_003n),
  ];
  await pay(CLEAN, 50_000n, { customerId: customer.id });
  // One that never confirms: scored, and in no sum of money but that of its score.
  await pay(LISTED, 9_000n, { confirmed: false });
  expect(held).toBeDefined();
  await decide(frozen, 'freeze');
  await decide(returned, 'refund');
  await decide(released, 'release');
  receiving.clock.advance(HOUR);
  await send('POST', `/v1/compliance/customers/${customer.id}/block`, { reason: 'a court' });
  receiving.clock.advance(HOUR);
  const low = { subject: { type: 'party', id: 'p' }, severity: 'low', summary: 's' };
  await send('POST', '/v1/compliance/alerts', low);
  receiving.clock.advance(HOUR);
});
afterAll(async () => {
  await api.close();
  await receiving.close();
});

async function send(method: string, path: string, body?: unknown, as = key) {
  const answer = await api.send(method, path, { key: as, ...(body === undefined ? {} : { body }) });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

/** A payment of a new order, an hour after the last thing, scored and, mostly, confirmed. */
async function pay(
  from: string,
  amountSats: bigint,
  { confirmed = true, customerId }: { confirmed?: boolean; customerId?: string } = {},
): Promise<Uuid> {
  receiving.clock.advance(HOUR);
  const order = await send('POST', '/v1/orders', {
    ...{ amount: '0.001', currency: 'BTC' },
    ...(customerId === undefined ? {} : { customerId }),
  });
  // Every other one as if it had been priced in euros, at a price that does not come out even.
  if (nth % 2 === 0) {
    await receiving.sql(
      `UPDATE orders SET price_currency = 'EUR', price_minor = 777 WHERE id = $1`,
      [order.id],
    );
  }
  const digits = (++nth).toString(16).padStart(4, '0');
  const txid = digits.repeat(16);
  const paymentId: Uuid = `00000000-0000-8000-8000-00000000${digits}`;
  const input = { txid: 'ff'.repeat(32), vout: 0, address: from, valueSats: 2n * amountSats };
  chain.set(txid, {
    ...{ txid, height: null, timeMs: null, isCoinbase: false },
    inputs: [{ ...input, height: 10 }],
    outputs: [{ valueSats: amountSats, script: new Uint8Array(22) }],
  });
  const firstSeenAtMs = receiving.clock.nowMs();
  const about = { paymentId, txid, vout: 0, amountSats, replaces: [], firstSeenAtMs };
  const apply = (...events: PaymentEvent[]) =>
    receiving.database.asSystem((tx) =>
      applyPaymentEvents(
        tx,
        { ids: receiving.ids, nowMs: receiving.clock.nowMs(), tipHeight: 60 },
        [{ orderId: order.id, events }],
      ),
    );
  await apply({ type: 'seen', ...about });
  const { database, clock, ids } = receiving;
  const screener = await screenerOver([
    { list: 'ofac', purpose: 'sanctions', entries: [listedAddress()] },
  ]);
  const read = (wanted: readonly { txid: string }[]) =>
    Promise.resolve(
      wanted.map((one) => {
        const transaction = chain.get(one.txid);
        return transaction === undefined
          ? ({ ok: false, reason: 'not_found' } as const)
          : ({ ok: true, transaction } as const);
      }),
    );
  const deps = { database, clock, ids, screener, read, chance: () => 0.5, onError: () => {} };
  expect(await screenPayments(deps)).toBe(1);
  const block = { height: 50, blockHash: '0b'.repeat(32), coinbase: false };
  if (confirmed) {
    await apply({ type: 'included', ...about, ...block }, { type: 'confirmed', txid, vout: 0 });
  }
  return paymentId;
}

function listedAddress() {
  return {
    ...{ list: 'ofac', id: '4711', schema: 'Person' as const, names: [], birthDates: [] },
    ...{ countries: [], gender: null, label: 'Somebody', topics: ['mixer'] },
    addresses: [{ asset: 'XBT', address: LISTED, foreign: false }],
  };
}

/** Two persons decide the case about a payment. */
async function decide(paymentId: Uuid, outcome: string): Promise<void> {
  receiving.clock.advance(HOUR);
  const { data } = await send('GET', `/v1/compliance/risk/decisions?payment_id=${paymentId}`);
  const path = `/v1/compliance/cases/${data[0].caseId}`;
  const proposed = await send('POST', `${path}/proposal`, { outcome, reason: 'Looked at it.' });
  const { id: proposalId } = proposed.proposal;
  const second = await api.keyFor(merchantId);
  await send('POST', `${path}/approve`, { proposalId, outcome }, second);
}

type Counted = { count: number; sats: bigint; minor: bigint };

/** The report reckoned once more, from all rows of the store and in plain loops. */
async function reckoned(fromMs: number, toMs: number) {
  const all = async (table: string) =>
    await receiving.sql<Record<string, unknown>>(`SELECT * FROM ${table} WHERE merchant_id = $1`, [
      merchantId,
    ]);
  const time = (value: unknown) => (value instanceof Date ? value.getTime() : Number.NaN);
  const isIn = (value: unknown) => time(value) >= fromMs && time(value) < toMs;
  const found = new Map<string, Counted>();
  const add = (figure: ComplianceFigureName, sats: unknown = 0, currency = '', minor = 0n) => {
    const name = `${figure} ${currency}`;
    const before = found.get(name) ?? { count: 0, sats: 0n, minor: 0n };
    const more = { sats: BigInt(String(sats)), minor };
    found.set(name, {
      count: before.count + 1,
      sats: before.sats + more.sats,
      minor: before.minor + more.minor,
    });
  };
  const orders = new Map((await all('orders')).map((order) => [order['id'], order]));
  const payments = await all('payment');
  const paying = new Map<unknown, bigint>();
  for (const payment of payments) {
    const sats = BigInt(String(payment['amount_sats']));
    const isCertain = ['confirmed', 'final'].includes(String(payment['state']));
    if (!isCertain || !isIn(payment['first_seen_at'])) continue;
    const order = orders.get(payment['order_id']) ?? {};
    const currency = String(order['price_currency']);
    add('payments', sats);
    if (currency === 'BTC') add('payments_without_fiat', sats);
    else {
      const minor = sats * BigInt(String(order['price_minor']));
      const due = BigInt(String(order['due_sats']));
      add('payments_fiat', sats, currency, (2n * minor + due) / (2n * due));
    }
    const customer = order['customer_id'];
    if (customer === null) add('payments_without_customer', sats);
    else paying.set(customer, (paying.get(customer) ?? 0n) + sats);
    if (['held', 'frozen', 'returnable'].includes(String(payment['hold']))) {
      add('payments_blocked', sats);
    }
  }
  for (const sats of paying.values()) add('customers_paying', sats);
  for (const decision of await all('risk_decision')) {
    if (decision['trial'] !== false || decision['level'] !== 'HIGH') continue;
    const payment = payments.find(({ id }) => id === decision['payment_id']);
    if (isIn(decision['decided_at'])) add('payments_high_risk', payment?.['amount_sats']);
  }
  for (const one of await all('customer')) {
    if (isIn(one['created_at'])) add('customers_new');
    if (time(one['created_at']) < toMs) {
      add(`kyc_${String(one['state'])}` as ComplianceFigureName);
    }
    if (isIn(one['blocked_at'])) add('blocked_customers');
  }
  for (const alert of await all('compliance_alert')) {
    if (!isIn(alert['raised_at'])) continue;
    add('alerts');
    if (alert['severity'] === 'high') add('alerts_high_risk');
  }
  for (const one of await all('compliance_case')) {
    if (isIn(one['opened_at'])) add('cases_opened');
    if (isIn(one['closed_at'])) add('cases_closed');
    const isBlocking = ['freeze', 'refund'].includes(String(one['outcome']));
    if (isIn(one['closed_at']) && isBlocking) add('blocked_cases');
    const isLate =
      one['reported_at'] === null
        ? one['state'] !== 'closed' || one['outcome'] === 'report'
        : time(one['reported_at']) > time(one['report_due_at']);
    if (isIn(one['report_due_at']) && isLate) add('cases_overdue');
  }
  return found;
}

async function reported(fromMs: number, toMs: number) {
  const period = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
  const query = new URLSearchParams(period).toString();
  return (await send('GET', `/v1/compliance/reports?${query}`)).figures as {
    figure: ComplianceFigureName;
    currency: string | null;
    count: number;
    sats: string | null;
    amount: string | null;
  }[];
}

test('what was scored high, held, frozen, given back and blocked is in the figures, each as often as it was', async () => {
  const figures = await reported(startMs, receiving.clock.nowMs());
  const of = (name: string) => figures.find(({ figure }) => figure === name);
  // 100,000 held + 70,001 frozen + 30,007 to be given back; what was released counts no more.
  expect(of('payments_blocked')).toMatchObject({ count: 3, sats: '200008' });
  // All five from the listed address, the one that has not confirmed too.
  expect(of('payments_high_risk')).toMatchObject({ count: 5, sats: '220011' });
  expect(of('blocked_cases')).toMatchObject({ count: 2 });
  expect(of('blocked_customers')).toMatchObject({ count: 1 });
  expect(of('cases_closed')).toMatchObject({ count: 3 });
  expect(of('alerts_high_risk')?.count).toBe((of('alerts')?.count ?? 0) - 1);
  expect(of('alerts_high_risk')?.count).toBeGreaterThanOrEqual(5);
});

test('reckoned once more from bare rows, every figure of every period is the same', async () => {
  const endMs = receiving.clock.nowMs();
  const hours = Math.round((endMs - startMs) / HOUR);
  let nonZero = 0;
  // Each begins and ends at half an hour: between two things that happened.
  for (let from = -1; from < hours; from += 2) {
    for (let to = from + 1; to <= hours + 31 * 24; to = to < hours ? to + 3 : to + 30 * 24) {
      const [fromMs, toMs] = [startMs + (from + 0.5) * HOUR, startMs + (to + 0.5) * HOUR];
      const expected = await reckoned(fromMs, toMs);
      for (const { figure, currency, count, sats, amount } of await reported(fromMs, toMs)) {
        const what = `${figure} ${currency ?? ''} from hour ${from} to ${to}`;
        const mine = expected.get(`${figure} ${currency ?? ''}`) ?? {
          count: 0,
          sats: 0n,
          minor: 0n,
        };
        expected.delete(`${figure} ${currency ?? ''}`);
        expect(count, what).toBe(mine.count);
        expect(BigInt(sats ?? '0'), what).toBe(mine.sats);
        expect(BigInt((amount ?? '0').replace('.', '')), what).toBe(mine.minor);
        if (count > 0) nonZero++;
      }
      expect([...expected.keys()], `from hour ${from} to ${to}`).toEqual([]);
    }
  }
  expect(nonZero).toBeGreaterThan(100);
  expect(complianceFigures.length).toBeGreaterThan(20);
});
