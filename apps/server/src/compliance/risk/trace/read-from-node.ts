import { displayHash, type Network, parseTransaction, scriptToAddress } from '@quittance/bitcoin';
import { fromHex } from '@quittance/kernel';
import {
  type BatchCall,
  type BatchResult,
  type BitcoinRpc,
  BitcoinRpcError,
} from '../../../platform/bitcoin-node/index.ts';
import { type CoinAnswer, readCoin, readRaw, satsOf, tracedOf } from './node-answers.ts';
import { keepTransactions } from './kept-transactions.ts';
import type {
  Read,
  ReadTransactions,
  SpentOutput,
  TracedTransaction,
  Wanted,
} from './traced-transaction.ts';

/** RPC_INVALID_ADDRESS_OR_KEY: there is no such transaction or block (Bitcoin Core, rpc/protocol.h). */
const NOT_FOUND = -5;
/** RPC_MISC_ERROR: the block is pruned (rpc/blockchain.cpp, rpc/rawtransaction.cpp). */
const MISC_ERROR = -1;
/** RPC_INVALID_PARAMETER: a height above the tip, after a reorganisation. */
const OUT_OF_RANGE = -8;
/** Coins of one transaction that are asked for one by one: an unconfirmed one is at most 100 kvB. */
const MAX_COINS_ASKED = 2_000;
/** Larger ones are rare and would fill the memory. */
const MAX_KEPT_INPUTS = 50;
/** Blocks whose heights are kept: a few are ever asked for again. */
const MAX_TIPS_KEPT = 100;
/** So deep, neither its block nor its time changes any more in practice. */
const KEPT_CONFIRMATIONS = 6;

export type NodeReaderDeps = {
  node: Pick<BitcoinRpc, 'batch'>;
  network: Network;
  /** What the product has recorded of transactions (raw bytes), asked before it is called unknown. */
  readRecord(txids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
};

/**
 * Reads transactions with what they spent from a node without an index of transactions. A block's undo
 * data names each spent output with the height that it was made at (getrawtransaction, verbosity 2, with
 * a block hash: Bitcoin Core 25 and later), so from a known block every hop back is known again. For
 * what is in the mempool the node's set of unspent coins says the same (gettxout). Pruned blocks end it.
 */
export function readFromNode(deps: NodeReaderDeps): ReadTransactions {
  const { node, network } = deps;
  const kept = keepTransactions();
  /** A block's height never changes; between two blocks all coins are told of the same one. */
  const tips = new Map<string, number>();

  return async (wanted) => {
    const found = new Map<string, Read>();
    const missing = wanted.filter(({ txid, height, raw }) => {
      const known = kept.get(txid);
      if (known !== undefined) {
        // Taken now: what is kept meanwhile may push it out.
        found.set(txid, { ok: true, transaction: known });
        return false;
      }
      if (height !== null || raw === undefined || raw === null) return true;
      found.set(txid, { ok: true, transaction: recordedOf(txid, raw) });
      return false;
    });
    const hashes = await blockHashes(node, missing);
    const calls = missing.map(({ txid, height }): BatchCall => {
      const hash = height === null ? undefined : hashes.get(height);
      const params = hash === undefined ? [txid, 2] : [txid, 2, hash];
      return { method: 'getrawtransaction', params };
    });
    const answers = await ask(node, calls);
    for (const [i, each] of missing.entries()) {
      const answer = read(answers[i], readRaw);
      if (answer === 'not_found' || answer === 'pruned') {
        found.set(each.txid, { ok: false, reason: answer });
        continue;
      }
      const transaction = tracedOf(each.txid, answer, { height: each.height, network });
      found.set(each.txid, { ok: true, transaction });
      keep(transaction, answer.confirmations ?? 0);
    }
    await addFromRecord(deps, found);
    await fillInCoins(deps, found, tips);
    return wanted.map(({ txid }): Read => found.get(txid) ?? { ok: false, reason: 'not_found' });
  };

  function keep(transaction: TracedTransaction, confirmations: number): void {
    const { inputs } = transaction;
    const isWhole = inputs.every(({ valueSats }) => valueSats !== null) || transaction.isCoinbase;
    if (!isWhole || confirmations < KEPT_CONFIRMATIONS || inputs.length > MAX_KEPT_INPUTS) return;
    if (transaction.height !== null) kept.offer(transaction);
  }
}

async function blockHashes(
  node: Pick<BitcoinRpc, 'batch'>,
  wanted: readonly Wanted[],
): Promise<Map<number, string>> {
  const heights = [...new Set(wanted.flatMap(({ height }) => height ?? []))];
  const calls = heights.map((height) => ({ method: 'getblockhash', params: [height] }));
  const answers = await ask(node, calls);
  return new Map(
    heights.flatMap((height, i): [number, string][] => {
      const answer = answers[i];
      return answer?.ok === true && typeof answer.result === 'string'
        ? [[height, answer.result]]
        : [];
    }),
  );
}

/** Transactions that the node does not tell of and that were recorded here. */
async function addFromRecord(deps: NodeReaderDeps, found: Map<string, Read>): Promise<void> {
  const lost = [...found].filter(([, each]) => !each.ok).map(([txid]) => txid);
  if (lost.length === 0) return;
  for (const [txid, raw] of await deps.readRecord(lost)) {
    found.set(txid, { ok: true, transaction: recordedOf(txid, raw) });
  }
}

/** What its bytes alone say. */
function recordedOf(txid: string, raw: Uint8Array): TracedTransaction {
  const { inputs, outputs } = parseTransaction(raw);
  const spent = inputs.map(({ prevTxid, prevVout }) => ({
    ...{ txid: displayHash(prevTxid), vout: prevVout },
    ...{ address: null, valueSats: null, height: null },
  }));
  return { txid, height: null, timeMs: null, isCoinbase: false, inputs: spent, outputs };
}

/** What inputs spent, where the block did not say so: from unspent coins, the mempool, the record. */
async function fillInCoins(
  deps: NodeReaderDeps,
  found: Map<string, Read>,
  tips: Map<string, number>,
): Promise<void> {
  const { node, network } = deps;
  const open = [...found.values()].flatMap((each) =>
    each.ok && !each.transaction.isCoinbase
      ? each.transaction.inputs.filter(({ valueSats }) => valueSats === null)
      : [],
  );
  if (open.length === 0) return;
  const asked = open.slice(0, MAX_COINS_ASKED);
  const answers = await ask(
    node,
    asked.map(({ txid, vout }) => ({ method: 'gettxout', params: [txid, vout, false] })),
  );
  const coins = answers.map((answer) => {
    const coin = read(answer, readCoin);
    return coin === 'not_found' || coin === 'pruned' ? null : coin;
  });
  const heights = await heightsOf(node, coins, tips);
  const known = new Map<string, SpentOutput>();
  asked.forEach((input, i) => {
    const coin = coins[i];
    if (coin === undefined || coin === null) return;
    const tip = heights.get(coin.bestblock);
    known.set(placeOf(input), {
      ...input,
      address: scriptToAddress(coin.script, network),
      valueSats: satsOf(coin.value),
      height: tip === undefined ? null : tip - coin.confirmations + 1,
    });
  });
  const others = asked.filter((input) => !known.has(placeOf(input)));
  const raws = await rawsOf(deps, [...new Set(others.map(({ txid }) => txid))]);
  for (const input of others) {
    const raw = raws.get(input.txid);
    const output = raw === undefined ? undefined : parseTransaction(raw).outputs[input.vout];
    if (output === undefined) continue;
    const { script, valueSats } = output;
    known.set(placeOf(input), { ...input, address: scriptToAddress(script, network), valueSats });
  }
  for (const [txid, each] of found) {
    if (!each.ok) continue;
    const inputs = each.transaction.inputs.map((input) => known.get(placeOf(input)) ?? input);
    found.set(txid, { ok: true, transaction: { ...each.transaction, inputs } });
  }
}

function placeOf({ txid, vout }: { txid: string; vout: number }): string {
  return `${txid}:${vout}`;
}

/** Heights of the blocks that coins were told of. @param tips those that are known already, added to */
async function heightsOf(
  node: Pick<BitcoinRpc, 'batch'>,
  coins: readonly (CoinAnswer | null)[],
  tips: Map<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const hashes = new Set(coins.flatMap((coin) => (coin === null ? [] : [coin.bestblock])));
  const heights = new Map<string, number>();
  for (const hash of hashes) {
    const height = tips.get(hash);
    if (height !== undefined) heights.set(hash, height);
  }
  const unknown = [...hashes].filter((hash) => !heights.has(hash));
  const headers = await ask(
    node,
    unknown.map((hash) => ({ method: 'getblockheader', params: [hash] })),
  );
  if (tips.size > MAX_TIPS_KEPT) tips.clear();
  unknown.forEach((hash, i) => {
    const header = headers[i];
    const result = header?.ok === true ? header.result : null;
    const isHeader = typeof result === 'object' && result !== null && 'height' in result;
    if (!isHeader) return;
    tips.set(hash, Number(result.height));
    heights.set(hash, Number(result.height));
  });
  return heights;
}

/** Raw transactions out of the mempool, else the record. */
async function rawsOf(deps: NodeReaderDeps, txids: readonly string[]) {
  const calls = txids.map((txid) => ({ method: 'getrawtransaction', params: [txid, 0] }));
  const raws = new Map<string, Uint8Array>();
  for (const [i, answer] of (await ask(deps.node, calls)).entries()) {
    const txid = txids[i];
    if (txid === undefined || !answer.ok || typeof answer.result !== 'string') continue;
    raws.set(txid, fromHex(answer.result));
  }
  const lost = txids.filter((txid) => !raws.has(txid));
  if (lost.length > 0) for (const [txid, raw] of await deps.readRecord(lost)) raws.set(txid, raw);
  return raws;
}

/** Calls in one batch. What the node says about one of them is an answer; that it is away is not. */
async function ask(
  node: Pick<BitcoinRpc, 'batch'>,
  calls: readonly BatchCall[],
): Promise<readonly BatchResult[]> {
  if (calls.length === 0) return [];
  const results = await node.batch(calls);
  for (const result of results)
    if (!result.ok && absence(result.error) === null) throw result.error;
  return results;
}

function read<T>(
  result: BatchResult | undefined,
  parse: (answer: unknown) => T | null,
): T | 'not_found' | 'pruned' {
  if (result === undefined) return 'not_found';
  if (!result.ok) return absence(result.error) ?? 'not_found';
  // gettxout says null for a coin that is spent or never was.
  if (result.result === null) return 'not_found';
  const parsed = parse(result.result);
  if (parsed !== null) return parsed;
  throw new BitcoinRpcError('malformed', 'the node tells of a transaction in an unknown way');
}

function absence(error: BitcoinRpcError): 'not_found' | 'pruned' | null {
  if (error.code === NOT_FOUND || error.code === OUT_OF_RANGE) return 'not_found';
  return error.code === MISC_ERROR ? 'pruned' : null;
}
