import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LogStore, openLogStore } from './log-store.ts';
import { type InvoiceRecord, openRecords, type PaymentRecord } from './records.ts';

const DAY_MS = 86_400_000;
const MAX = 10;
let folder = '';
let store: LogStore;
let nowMs = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quittance-records-'));
  store = openLogStore(folder);
  nowMs = 1_000 * DAY_MS;
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const open = () => openRecords(store, { onEvent() {}, nowMs: () => nowMs, maxRecords: MAX });
const hash = (n: number) => String(n).padStart(64, '0');
const count = (prefix: string) => store.keys(prefix).length;

function invoice(n: number, change: Partial<InvoiceRecord> = {}): InvoiceRecord {
  return {
    ...{ paymentHash: hash(n), bolt11: 'ln', amountMsat: '1', expiresAtMs: nowMs, isHold: false },
    ...{ state: 'settled', receivedMsat: '1', settledAtMs: nowMs, preimage: null },
    ...{ heldUntilHeight: null, heldUntilMs: null, ...change },
  };
}

function payment(n: number, change: Partial<PaymentRecord> = {}): PaymentRecord {
  const failure = { code: 'no_route', detail: '', at: null } as const;
  return {
    ...{ paymentHash: hash(n), kind: 'bolt11', amountMsat: '1', maxFeeMsat: '0' },
    ...{ startedAtMs: nowMs, stopAtMs: nowMs, expiresAtMs: nowMs, lastFailure: null },
    outcome: { state: 'failed', failure, endedAtMs: nowMs },
    ...change,
  } as PaymentRecord;
}

test('records do not grow with history, and the newest stay', () => {
  const records = open();
  for (let n = 0; n < 100; n++) {
    records.putInvoice(invoice(n));
    records.putPayment(payment(n));
    nowMs += DAY_MS;
  }
  // Those of the last day may not go yet.
  for (const prefix of ['invoice/', 'payment/']) {
    expect(count(prefix)).toBeLessThanOrEqual(MAX + 1);
    expect(count(prefix)).toBeGreaterThanOrEqual(MAX);
  }
  expect(records.invoice(hash(99))).not.toBeNull();
  expect(records.payment(hash(99))).not.toBeNull();
  expect(records.payment(hash(0))).toBeNull();
});

test('what is held or under way is kept, however old', () => {
  const records = open();
  records.putInvoice(invoice(1_000, { state: 'held' }));
  records.putInvoice(invoice(1_001, { state: 'claiming' }));
  records.putPayment(payment(1_000, { outcome: null }));
  for (let n = 0; n < 100; n++) {
    records.putInvoice(invoice(n));
    records.putPayment(payment(n));
    nowMs += DAY_MS;
  }
  expect(records.heldInvoices()).toHaveLength(1);
  expect(records.invoice(hash(1_001))).not.toBeNull();
  expect(records.openPayments()).toHaveLength(1);
});

test('a hash whose invoice could still be paid is remembered', () => {
  const records = open();
  for (let n = 0; n < 50; n++) {
    records.putPayment(payment(n, { expiresAtMs: nowMs + 30 * DAY_MS }));
    records.putInvoice(invoice(n, { expiresAtMs: nowMs + 30 * DAY_MS, state: 'cancelled' }));
  }
  expect([count('payment/'), count('invoice/')]).toEqual([50, 50]);
  nowMs += 32 * DAY_MS;
  for (let n = 50; n < 80; n++) {
    records.putPayment(payment(n));
    records.putInvoice(invoice(n));
  }
  expect(count('payment/')).toBeLessThan(50);
  expect(count('invoice/')).toBeLessThan(50);
});

test('after a restart the oldest go first all the same', () => {
  const before = open();
  for (let n = 0; n < MAX; n++) {
    before.putPayment(payment(n));
    nowMs += DAY_MS;
  }
  nowMs += 2 * DAY_MS;
  const after = open();
  after.putPayment(payment(500));
  expect(after.payment(hash(0))).toBeNull();
  expect(after.payment(hash(1))).not.toBeNull();
});
