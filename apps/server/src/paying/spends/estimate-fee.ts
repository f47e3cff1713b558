import {
  DEFAULT_LONG_TERM_FEE_RATE,
  type FeeRate,
  feeRateOf,
  MIN_RELAY_FEE_RATE,
  type Network,
} from '@quittance/bitcoin';
import type { Clock } from '@quittance/kernel';
import { type BitcoinRpc, BitcoinRpcError } from '../../platform/bitcoin-node/index.ts';
import { readSats } from './node-amounts.ts';

/** An answer of the node is used for this long: blocks come every ten minutes. */
const KEPT_MS = 10_000;
/** estimatesmartfee knows 1 to 1,008 blocks (Bitcoin Core: conf_target). */
export const MAX_TARGET_BLOCKS = 1_008;
/** Of a larger mempool the list would be tens of megabytes; the last blocks have to do. */
const MAX_LISTED_TRANSACTIONS = 20_000;
/** What fits a block, in vbytes, less what miners keep for themselves (Bitcoin Core: 4,000 WU). */
const BLOCK_VSIZE = 999_000n;
/** Blocks whose median stands in for a mempool that is too large to be listed. */
const RECENT_BLOCKS = 3;
/** Nobody mines fees on a private chain, so there is nothing to estimate. */
const REGTEST_FEE_RATE: FeeRate = 2_000n;
const ESTIMATE_TIMEOUT_MS = 10_000;

export type FeeEstimate = {
  readonly feeRate: FeeRate;
  /**
   * node: its own estimate. mempool: the rate at which the wanted blocks would be full now. blocks:
   * the median of the last ones. fixed: a private chain.
   */
  readonly source: 'node' | 'mempool' | 'blocks' | 'fixed';
  readonly targetBlocks: number;
  readonly atMs: number;
};

/** No source says what a transaction costs now: nothing is sent at a guess. */
export class NoFeeEstimateError extends Error {
  override name = 'NoFeeEstimateError';
  readonly code = 'no_fee_estimate';
}

export type FeeQuestion = {
  targetBlocks: number;
  /** The answer is not lower than this, nor than what the node relays and keeps. */
  floor?: FeeRate;
  /** The answer is not higher. A ceiling below what the node relays is refused. */
  ceiling?: FeeRate;
};

export interface FeeEstimator {
  /** @throws {NoFeeEstimateError} */
  estimate(question: FeeQuestion): Promise<FeeEstimate>;
  /** The least that the node takes into its mempool now. @throws {NoFeeEstimateError} */
  floor(): Promise<FeeRate>;
  /** What spending a coin costs on an ordinary day. */
  longTerm(): FeeRate;
}

/** Asks the node what it takes to be mined in so many blocks. */
export function createFeeEstimator(options: {
  node: Pick<BitcoinRpc, 'call'>;
  network: Network;
  clock: Clock;
}): FeeEstimator {
  const { node, network, clock } = options;
  const kept = new Map<number, FeeEstimate>();
  let keptFloor: { rate: FeeRate; atMs: number } | undefined;
  const isFresh = (atMs: number) => Math.abs(clock.nowMs() - atMs) < KEPT_MS;

  async function floor(): Promise<FeeRate> {
    if (keptFloor !== undefined && isFresh(keptFloor.atMs)) return keptFloor.rate;
    const info = await ask<Record<string, unknown>>(node, 'getmempoolinfo');
    const rates = [info['mempoolminfee'], info['minrelaytxfee'] ?? info['mempoolminfee']];
    const known = rates.map(readSats).filter((rate) => rate !== null);
    const rate = known.reduce(highest, MIN_RELAY_FEE_RATE);
    keptFloor = { rate, atMs: clock.nowMs() };
    return rate;
  }

  async function estimateFresh(targetBlocks: number): Promise<FeeEstimate> {
    const atMs = clock.nowMs();
    const found = (feeRate: FeeRate, source: FeeEstimate['source']) => ({
      ...{ feeRate, source, targetBlocks, atMs },
    });
    if (network === 'regtest') return found(REGTEST_FEE_RATE, 'fixed');
    const smart = await ask<Record<string, unknown>>(node, 'estimatesmartfee', [targetBlocks]);
    const rate = readSats(smart['feerate']);
    if (rate !== null) return found(rate, 'node');
    const projected = await projectMempool(node, targetBlocks);
    if (projected !== null) return found(projected, 'mempool');
    return found(await medianOfBlocks(node), 'blocks');
  }

  return {
    floor,
    longTerm: () => DEFAULT_LONG_TERM_FEE_RATE,
    async estimate(question) {
      const targetBlocks = Math.min(MAX_TARGET_BLOCKS, Math.max(1, question.targetBlocks));
      let estimate = kept.get(targetBlocks);
      if (estimate === undefined || !isFresh(estimate.atMs)) {
        estimate = await estimateFresh(targetBlocks);
        // No more entries than there are targets.
        kept.set(targetBlocks, estimate);
      }
      const least = [await floor(), question.floor ?? 0n].reduce(highest, 0n);
      const { ceiling } = question;
      if (ceiling !== undefined && ceiling < least) {
        throw new NoFeeEstimateError('the highest rate allowed is below what the node relays now');
      }
      const raised = highest(estimate.feeRate, least);
      const feeRate = ceiling !== undefined && raised > ceiling ? ceiling : raised;
      return { ...estimate, feeRate };
    },
  };
}

/** The rate to pay, as {@link FeeEstimator.estimate} gives it. @throws {NoFeeEstimateError} */
export async function estimateFeeRate(
  deps: { fees: FeeEstimator },
  question: FeeQuestion,
): Promise<FeeRate> {
  return (await deps.fees.estimate(question)).feeRate;
}

/** The rate of the last transaction that the wanted blocks have room for; null: not to be listed. */
async function projectMempool(
  node: Pick<BitcoinRpc, 'call'>,
  targetBlocks: number,
): Promise<FeeRate | null> {
  const { size } = await ask<{ size: number }>(node, 'getmempoolinfo');
  if (size > MAX_LISTED_TRANSACTIONS) return null;
  type Entry = { vsize: number; ancestorsize: number; fees: { ancestor: string } };
  const listed = await ask<Record<string, Entry>>(node, 'getrawmempool', [true]);
  const entries = Object.values(listed).flatMap(({ vsize, ancestorsize, fees }) => {
    const fee = readSats(fees.ancestor);
    return fee === null ? [] : [{ vsize: BigInt(vsize), rate: feeRateOf(fee, ancestorsize) }];
  });
  return rateAtDepth(entries, BLOCK_VSIZE * BigInt(targetBlocks));
}

/** The rate that it takes to be among the best `vsize` vbytes; 1 sat/vB when there is room for all. */
export function rateAtDepth(
  entries: readonly { vsize: bigint; rate: FeeRate }[],
  vsize: bigint,
): FeeRate {
  const best = entries.toSorted((a, b) => (a.rate === b.rate ? 0 : a.rate > b.rate ? -1 : 1));
  let room = vsize;
  for (const entry of best) {
    room -= entry.vsize;
    // It has to pay more than the first that finds no room.
    if (room < 0n) return highest(entry.rate + 1n, MIN_RELAY_FEE_RATE);
  }
  return MIN_RELAY_FEE_RATE;
}

async function medianOfBlocks(node: Pick<BitcoinRpc, 'call'>): Promise<FeeRate> {
  const tip = await ask<number>(node, 'getblockcount');
  let best = MIN_RELAY_FEE_RATE;
  for (let height = tip; height > Math.max(0, tip - RECENT_BLOCKS); height--) {
    type Stats = { feerate_percentiles: number[] };
    const stats = await ask<Stats>(node, 'getblockstats', [height, ['feerate_percentiles']]);
    const median = stats.feerate_percentiles[2];
    if (median === undefined) throw new NoFeeEstimateError('the node tells no fee rates of blocks');
    best = highest(best, BigInt(median) * 1_000n);
  }
  return best;
}

async function ask<T>(
  node: Pick<BitcoinRpc, 'call'>,
  method: string,
  params: readonly unknown[] = [],
): Promise<T> {
  try {
    const options = { timeoutMs: ESTIMATE_TIMEOUT_MS };
    return await node.call<T>(method, params, undefined, options);
  } catch (error) {
    if (!(error instanceof BitcoinRpcError)) throw error;
    throw new NoFeeEstimateError(`the node tells no fee rate: ${error.message}`, { cause: error });
  }
}

function highest(first: bigint, second: bigint): bigint {
  return first > second ? first : second;
}
