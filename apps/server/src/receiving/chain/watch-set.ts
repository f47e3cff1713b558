import { OutpointTable, outpointBytes, parseHash, ScriptTable } from '@quittance/bitcoin';
import type { Random } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { readAddressesAfter, readDerivedThrough } from '../addresses/index.ts';
import type { Outpoint } from './chain-source.ts';
import type { CoinKeeper } from './followers.ts';
import { readUnconfirmedSpends } from './store.ts';

/** Addresses that are read at a time while the watch set is filled. */
const PAGE = 10_000;
/** Only that an outpoint is watched matters, not which one it is. */
const ANY_ID = 0;

/**
 * Outpoints that may be watched beyond twice those that matter, before they are read anew: what is
 * spent or settled stays in the table until then, which harms nothing but memory.
 */
const STALE_OUTPOINTS = 50_000;

/**
 * What is looked for (about 60 bytes each): every script ever derived, by the address row's id; the
 * coins that are ours and unspent, whoever spends them; and the coins that unconfirmed payments
 * spend, to notice who else spends them.
 */
export type WatchSet = {
  readonly scripts: ScriptTable;
  readonly outpoints: OutpointTable;
  /** Takes in addresses derived since and gives their number. Cheap when there are none. */
  refresh(): Promise<number>;
  watchSpends(outpoints: readonly Outpoint[]): void;
  /** Forgets what is spent and settled, once there is much of it. */
  tidy(): Promise<void>;
};

/** Reads the whole watch set out of the database. */
export async function loadWatchSet(
  database: Database,
  { random, coins }: { random: Random; coins: CoinKeeper },
): Promise<WatchSet> {
  const scripts = new ScriptTable({ random });
  let outpoints = new OutpointTable({ random });
  let loadedOutpoints = 0;
  const loadedThrough = new Map<string, number>();

  async function refresh(): Promise<number> {
    let added = 0;
    const wallets = await database.asSystem((tx) => readDerivedThrough(tx));
    for (const { walletId, branch, derivedThrough } of wallets) {
      const place = `${walletId}/${branch}`;
      let through = loadedThrough.get(place) ?? -1;
      while (through < derivedThrough) {
        const from = { walletId, branch, index: through, limit: PAGE };
        const rows = await database.asSystem((tx) => readAddressesAfter(tx, from));
        for (const { id, script } of rows) if (scripts.add(script, id)) added += 1;
        through = rows.length < PAGE ? derivedThrough : (rows.at(-1)?.index ?? derivedThrough);
        loadedThrough.set(place, through);
      }
    }
    return added;
  }

  function watchSpends(spends: readonly Outpoint[]): void {
    for (const spend of spends) outpoints.add(bytesOf(spend), ANY_ID);
  }

  async function reload(): Promise<void> {
    const spends = await database.asSystem((tx) => readUnconfirmedSpends(tx));
    outpoints = new OutpointTable({ random });
    for await (const page of coins.unspent(database)) {
      for (const outpoint of page) outpoints.add(outpoint, ANY_ID);
    }
    watchSpends(spends);
    loadedOutpoints = outpoints.size;
  }

  await refresh();
  await reload();
  return {
    scripts,
    get outpoints() {
      return outpoints;
    },
    refresh,
    watchSpends,
    async tidy() {
      if (outpoints.size > 2 * loadedOutpoints + STALE_OUTPOINTS) await reload();
    },
  };
}

function bytesOf({ txid, vout }: Outpoint): Uint8Array {
  return outpointBytes(parseHash(txid), vout);
}
