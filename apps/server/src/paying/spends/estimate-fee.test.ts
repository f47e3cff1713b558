import { manualClock } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BitcoinRpcError } from '../../platform/bitcoin-node/index.ts';
import { createFeeEstimator, NoFeeEstimateError, rateAtDepth } from './estimate-fee.ts';

/** A node that answers from a table; what is not in it fails. */
function estimator(answers: Record<string, unknown>, network: 'mainnet' | 'regtest' = 'mainnet') {
  const asked: string[] = [];
  const node = {
    call: async <T>(method: string): Promise<T> => {
      asked.push(method);
      if (method in answers) return answers[method] as T;
      throw new BitcoinRpcError('unreachable', 'gone');
    },
  };
  const clock = manualClock(0);
  return { fees: createFeeEstimator({ node, network, clock }), asked, clock };
}

const quiet = { mempoolminfee: '0.00001000', minrelaytxfee: '0.00001000', size: 0 };

test('the node’s own estimate is used, and asked for once in a while only', async () => {
  const { fees, asked, clock } = estimator({
    getmempoolinfo: quiet,
    estimatesmartfee: { feerate: '0.00012345', blocks: 2 },
  });
  const estimate = await fees.estimate({ targetBlocks: 2 });
  expect(estimate).toMatchObject({ feeRate: 12_345n, source: 'node' });
  const before = asked.length;
  await fees.estimate({ targetBlocks: 2 });
  expect(asked).toHaveLength(before);
  clock.advance(60_000);
  await fees.estimate({ targetBlocks: 2 });
  expect(asked.length).toBeGreaterThan(before);
});

test('the answer is between what the node takes and what the caller allows', async () => {
  const busy = { ...quiet, mempoolminfee: '0.00020000' };
  const { fees } = estimator({ getmempoolinfo: busy, estimatesmartfee: { feerate: '0.00012345' } });
  expect(await fees.estimate({ targetBlocks: 2 })).toMatchObject({ feeRate: 20_000n });
  const ceiling = { targetBlocks: 2, ceiling: 19_999n };
  await expect(fees.estimate(ceiling)).rejects.toThrow(NoFeeEstimateError);
  const { fees: calm } = estimator({
    getmempoolinfo: quiet,
    estimatesmartfee: { feerate: '0.00012345' },
  });
  expect(await calm.estimate({ targetBlocks: 2, ceiling: 5_000n })).toMatchObject({
    feeRate: 5_000n,
  });
});

test('without an estimate the mempool tells, and when it is too large the last blocks', async () => {
  const entry = { vsize: 900_000, ancestorsize: 900_000, fees: { ancestor: '0.09000000' } };
  const { fees } = estimator({
    getmempoolinfo: { ...quiet, size: 2 },
    estimatesmartfee: { errors: ['Insufficient data or no feerate found'] },
    getrawmempool: { a: entry, b: entry },
  });
  expect(await fees.estimate({ targetBlocks: 1 })).toMatchObject({
    ...{ feeRate: 10_001n, source: 'mempool' },
  });
  const { fees: flooded } = estimator({
    getmempoolinfo: { ...quiet, size: 1_000_000 },
    estimatesmartfee: {},
    getblockcount: 100,
    getblockstats: { feerate_percentiles: [1, 2, 7, 9, 20] },
  });
  expect(await flooded.estimate({ targetBlocks: 1 })).toMatchObject({
    ...{ feeRate: 7_000n, source: 'blocks' },
  });
});

test('a node that tells nothing is an error and not a guess', async () => {
  const { fees } = estimator({});
  await expect(fees.estimate({ targetBlocks: 2 })).rejects.toMatchObject({
    code: 'no_fee_estimate',
  });
});

test('the rate at a depth is paid by no more than fit above it', () => {
  const entries = fc.array(
    fc.record({ vsize: fc.bigInt(1n, 1_000n), rate: fc.bigInt(1_000n, 100_000n) }),
  );
  fc.assert(
    fc.property(entries, fc.bigInt(0n, 5_000n), (mempool, room) => {
      const rate = rateAtDepth(mempool, room);
      const above = mempool.filter((each) => each.rate >= rate);
      const size = above.reduce((sum, { vsize }) => sum + vsize, 0n);
      if (rate > 1_000n) expect(size).toBeLessThanOrEqual(room);
    }),
  );
});
