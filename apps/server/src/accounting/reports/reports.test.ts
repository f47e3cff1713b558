import type { OrderReport, OrderReportLine } from '@quittance/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimRefund, refundPayoutChanged } from '../../paying/refunds/index.ts';
import { CUSTOMER, openRefunds, type TestRefunds } from '../../paying/refunds/test-support.ts';
import { payoutReserved, payoutSent, postTransfers } from '../ledger/index.ts';
import { csvRow } from './csv.ts';
import { readOrderReport, writeOrderReport } from './index.ts';

let refunds: TestRefunds;
beforeAll(async () => {
  refunds = await openRefunds();
});
afterAll(() => refunds.receiving.close());

const HOUR_MS = 3_600_000;
const tick = () => refunds.receiving.clock.set(refunds.receiving.clock.nowMs() + HOUR_MS);

async function paid(merchantId: string, sats: bigint, externalId: string) {
  const order = await refunds.receiving.order(merchantId, { externalId });
  const payment = refunds.payment(sats);
  await refunds.apply(order, ...payment.confirmed());
  return { order, payment };
}

/** Claims a refund and has its payout sent, in the book too. */
async function payBack(
  order: Parameters<TestRefunds['refund']>[0],
  wish: Parameters<TestRefunds['refund']>[1],
) {
  const { database, clock, ids } = refunds.receiving;
  const { refund, link } = await refunds.refund(order, wish);
  const hash = link?.hash ?? new Uint8Array();
  await claimRefund(database, refunds.deps, { hash, address: CUSTOMER, proof: '' });
  const { merchantId, payoutId, payoutSats } = await refunds.read(refund);
  const atMs = clock.nowMs();
  const args = {
    merchantId,
    payoutId: payoutId ?? '',
    epoch: 1,
    amountMsat: payoutSats * 1_000n,
    atMs,
  };
  await database.asSystem(async (tx) => {
    const news = { state: 'broadcast', txid: 'ab'.repeat(32), reason: null } as const;
    const change = { merchantId, refundId: refund.id, payoutId: payoutId ?? '', ...news };
    await refundPayoutChanged(
      tx,
      { ids, nowMs: atMs },
      { ...change, feeShareSats: 300n, origin: 'manual' },
    );
    await postTransfers(tx, [payoutReserved(args), payoutSent(args)]);
  });
}

function report(merchantId: string, fromMs: number, toMs: number): Promise<OrderReport> {
  return refunds.receiving.database.asTenant(merchantId, (tx) =>
    readOrderReport(tx, { merchantId, fromMs, toMs }, { after: null, limit: 100 }),
  );
}

const SUMMED = [
  'receivedSats',
  'heldSats',
  'settledSats',
  'refundedSats',
  'paidBackSats',
  'feeSats',
  'netSats',
] as const;

function sum(lines: readonly OrderReportLine[], name: (typeof SUMMED)[number]): bigint {
  return lines.reduce((total, line) => total + BigInt(line[name]), 0n);
}

test('refunded-still-settled: what was refunded is not settled, sums count once and are the ledger’s', async () => {
  const merchantId = await refunds.store();
  const startMs = refunds.receiving.clock.nowMs();
  const all = await paid(merchantId, 100_000n, 'all');
  const part = await paid(merchantId, 100_000n, 'part');
  const over = await paid(merchantId, 150_000n, 'over');
  const kept = await paid(merchantId, 100_000n, 'kept');
  const short = await paid(merchantId, 30_000n, 'short');
  tick();
  const middleMs = refunds.receiving.clock.nowMs();
  await refunds.expire(short.order);
  await payBack(all.order, { mode: 'full' });
  await payBack(part.order, { mode: 'partial', amount: '0.0004', deductionSats: '5000' });
  await payBack(over.order, { mode: 'overpaid', feeFrom: 'customer' });
  await payBack(short.order, { mode: 'full' });
  // One that left the chain and came back counts once.
  await refunds.apply(kept.order, kept.payment.returned);
  await refunds.apply(kept.order, ...kept.payment.confirmed('b'));
  tick();
  const endMs = refunds.receiving.clock.nowMs();

  const whole = await report(merchantId, startMs, endMs);
  const byName = Object.fromEntries(whole.data.map((line) => [line.externalId, line]));
  const none = { heldSats: '0', feeSats: '300' };
  expect(byName['all']).toMatchObject({
    ...{ ...none, receivedSats: '100000', settledSats: '0', refundedSats: '100000' },
    ...{ paidBackSats: '100000', netSats: '-300', settledAmount: '0.00000000' },
  });
  expect(byName['part']).toMatchObject({
    ...{ ...none, settledSats: '60000', refundedSats: '40000', paidBackSats: '35000' },
    ...{ netSats: '64700' },
  });
  expect(byName['over']).toMatchObject({
    ...{ heldSats: '0', feeSats: '0', settledSats: '100000', refundedSats: '50000' },
    ...{ netSats: '100000' },
  });
  expect(byName['short']).toMatchObject({
    ...{ ...none, settledSats: '0', refundedSats: '30000', receivedSats: '30000' },
  });
  expect(byName['kept']).toMatchObject({ settledSats: '100000', refundedSats: '0', feeSats: '0' });
  expect((await refunds.order(all.order)).status).toBe('REFUNDED');

  for (const name of SUMMED) {
    expect(BigInt(whole.totals[name]), name).toBe(sum(whole.data, name));
  }
  const balances = await refunds.balances(merchantId);
  const of = (code: string) => balances[code] ?? 0n;
  const total = (name: (typeof SUMMED)[number]) => BigInt(whole.totals[name]);
  expect(total('receivedSats')).toBe(of('onchain.wallet'));
  expect(total('heldSats')).toBe(of('receipts.unapplied'));
  expect(total('settledSats') + total('refundedSats') - total('paidBackSats')).toBe(
    of('merchant.available') + of('customer.excess'),
  );
  expect(total('paidBackSats')).toBe(of('payouts.in_transit'));

  const first = await report(merchantId, startMs, middleMs);
  const second = await report(merchantId, middleMs, endMs);
  for (const name of SUMMED) {
    expect(BigInt(first.totals[name]) + BigInt(second.totals[name]), name).toBe(total(name));
  }
  // What was refunded this month of last month's orders is this month's.
  expect(first.totals).toMatchObject({ settledSats: '450000', refundedSats: '0' });
  expect(second.totals).toMatchObject({ settledSats: '-190000', refundedSats: '220000' });
});

test('the file has a line for each order, whatever a spreadsheet would make of its texts', async () => {
  const merchantId = await refunds.store();
  const fromMs = refunds.receiving.clock.nowMs();
  await paid(merchantId, 100_000n, '=HYPERLINK("http://x","y")');
  await paid(merchantId, 100_000n, 'a "quoted", line\nbroken');
  tick();
  const asked = { merchantId, fromMs, toMs: refunds.receiving.clock.nowMs() };
  let text = '';
  for await (const part of writeOrderReport(refunds.receiving.database, asked)) text += part;
  expect(text).toMatch(/^"orderId","externalId"/);
  expect(text).toContain('"\'=HYPERLINK(""http://x"",""y"")"');
  expect(text).toContain('"a ""quoted"", line\nbroken"');
  expect(text.split('\r\n')).toHaveLength(4);
  const other = await refunds.store();
  let nothing = '';
  const others = { ...asked, merchantId: other };
  for await (const part of writeOrderReport(refunds.receiving.database, others)) nothing += part;
  expect(nothing.split('\r\n')).toHaveLength(2);
});

test('no field of a file can be run as a formula or break out of its cell', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (fields) => {
      const cells = readRow(csvRow(fields));
      expect(cells).toHaveLength(fields.length);
      cells.forEach((cell, i) => {
        expect(cell.replace(/^'/, '')).toBe((fields[i] ?? '').replace(/^'/, ''));
        if (!/^-?[0-9.]+$/.test(cell)) expect(cell.trimStart()).not.toMatch(/^[=+\-@|%]/);
      });
    }),
  );
  expect(csvRow(['-12.50', '-1+1', ' =1', '+49'])).toBe('"-12.50","\'-1+1","\' =1","\'+49"\r\n');
});

test('a time that is longer than a year, or runs backwards, is refused', async () => {
  const merchantId = await refunds.store();
  for (const toMs of [0, 400 * 24 * HOUR_MS]) {
    await expect(report(merchantId, 0, toMs)).rejects.toMatchObject({ code: 'invalid_request' });
  }
});

/** Reads one row of quoted fields (RFC 4180). */
function readRow(row: string): string[] {
  const cells: string[] = [];
  for (let at = 0; row[at] === '"'; at++) {
    let cell = '';
    for (at++; row[at] !== '"' || row[at + 1] === '"'; at++) {
      if (row[at] === '"') at++;
      cell += row[at] ?? '';
    }
    cells.push(cell);
    at++;
  }
  return cells;
}
