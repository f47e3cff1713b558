import { type BatchResult, type BitcoinRpc, BitcoinRpcError } from '../../platform/bitcoin-rpc.ts';
import type { ChainSource, Outpoint } from './chain-source.ts';

/** RPC_INVALID_ADDRESS_OR_KEY: the node does not have it (Bitcoin Core, rpc/protocol.h). */
const NOT_FOUND = -5;
/** RPC_INVALID_PARAMETER: a height beyond the tip. */
const OUT_OF_RANGE = -8;

/** Reads from bitcoind: blocks over REST, everything else over JSON-RPC. */
export function createBitcoindSource(rpc: BitcoinRpc): ChainSource {
  return {
    async tip() {
      const info = await rpc.call<{ blocks: number; bestblockhash: string }>('getblockchaininfo');
      return { height: info.blocks, hash: info.bestblockhash };
    },
    async hashesFrom(height, count) {
      const calls = Array.from({ length: count }, (_, i) => ({
        method: 'getblockhash',
        params: [height + i],
      }));
      const hashes: string[] = [];
      for (const result of await rpc.batch(calls)) {
        const hash = valueOr(result, OUT_OF_RANGE);
        if (typeof hash !== 'string') break;
        hashes.push(hash);
      }
      return hashes;
    },
    rawBlock: (hash) => rpc.fetchBytes(`/rest/block/${hash}.bin`),
    rawHeaders: (fromHash, count) => rpc.fetchBytes(`/rest/headers/${fromHash}.bin?count=${count}`),
    mempoolTxids: () => rpc.call<string[]>('getrawmempool'),
    async rawTransactions(txids) {
      const calls = txids.map((txid) => ({ method: 'getrawtransaction', params: [txid] }));
      return (await rpc.batch(calls)).map((result) => {
        const hex = valueOr(result, NOT_FOUND);
        return typeof hex === 'string' ? new Uint8Array(Buffer.from(hex, 'hex')) : null;
      });
    },
    async mempoolEntryTimesMs(txids) {
      const calls = txids.map((txid) => ({ method: 'getmempoolentry', params: [txid] }));
      return (await rpc.batch(calls)).map((result) => {
        const entry = valueOr(result, NOT_FOUND);
        return isEntry(entry) ? entry.time * 1_000 : null;
      });
    },
    async mempoolSpenders(outpoints) {
      const spenders = await rpc.call<{ spendingtxid?: string }[]>('gettxspendingprevout', [
        outpoints.map(({ txid, vout }: Outpoint) => ({ txid, vout })),
      ]);
      return spenders.map(({ spendingtxid }) => spendingtxid ?? null);
    },
  };
}

function isEntry(value: unknown): value is { time: number } {
  return typeof value === 'object' && value !== null && 'time' in value;
}

/** The result, or null where the node says with this code that there is none. */
function valueOr(result: BatchResult, absentCode: number): unknown {
  if (result.ok) return result.result;
  if (result.error instanceof BitcoinRpcError && result.error.code === absentCode) return null;
  throw result.error;
}
