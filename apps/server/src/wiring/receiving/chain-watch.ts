import type { Network } from '@quittance/bitcoin';
import type { Clock, Ids, Random } from '@quittance/kernel';
import { type Running, watcherMetrics } from '../observability.ts';
import { coinKeeper } from '../../paying/coins/index.ts';
import { markCaughtUp } from '../../paying/guard/index.ts';
import {
  type BitcoinRpc,
  type BitcoinRpcTarget,
  createBitcoinRpc,
} from '../../platform/bitcoin-node/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { advisoryKey, holdAdvisoryLock, startLoop } from '../../platform/loops/index.ts';
import type { Metrics } from '../../platform/metrics/index.ts';
import {
  type ChainFollower,
  ChainHaltError,
  createBitcoindSource,
  inspectNode,
  readCursor,
  startBitcoindDoorbells,
  startWatcher,
  type ZmqEndpoints,
} from '../../receiving/chain/index.ts';

/** Payouts wait for it after a start, so it is short. */
const CAUGHT_UP_EVERY_MS = 1_000;

export type ChainWatchOptions = {
  network: Network;
  bitcoin: { target: BitcoinRpcTarget; zmq: ZmqEndpoints };
  startHeight: number | undefined;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Logger;
  metrics: Metrics;
};

/** One watcher for each chain: whoever holds the lock. A standby takes over when it lets go. */
export function useWatcher(
  lifecycle: Lifecycle,
  options: ChainWatchOptions,
  {
    database,
    url,
    state,
    followers,
  }: {
    database: Database;
    url: string;
    state: Running;
    followers: readonly ChainFollower[];
  },
): void {
  const { network, log } = options;
  lifecycle.use('chain', () => {
    const rpc = createBitcoinRpc(options.bitcoin.target);
    // The long poll for blocks holds a connection: it has a client of its own.
    const pollRpc = createBitcoinRpc(options.bitcoin.target);
    const lock = holdAdvisoryLock(url, advisoryKey(`watcher ${network}`), {
      onAcquired() {
        const { clock, ids, random, bitcoin, startHeight } = options;
        state.watcher = startWatcher({
          network,
          database,
          clock,
          ids,
          random,
          log,
          coins: coinKeeper,
          followers,
          source: createBitcoindSource(rpc),
          startDoorbells: (bells) =>
            startBitcoindDoorbells({ rpc: pollRpc, zmq: bitcoin.zmq, bells }),
          pushesTransactions: bitcoin.zmq.rawtx !== undefined,
          checkNode: () => refuseUnfitNode(rpc, { database, options }),
          ...(startHeight === undefined ? {} : { startHeight }),
          ...watcherMetrics(options.metrics),
        });
      },
      async onLost() {
        await state.watcher?.stop();
        state.watcher = undefined;
      },
      onError: (error) => log.warn({ error }, 'the watcher can not be elected'),
    });
    const loop = startLoop({
      name: 'caught up',
      everyMs: CAUGHT_UP_EVERY_MS,
      run: async () => {
        if (state.watcher?.status().live !== true || (await isBehind(rpc))) return;
        await database.asSystem(markCaughtUp);
      },
      onError: (error) => log.warn({ error }, 'how far the chain is read can not be noted'),
      clock: options.clock,
    });
    return {
      async stop() {
        await loop.stop();
        await lock.stop();
        await Promise.all([rpc.close(), pollRpc.close()]);
      },
    };
  });
}

/** Whether the node itself knows of blocks that it does not have yet. */
async function isBehind(rpc: BitcoinRpc): Promise<boolean> {
  type Info = { blocks: number; headers: number; initialblockdownload: boolean };
  const info = await rpc.call<Info>('getblockchaininfo');
  return info.initialblockdownload || info.blocks < info.headers;
}

/** @throws {ChainHaltError} when the node must not be followed */
async function refuseUnfitNode(
  rpc: BitcoinRpc,
  { database, options }: { database: Database; options: ChainWatchOptions },
): Promise<void> {
  const { rawtx, hashblock, sequence } = options.bitcoin.zmq;
  const cursor = await database.asSystem((tx) => readCursor(tx, options.network));
  const findings = await inspectNode(rpc, {
    network: options.network,
    nowMs: options.clock.nowMs(),
    zmqWanted: { rawTx: rawtx, hashBlock: hashblock, sequence },
    // Where it goes on; `startHeight` is for the first start only.
    neededFromHeight: cursor === null ? options.startHeight : cursor.height + 1,
  });
  const blocking = findings.find(({ level }) => level === 'blocking');
  if (blocking === undefined) return;
  const action = blocking.action === undefined ? '' : `; ${blocking.action}`;
  throw new ChainHaltError(`${blocking.detail}${action}`);
}
