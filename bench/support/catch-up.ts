import { randomFillSync } from 'node:crypto';
import { assert, type Random, systemClock, uuidV7Ids } from '@quittance/kernel';
import { createBitcoinRpc } from '../../apps/server/src/platform/bitcoin-node/index.ts';
import { openDatabase, roleUrls } from '../../apps/server/src/platform/db/index.ts';
import { coinKeeper, coinsFollower } from '../../apps/server/src/paying/coins/index.ts';
import { createBitcoindSource, startWatcher } from '../../apps/server/src/receiving/chain/index.ts';
import { sleep } from '../harness.ts';
import { serveJobs } from './worker.ts';

/**
 * The watcher of a server, in a process of its own: catches up with the node from a height on, in a
 * database that has not seen those blocks.
 */

export type CatchUpJob = {
  ownerUrl: string;
  rpc: { url: string; user: string; password: string };
  from: number;
};
/** Time from the loaded watch set to the node's tip, and the orders that were paid. */
export type CatchUpDone = { ms: number; payments: number };

const TIMEOUT_MS = 120_000;

const random: Random = (target) => randomFillSync(target);
const ids = uuidV7Ids(systemClock, random);

async function catchUp({ ownerUrl, rpc: target, from }: CatchUpJob): Promise<CatchUpDone> {
  const database = openDatabase(roleUrls(ownerUrl));
  const rpc = createBitcoinRpc(target);
  let began = 0;
  const failures: unknown[] = [];
  const watcher = startWatcher({
    network: 'regtest',
    database,
    clock: systemClock,
    ids,
    random,
    coins: coinKeeper,
    followers: [coinsFollower],
    source: createBitcoindSource(rpc),
    startDoorbells: () => ({ async stop() {} }),
    pushesTransactions: true,
    startHeight: from,
    log: {
      info(_, message) {
        // The watch set is loaded; from here on it follows the chain.
        if (message === 'watching the chain') began = performance.now();
      },
      warn() {},
      error: (failure) => failures.push(failure),
    },
  });
  try {
    const deadline = performance.now() + TIMEOUT_MS;
    while (!watcher.status().live && performance.now() < deadline) await sleep(2);
    const ms = performance.now() - began;
    assert(watcher.status().live, `the watcher does not catch up: ${String(failures[0])}`);
    const [row] = await database.asSystem((tx) =>
      tx.query<{ paid: bigint }>(`SELECT count(*) AS paid FROM orders WHERE received_sats > 0`),
    );
    return { ms, payments: Number(row?.paid) };
  } finally {
    await watcher.stop();
    await rpc.close();
    await database.close();
  }
}

serveJobs(catchUp);
