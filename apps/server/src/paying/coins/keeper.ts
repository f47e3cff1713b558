import type { Database } from '../../platform/db/index.ts';
import type { CoinKeeper } from '../../receiving/chain/index.ts';
import { readSpentByLost } from './lost-store.ts';
import { insertCoins, outpointOf, readUnspent, refreshCoins, type UnspentPlace } from './store.ts';

/** Coins that are read at a time when the watch set is filled. */
const PAGE = 20_000;

/** Keeps the table of coins up to date with what the watcher takes in. */
export const coinKeeper: CoinKeeper = {
  record: insertCoins,
  refresh: refreshCoins,
  async *unspent(database: Database) {
    let after: UnspentPlace | null = null;
    for (;;) {
      const from: UnspentPlace | null = after;
      const page: UnspentPlace[] = await database.asSystem((tx) => readUnspent(tx, from, PAGE));
      yield page.map(outpointOf);
      after = page.at(-1) ?? null;
      if (page.length < PAGE) break;
    }
    yield (await database.asSystem(readSpentByLost)).map(outpointOf);
  },
};
