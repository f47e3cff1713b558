import { looksLikeCoinjoin } from '@quittance/bitcoin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SHIPPED_RISK_CONFIG } from '../config.ts';
import { trace } from './trace.ts';
import type { ReadTransactions, TracedTransaction } from './traced-transaction.ts';

type Spend = { from: string; vout?: number; address: string | null; sats: bigint };

function transaction(
  txid: string,
  spends: readonly Spend[],
  outputs: readonly bigint[] = [1_000n],
  height: number | null = 100,
): TracedTransaction {
  return {
    txid,
    height,
    timeMs: height === null ? null : height * 600_000,
    isCoinbase: spends.length === 0,
    inputs: spends.map(({ from, vout = 0, address, sats }) => ({
      ...{ txid: from, vout, address, valueSats: sats, height: 100 },
    })),
    outputs: outputs.map((valueSats, i) => ({ valueSats, script: new Uint8Array([i, 1]) })),
  };
}

/** A chain in memory that counts what it is asked. */
function chain(...transactions: TracedTransaction[]) {
  const known = new Map(transactions.map((each) => [each.txid, each]));
  const asked: string[] = [];
  const read: ReadTransactions = (wanted) => {
    asked.push(...wanted.map(({ txid }) => txid));
    return Promise.resolve(
      wanted.map(({ txid }) => {
        const found = known.get(txid);
        return found === undefined
          ? ({ ok: false, reason: 'pruned' } as const)
          : ({ ok: true, transaction: found } as const);
      }),
    );
  };
  return { read, asked };
}

const limits = { hops: 3, maxTransactions: 100, peels: 3 };
const nowhere = () => false;

describe('a trace', () => {
  const a = transaction('a', [{ from: 'coinbase', address: 'far', sats: 4_000n }]);
  const b = transaction('b', [{ from: 'a', address: 'old', sats: 2_000n }]);
  const c = transaction('c', [{ from: 'a', vout: 1, address: 'old', sats: 2_000n }]);
  const payment = transaction('p', [
    { from: 'b', address: 'left', sats: 3_000n },
    { from: 'c', address: 'right', sats: 1_000n },
  ]);

  test('gives the owners of each hop with their share, and reads a transaction once', async () => {
    const { read, asked } = chain(a, b, c);
    const { met, source } = await trace(payment, read, { limits, stopAt: nowhere });
    expect(met).toEqual([
      { hop: 1, address: 'left', sharePpm: 750_000 },
      { hop: 1, address: 'right', sharePpm: 250_000 },
      { hop: 2, address: 'old', sharePpm: 1_000_000 },
      { hop: 3, address: 'far', sharePpm: 1_000_000 },
    ]);
    expect(asked).toEqual(['b', 'c', 'a']);
    expect(source).toMatchObject({ transactions: 3, addresses: 4, unknownPpm: 0, untraced: [] });
    expect(source.direct).toEqual([
      { address: 'left', sharePpm: 750_000, seenAtMs: 60_000_000 },
      { address: 'right', sharePpm: 250_000, seenAtMs: 60_000_000 },
    ]);
  });

  test('goes no farther than it is told, and says where it ended for another reason', async () => {
    const one = chain(a, b, c);
    const near = await trace(payment, one.read, {
      limits: { ...limits, hops: 1 },
      stopAt: nowhere,
    });
    expect(near.met.map(({ address }) => address)).toEqual(['left', 'right']);
    expect(one.asked).toEqual([]);

    const pruned = await trace(payment, chain(b).read, { limits, stopAt: nowhere });
    expect(pruned.source.untraced).toEqual([
      { hop: 1, reason: 'pruned', coins: 1 },
      { hop: 2, reason: 'pruned', coins: 1 },
    ]);

    const few = chain(a, b, c);
    const limited = await trace(payment, few.read, {
      ...{ limits: { ...limits, maxTransactions: 1 }, stopAt: nowhere },
    });
    // The larger share first.
    expect(few.asked).toEqual(['b']);
    expect(limited.source.untraced).toEqual([
      { hop: 1, reason: 'limit', coins: 1 },
      { hop: 2, reason: 'limit', coins: 1 },
    ]);

    const exchange = chain(a, b, c);
    const stopped = await trace(payment, exchange.read, {
      ...{ limits, stopAt: (address: string) => address === 'left' },
    });
    expect(exchange.asked).toEqual(['c', 'a']);
    expect(stopped.source.untraced).toEqual([{ hop: 1, reason: 'exchange', coins: 1 }]);
  });

  test('never guesses whose an input is: the share of unknown ones is said', async () => {
    const hidden = transaction('p', [
      { from: 'x', address: null, sats: 3_000n },
      { from: 'b', address: 'left', sats: 1_000n },
    ]);
    const { source, met } = await trace(hidden, chain(b).read, { limits, stopAt: nowhere });
    expect(source.unknownPpm).toBe(750_000);
    expect(met.filter(({ hop }) => hop === 1)).toEqual([
      { hop: 1, address: 'left', sharePpm: 250_000 },
    ]);
  });

  test('a node that is away ends it with an error, never with less than there is', async () => {
    const away: ReadTransactions = () => Promise.reject(new Error('connection refused'));
    await expect(trace(payment, away, { limits, stopAt: nowhere })).rejects.toThrow('refused');
  });

  test('any chain: shares of a hop never exceed the whole, and each transaction is read at most once', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(
            fc.record({
              from: fc.nat(19),
              address: fc.nat(5),
              sats: fc.bigInt({ min: 1n, max: 10n ** 12n }),
            }),
            { minLength: 1, maxLength: 4 },
          ),
          { minLength: 1, maxLength: 20 },
        ),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 12 }),
        async (all, hops, maxTransactions) => {
          // Transactions only spend what came before them.
          const made = all.map((spends, i) =>
            transaction(
              `t${i}`,
              i === 0
                ? []
                : spends.map(({ from, address, sats }, vout) => ({
                    ...{ from: `t${from % i}`, vout, address: `a${address}`, sats },
                  })),
            ),
          );
          const payment = made.at(-1);
          if (payment === undefined) return;
          const { read, asked } = chain(...made);
          const { met, source } = await trace(payment, read, {
            ...{ limits: { hops, maxTransactions, peels: 3 }, stopAt: nowhere },
          });
          const perHop = new Map<number, number>();
          for (const { hop, sharePpm } of met) perHop.set(hop, (perHop.get(hop) ?? 0) + sharePpm);
          for (const [hop, sum] of perHop) {
            expect(hop).toBeLessThanOrEqual(hops);
            expect(sum).toBeLessThanOrEqual(1_000_000);
          }
          expect(asked.length).toBeLessThanOrEqual(maxTransactions);
          expect(source.transactions).toBe(asked.length);
        },
      ),
    ));
});

describe('shapes', () => {
  test('a chain that splits a little off each time is counted, and ends where it is not one', async () => {
    const first = transaction(
      'first',
      [
        { from: 'coinbase', address: 'w', sats: 100n },
        { from: 'x', address: 'w', sats: 1n },
      ],
      [9n, 91n],
      100,
    );
    const second = transaction(
      'second',
      [{ from: 'first', vout: 1, address: 'w', sats: 91n }],
      [90n, 1n],
      101,
    );
    const third = transaction(
      'third',
      [{ from: 'second', vout: 0, address: 'w', sats: 90n }],
      [1n, 89n],
      102,
    );
    const payment = transaction(
      'p',
      [{ from: 'third', vout: 1, address: 'w', sats: 89n }],
      [1n, 88n],
      103,
    );
    const all = chain(first, second, third);
    const { shape } = await trace(payment, all.read, {
      limits: { hops: 6, maxTransactions: 9, peels: 3 },
      stopAt: nowhere,
    });
    expect(shape.peelLength).toBe(2);
    const far = { ...second, height: 101 - 200 };
    const slow = chain(first, far, third);
    const other = await trace(payment, slow.read, {
      limits: { hops: 6, maxTransactions: 9, peels: 3 },
      stopAt: nowhere,
    });
    expect(other.shape.peelLength).toBe(1);
  });

  test('a chain of peels as long as the rules ask for is found with the shipped hops, and not read farther', async () => {
    const peel = (n: number) =>
      transaction(
        `peel ${n}`,
        [{ from: `peel ${n + 1}`, address: `w${n}`, sats: BigInt(100_000 - n) }],
        [BigInt(99_000 - n), 10n],
        100 - n,
      );
    const payment = transaction('p', [{ from: 'peel 1', address: 'w0', sats: 99_000n }], [98_000n]);
    const { hops, maxTransactions, peelChain } = SHIPPED_RISK_CONFIG;
    const shipped = { hops, maxTransactions, peels: peelChain.minLength };
    const all = chain(...[1, 2, 3, 4, 5].map(peel));
    const { shape, source } = await trace(payment, all.read, { limits: shipped, stopAt: nowhere });
    expect(shape.peelLength).toBe(peelChain.minLength);
    expect(all.asked).toEqual(['peel 1', 'peel 2', 'peel 3']);
    expect(source.transactions).toBe(3);
    // Behind an exchange nothing is said of the payer.
    const until = chain(...[1, 2, 3].map(peel));
    const stopAt = (address: string) => address === 'w2';
    const short = await trace(payment, until.read, { limits: shipped, stopAt });
    expect(short.shape.peelLength).toBe(2);
    expect(until.asked).toEqual(['peel 1', 'peel 2']);
  });

  test('coinjoins and dust are told as packages/bitcoin sees them', async () => {
    const inputs = ['a', 'b', 'c'].map((from) => ({ from, address: from, sats: 2_000n }));
    const mixed = transaction('p', inputs, [1_500n, 1_500n, 1_500n, 400n, 0n]);
    const { shape } = await trace(mixed, chain().read, { limits, stopAt: nowhere });
    expect(shape).toMatchObject({ inputs: 3, outputs: 5, coinjoin: true, dustOutputs: 1 });
    expect(looksLikeCoinjoin({ inputs: [], outputs: mixed.outputs })).toEqual([]);
  });
});
