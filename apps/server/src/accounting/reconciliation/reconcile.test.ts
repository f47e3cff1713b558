import type { Uuid } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Facts, reconcile } from './reconcile.ts';

const id = '018f0000-0000-7000-8000-000000000001' as Uuid;
const txid = (byte: number) => byte.toString(16).padStart(2, '0').repeat(32);

const facts = (more: Partial<Facts>): Facts => ({
  ...{ ledgerMsats: 0n, coinSats: 0n, spends: [], suspects: null, node: null },
  ...more,
});

test('equal sums are ok, and a satoshi more or less is a break either way', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2_100_000_000_000_000n), fc.bigInt(-3n, 3n), (sats, off) => {
      const result = reconcile(facts({ ledgerMsats: (sats + off) * 1_000n, coinSats: sats }));
      expect(result.state).toBe(off === 0n ? 'ok' : 'break');
      expect(result.differenceSats).toBe(off);
      expect(result.breaks).toEqual(off === 0n ? [] : [{ kind: 'unexplained', sats: off }]);
    }),
  );
});

test('a booked spend that is not on record yet explains exactly what it takes out', () => {
  const spends = [{ spendId: id, booked: { txid: txid(1), outSats: 300n }, onChain: null }];
  const ok = reconcile(facts({ ledgerMsats: 700_000n, coinSats: 1_000n, spends }));
  expect(ok).toMatchObject({ state: 'ok', explainedSats: 300n, differenceSats: 0n });
  expect(ok.explained).toEqual([
    { kind: 'spend_not_on_record', spendId: id, txid: txid(1), sats: 300n },
  ]);
  const off = reconcile(facts({ ledgerMsats: 699_000n, coinSats: 1_000n, spends }));
  expect(off).toMatchObject({ state: 'break', differenceSats: -1n });
});

test('a version on record in another one’s place explains the difference of the two', () => {
  const spends = [
    {
      spendId: id,
      booked: { txid: txid(1), outSats: 300n },
      onChain: { txid: txid(2), outSats: 280n },
    },
  ];
  expect(reconcile(facts({ ledgerMsats: 700_000n, coinSats: 720n, spends }))).toMatchObject({
    state: 'ok',
    explainedSats: 20n,
  });
});

test('transactions that differ are breaks though the sums agree, and those under way are not', () => {
  const spends = [{ spendId: id, booked: { txid: txid(9), outSats: 5n }, onChain: null }];
  const transactions = [
    { txid: txid(1), chainSats: 10n, bookedSats: 0n },
    { txid: txid(2), chainSats: 0n, bookedSats: 10n },
    { txid: txid(9), chainSats: 0n, bookedSats: -5n },
  ];
  const suspects = { transactions, transfers: [] };
  const result = reconcile(facts({ ledgerMsats: 15_000n, coinSats: 20n, spends, suspects }));
  expect(result).toMatchObject({ state: 'break', differenceSats: 0n });
  expect(result.breaks).toEqual(
    transactions.slice(0, 2).map((each) => ({ kind: 'transaction', ...each })),
  );
});

test('what the named transactions and transfers do not explain is said', () => {
  const suspects = {
    transactions: [{ txid: txid(1), chainSats: 0n, bookedSats: 10n }],
    transfers: [{ transferId: id, template: 'by-hand', sats: 4n }],
  };
  const whole = reconcile(facts({ ledgerMsats: 34_000n, coinSats: 20n, suspects }));
  expect(whole.breaks.map(({ kind }) => kind)).toEqual(['transaction', 'transfer']);
  const more = reconcile(facts({ ledgerMsats: 35_000n, coinSats: 20n, suspects }));
  expect(more.breaks.at(-1)).toEqual({ kind: 'unexplained', sats: 1n });
});

test('a part of a satoshi is a break', () => {
  expect(reconcile(facts({ ledgerMsats: 1_001n, coinSats: 1n })).breaks).toEqual([
    { kind: 'fraction', msats: 1n },
  ]);
});

test('a node that can not be read is red, and a break stays a break', () => {
  const node = { readable: false as const, reason: 'no answer' };
  expect(reconcile(facts({ node }))).toMatchObject({ state: 'unreadable', reason: 'no answer' });
  expect(reconcile(facts({ node, coinSats: 1n }))).toMatchObject({
    ...{ state: 'break', node: 'unreadable' },
  });
});

test('a coin that only the node or only the record has is a break', () => {
  const coin = { txid: txid(3), vout: 1, valueSats: 7n };
  const node = { readable: true as const, nodeOnly: [coin], recordOnly: [] };
  expect(reconcile(facts({ node }))).toMatchObject({
    state: 'break',
    node: 'different',
    breaks: [{ kind: 'coin_only_at_node', txid: txid(3), vout: 1, sats: 7n }],
  });
  expect(reconcile(facts({ node: { ...node, nodeOnly: [] } }))).toMatchObject({
    ...{ state: 'ok', node: 'equal' },
  });
});
