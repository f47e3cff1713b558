import type { Uuid } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OpenPayout } from './adopt-store.ts';
import { matchPayment } from './match-payment.ts';

const script = (n: number) => new Uint8Array([0, 20, n]);
const payout = (n: number, more: Partial<OpenPayout> = {}): OpenPayout => ({
  id: `payout-${n}` as Uuid,
  merchantId: 'merchant' as Uuid,
  walletId: 'wallet' as Uuid,
  spendId: null,
  state: 'approved',
  script: script(n),
  amountSats: 1_000n,
  maxFeeShareSats: 0n,
  createdAtMs: 0,
  ...more,
});
const spend = 'spend' as Uuid;
const none = { conflicting: new Set<Uuid>(), unsigned: new Set<Uuid>(), sizes: new Map() };

test('an output pays a payout of the same script and amount, and no other', () => {
  const open = [payout(1), payout(2)];
  expect(matchPayment([{ script: script(1), valueSats: 1_000n }], open, none)).toEqual({
    type: 'payouts',
    payouts: [open[0]],
  });
  for (const valueSats of [999n, 1_001n]) {
    expect(matchPayment([{ script: script(1), valueSats }], open, none).type).toBe('nothing');
  }
});

test('a recipient who bears the fee may get less, by no more than the limit', () => {
  const open = [payout(1, { maxFeeShareSats: 50n })];
  const type = (valueSats: bigint) =>
    matchPayment([{ script: script(1), valueSats }], open, none).type;
  expect([type(1_000n), type(950n), type(949n), type(1_001n)]).toEqual([
    ...['payouts', 'payouts', 'nothing', 'nothing'],
  ]);
});

test('one output pays one payout, however many are alike', () => {
  fc.assert(
    fc.property(fc.nat(8), fc.nat(8), (outputs, payouts) => {
      const open = Array.from({ length: payouts }, (_, i) => payout(i, { script: script(9) }));
      const paid = Array.from({ length: outputs }, () => ({
        script: script(9),
        valueSats: 1_000n,
      }));
      const match = matchPayment(paid, open, none);
      const found = match.type === 'nothing' ? 0 : new Set(match.payouts).size;
      expect(found).toBe(Math.min(outputs, payouts));
    }),
  );
});

test('a payout whose transaction may exist is paid by another one only when that takes its coins', () => {
  const open = [payout(1, { spendId: spend, state: 'in_progress' })];
  const outputs = [{ script: script(1), valueSats: 1_000n }];
  const sizes = new Map([[spend, 1]]);
  expect(matchPayment(outputs, open, { ...none, sizes }).type).toBe('nothing');
  for (const name of ['conflicting', 'unsigned'] as const) {
    const known = { ...none, sizes, [name]: new Set([spend]) };
    expect(matchPayment(outputs, open, known)).toMatchObject({ type: 'spend', spendId: spend });
  }
});

test('what pays only a part of a spend, or it and others, is left to a person', () => {
  const open = [payout(1, { spendId: spend, state: 'in_progress' }), payout(2)];
  const both = [1, 2].map((n) => ({ script: script(n), valueSats: 1_000n }));
  const known = { ...none, conflicting: new Set([spend]) };
  const sizes = (size: number) => new Map([[spend, size]]);
  expect(matchPayment(both, open, { ...known, sizes: sizes(1) }).type).toBe('doubtful');
  expect(matchPayment(both.slice(0, 1), open, { ...known, sizes: sizes(2) }).type).toBe('doubtful');
});
