import { isUuid } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chainHash, encodeTransfer, GENESIS_HASH } from './encoding.ts';
import type { LedgerErrorCode } from './errors.ts';
import {
  orderSettled,
  orderUnsettled,
  paymentConfirmed,
  paymentDropped,
  paymentReorged,
  paymentSeen,
} from './index.ts';
import { paymentArgs } from './test-ledger.ts';
import { checkShape, type Leg, type Transfer, transferId } from './transfer.ts';

const MERCHANT = '018f0000-0000-7000-8000-000000000001';
const ORDER = '018f0000-0000-7000-8000-000000000002';
const PAYMENT = '018f0000-0000-7000-8000-000000000003';
const args = paymentArgs(MERCHANT, { orderId: ORDER, paymentId: PAYMENT, amountSats: 29n });

test('a transfer id is a UUID of version 8 that depends on every part and on their borders', () => {
  const words = fc.array(fc.string({ unit: 'binary', maxLength: 5 }), { maxLength: 4 });
  fc.assert(
    fc.property(words, words, (a, b) => {
      const id = transferId('t', ...a);
      expect(isUuid(id)).toBe(true);
      expect(id).toMatch(/^.{14}8.{4}[89ab]/);
      expect(transferId('t', ...b) === id).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
  expect(transferId('t', 'ab', 'c')).not.toBe(transferId('t', 'a', 'bc'));
  expect(transferId('t', 'a')).not.toBe(transferId('ta'));
});

test('ids of transfers never change from one version of the program to the next', () => {
  expect(paymentSeen(args).id).toBe('183fba20-abac-83c0-928a-e19675795eef');
  expect(orderSettled({ ...args, dueSats: 29n, excessSats: 0n }).id).toBe(
    '1551e94d-94a0-8105-8070-f92dc308fbb6',
  );
});

test('the encoding and the hash of a transfer are those that the README documents', () => {
  const transfer = { ...paymentSeen(args), sequence: 1n };
  expect(encodeTransfer(transfer)).toBe(
    [
      '18:quittance-ledger-1,36:018f0000-0000-7000-8000-000000000001,',
      '36:183fba20-abac-83c0-928a-e19675795eef,12:payment-seen,7:pending,0:,13:1760000000000,',
      '1:3,5:epoch,1:0,7:orderId,36:018f0000-0000-7000-8000-000000000002,',
      '9:paymentId,36:018f0000-0000-7000-8000-000000000003,',
      '1:2,14:onchain.wallet,3:BTC,5:asset,4:free,5:debit,5:29000,',
      '18:receipts.unapplied,3:BTC,9:liability,5:floor,6:credit,5:29000,',
    ].join(''),
  );
  expect(Buffer.from(chainHash(GENESIS_HASH, transfer)).toString('hex')).toBe(
    '073c6e9e57ea4bd607dc941a74e8fb3c6cee94642a3c8e83da8ab0922263cf66',
  );
});

test('every template balances in msat, and a settlement and its undoing cancel out', () => {
  const sats = fc.bigInt(1n, 2_100_000_000_000_000n);
  const part = fc.bigInt(0n, 1_000_000_000_000_000n);
  fc.assert(
    fc.property(sats, part, sats, (amountSats, excessSats, dueSats) => {
      const payment = { ...args, amountSats };
      const settlement = { ...args, dueSats, excessSats };
      const seen = paymentSeen(payment);
      for (const transfer of [seen, paymentReorged(payment), orderSettled(settlement)]) {
        expect(sums(transfer.legs).reduce((sum, [, value]) => sum + value, 0n)).toBe(0n);
      }
      expect(sums(seen.legs)).toContainEqual(['onchain.wallet', amountSats * 1_000n]);
      expect(paymentConfirmed(payment).legs).toEqual(seen.legs);
      expect(paymentDropped(payment).legs).toEqual(seen.legs);
      const both = [...orderSettled(settlement).legs, ...orderUnsettled(settlement).legs];
      for (const [, sum] of sums(both)) expect(sum).toBe(0n);
    }),
  );
});

test('a settlement leaves out the parts that are zero', () => {
  const codes = (transfer: Transfer) => transfer.legs.map((leg) => leg.account.code);
  expect(codes(orderSettled({ ...args, dueSats: 5n, excessSats: 0n }))).toEqual([
    'receipts.unapplied',
    'merchant.available',
  ]);
  expect(codes(orderSettled({ ...args, dueSats: 0n, excessSats: 5n }))).toEqual([
    'receipts.unapplied',
    'customer.excess',
  ]);
});

test('what JSON or PostgreSQL would bend is refused before it is sent', () => {
  const seen = paymentSeen(args);
  const leg = seen.legs[0] as Leg;
  const cases: [Partial<Transfer>, LedgerErrorCode][] = [
    [{ effectiveAtMs: 1.5 }, 'invalid_transfer'],
    [{ recordedAtMs: Number.NaN }, 'invalid_transfer'],
    [{ effectiveAtMs: -1 }, 'invalid_transfer'],
    [{ reference: { note: 'a\0b' } }, 'invalid_transfer'],
    [{ reference: { note: '\ud800' } }, 'invalid_transfer'],
    [{ reference: { note: 'x'.repeat(1_001) } }, 'invalid_transfer'],
    [{ legs: [{ ...leg, amount: 0n }, leg] }, 'invalid_leg'],
    [{ legs: [{ ...leg, amount: -5n }, leg] }, 'invalid_leg'],
    [{ legs: [{ ...leg, amount: 2n ** 63n }, leg] }, 'invalid_leg'],
    [{ legs: Array.from({ length: 1_001 }, () => leg) }, 'invalid_transfer'],
  ];
  expect(() => checkShape(seen)).not.toThrow();
  for (const [change, code] of cases) {
    expect(() => checkShape({ ...seen, ...change })).toThrow(
      expect.objectContaining({ name: 'LedgerError', code }),
    );
  }
});

function sums(legs: readonly Leg[]): [string, bigint][] {
  const byCode = new Map<string, bigint>();
  for (const { account, direction, amount } of legs) {
    const signed = direction === 'debit' ? amount : -amount;
    byCode.set(account.code, (byCode.get(account.code) ?? 0n) + signed);
  }
  return [...byCode];
}
