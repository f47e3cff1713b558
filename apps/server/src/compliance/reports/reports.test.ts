import { randomBytes, randomFillSync } from 'node:crypto';
import {
  complianceFigures,
  type ComplianceFigure,
  type ComplianceReport,
} from '@quittance/contract';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyPaymentEvents, type PaymentEvent } from '../../receiving/payments/index.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../../../../../tests/support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';

const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
let testDatabase: TestDatabase;
let api: TestApi;
let shop: TestMerchant;
let query: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl });
  shop = await api.createMerchant('Läden & Söhne');
  const stranger = await api.createMerchant('Stranger');
  await pay(shop, { amount: '0.001', currency: 'BTC' }, 100_000n);
  await pay(shop, { amount: '60.00', currency: 'EUR' }, 100_000n);
  const names = [{ text: 'Janice Mann', kind: 'primary' }];
  const { id: customerId } = await send('POST', '/v1/compliance/customers', {
    kind: 'person',
    names,
  });
  await pay(shop, { amount: '65.00', currency: 'USD', customerId }, 100_000n);
  await pay(shop, { amount: '6.00', currency: 'EUR', customerId }, 10_001n);
  await pay(stranger, { amount: '0.5', currency: 'BTC' }, 50_000_000n);
  for (const severity of ['high', 'low']) {
    const body = { subject: { type: 'party', id: severity }, severity, summary: 'seen' };
    await send('POST', '/v1/compliance/alerts', body);
  }
  const now = Date.now();
  const period = { from: at(now - 3_600_000), to: at(now + 3_600_000) };
  query = new URLSearchParams(period).toString();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

function at(ms: number): string {
  return new Date(ms).toISOString();
}

async function pay(merchant: TestMerchant, order: object, amountSats: bigint): Promise<void> {
  const made = await api.send('POST', '/v1/orders', { key: merchant.key, body: order });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const output = { txid: randomBytes(32).toString('hex'), vout: 0 };
  const nowMs = Date.now();
  const events: PaymentEvent[] = [
    {
      ...{ type: 'included', ...output, paymentId: ids.next(), amountSats },
      ...{ firstSeenAtMs: nowMs, replaces: [], height: 1, coinbase: false },
      blockHash: randomBytes(32).toString('hex'),
    },
    { type: 'confirmed', ...output },
  ];
  const telling = { ids, nowMs, tipHeight: 1 };
  const told = [{ orderId: made.body.id, events }];
  await api.database.asSystem((tx) => applyPaymentEvents(tx, telling, told));
}

async function send(method: string, path: string, body?: object) {
  const answer = await api.send(method, path, { key: shop.key, ...(body && { body }) });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

async function report(): Promise<ComplianceReport> {
  return await send('GET', `/v1/compliance/reports?${query}`);
}

/** All rows behind a figure, page by page of one. */
async function rowsOf({ rows }: ComplianceFigure, limit: number) {
  const found = [];
  for (let after = ''; ; ) {
    const more = `${after === '' ? '' : `&starting_after=${after}`}&limit=${limit}`;
    const page = await send('GET', `${rows}${more}`);
    found.push(...page.data);
    if (!page.has_more) return found;
    after = page.data.at(-1).id;
  }
}

function figure(found: ComplianceReport, name: string, currency: string | null = null) {
  return found.figures.find((one) => one.figure === name && one.currency === currency);
}

test('totals, averages and counts are those of what was paid, in bitcoin and in each currency', async () => {
  const found = await report();
  expect(figure(found, 'payments')).toMatchObject({
    ...{ count: 4, sats: '310001', averageSats: '77500' },
  });
  expect(figure(found, 'payments_fiat', 'EUR')).toMatchObject({
    ...{ count: 2, sats: '110001', amount: '66.00', averageAmount: '33.00' },
  });
  expect(figure(found, 'payments_fiat', 'USD')).toMatchObject({ count: 1, amount: '65.00' });
  expect(figure(found, 'payments_without_fiat')).toMatchObject({ count: 1, sats: '100000' });
  expect(figure(found, 'payments_without_customer')).toMatchObject({ count: 2 });
  expect(figure(found, 'customers_paying')).toMatchObject({ count: 1, sats: '110001' });
  expect(figure(found, 'customers_new')).toMatchObject({ count: 1 });
  expect(figure(found, 'kyc_pending')).toMatchObject({ count: 1 });
  expect(figure(found, 'kyc_verified')).toMatchObject({ count: 0 });
  expect(figure(found, 'alerts')).toMatchObject({ count: 2, sats: null });
  expect(figure(found, 'alerts_high_risk')).toMatchObject({ count: 1 });
  expect(figure(found, 'cases_opened')).toMatchObject({ count: 2 });
  expect(figure(found, 'sars_filed')).toMatchObject({ count: 0 });
  const names = new Set(found.figures.map(({ figure: name }) => name));
  expect([...names].sort()).toEqual([...complianceFigures].sort());
});

test('every figure is the sum of the rows that it links to, of this store only', async () => {
  for (const one of (await report()).figures) {
    const rows = await rowsOf(one, 1);
    const sum = (values: (string | null)[]) =>
      values.reduce((total, value) => total + BigInt((value ?? '0').replace('.', '')), 0n);
    expect(rows, one.figure).toHaveLength(one.count);
    expect(new Set(rows.map(({ id }) => id)).size, one.figure).toBe(one.count);
    expect(sum(rows.map(({ sats }) => sats)), one.figure).toBe(BigInt(one.sats ?? '0'));
    const total = BigInt((one.amount ?? '0').replace('.', ''));
    expect(sum(rows.map(({ amount }) => amount)), one.figure).toBe(total);
  }
});

test('the files hold the same figures', async () => {
  const headers = { authorization: `Bearer ${shop.key}` };
  const csv = await (
    await fetch(`${api.baseUrl}/v1/compliance/reports.csv?${query}`, { headers })
  ).text();
  const lines = csv.trim().split('\r\n');
  expect(lines).toHaveLength((await report()).figures.length + 1);
  expect(csv).toContain('"payments","","4","0.00310001","0.00077500","",""');
  const file = await fetch(`${api.baseUrl}/v1/compliance/reports.pdf?${query}`, { headers });
  const pdf = Buffer.from(await file.arrayBuffer());
  expect(file.headers.get('content-type')).toBe('application/pdf');
  expect(pdf.subarray(0, 5).toString('latin1')).toBe('%PDF-');
  expect(pdf.subarray(-6).toString('latin1')).toContain('%%EOF');
});

test('a period that is upside down or too long is refused', async () => {
  const tries = [
    'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
    'from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z',
  ];
  for (const wrong of tries) {
    for (const path of ['reports', 'reports.csv', 'reports.pdf']) {
      const refused = await api.send('GET', `/v1/compliance/${path}?${wrong}`, { key: shop.key });
      expect(refused.body).toMatchObject({ code: 'invalid_request', fields: [{ pointer: '/to' }] });
    }
  }
});
