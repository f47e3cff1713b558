import {
  type BatchResult,
  type BitcoinRpc,
  BitcoinRpcError,
} from '../../platform/bitcoin-node/index.ts';
import type { ChainSource, Outpoint } from './chain-source.ts';

/** RPC_INVALID_ADDRESS_OR_KEY: the node does not have it (Bitcoin Core, rpc/protocol.h). */
const NOT_FOUND = -5;
/** RPC_INVALID_PARAMETER: a height beyond the tip. */
const OUT_OF_RANGE = -8;
/** RPC_VERIFY_ERROR and RPC_VERIFY_REJECTED: the transaction is not accepted. */
const REFUSALS: ReadonlySet<number | undefined> = new Set([-25, -26]);
/** RPC_VERIFY_ALREADY_IN_UTXO_SET: it is in a block. */
const ALREADY_MINED = -27;

/** What a payer pays in fees is not ours to limit (sendrawtransaction, maxfeerate). */
const NO_FEE_LIMIT = 0;

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
    rawBlock: (hash, room) =>
      rpc.fetchBytes(`/rest/block/${hash}.bin`, room === undefined ? {} : { room }),
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
    async judge(hash) {
      const [header] = await rpc.batch([{ method: 'getblockheader', params: [hash] }]);
      const known = header === undefined ? null : valueOr(header, NOT_FOUND);
      if (!hasHeight(known)) return 'unknown';
      const tips = await rpc.call<{ height: number; status: string }[]>('getchaintips');
      const invalid = tips.some(
        ({ height, status }) => status === 'invalid' && height >= known.height,
      );
      return invalid ? 'invalid' : 'known';
    },
    async isCatchingUp() {
      const info = await rpc.call<{ initialblockdownload: boolean }>('getblockchaininfo');
      return info.initialblockdownload;
    },
    async resubmit(raw) {
      const params = [Buffer.from(raw).toString('hex'), NO_FEE_LIMIT];
      const [result] = await rpc.batch([{ method: 'sendrawtransaction', params }]);
      if (result === undefined || result.ok) return result !== undefined;
      const { error } = result;
      if (error instanceof BitcoinRpcError && error.code === ALREADY_MINED) return true;
      if (error instanceof BitcoinRpcError && REFUSALS.has(error.code)) return false;
      throw error;
    },
    async mempoolSpenders(outpoints) {
      const spenders = await rpc.call<{ spendingtxid?: string }[]>('gettxspendingprevout', [
        outpoints.map(({ txid, vout }: Outpoint) => ({ txid, vout })),
      ]);
      return spenders.map(({ spendingtxid }) => spendingtxid ?? null);
    },
  };
}

function hasHeight(value: unknown): value is { height: number } {
  return typeof value === 'object' && value !== null && 'height' in value;
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
