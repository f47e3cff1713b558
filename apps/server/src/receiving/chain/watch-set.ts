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
  /** Changes when coins are watched that were not before: what was scanned until then is stale. */
  readonly spendsVersion: number;
  /** Takes in addresses that were derived before this call. Cheap when there are none. */
  refresh(): Promise<void>;
  watchSpends(outpoints: readonly Outpoint[]): void;
  /** The same for coins that a block makes, which only blocks that are scanned later can spend. */
  watchMade(outpoints: readonly Outpoint[]): void;
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
  let spendsVersion = 0;
  let loadedOutpoints = 0;
  let refreshing: Promise<unknown> = Promise.resolve();
  const loadedThrough = new Map<string, number>();

  /** One after the other: what a reading finds that began before the call may be older than it. */
  function refresh(): Promise<void> {
    const next = refreshing.then(readNewAddresses);
    refreshing = next.catch(() => {});
    return next;
  }

  async function readNewAddresses(): Promise<void> {
    const wallets = await database.asSystem((tx) => readDerivedThrough(tx));
    for (const { walletId, branch, derivedThrough } of wallets) {
      const place = `${walletId}/${branch}`;
      let through = loadedThrough.get(place) ?? -1;
      while (through < derivedThrough) {
        const from = { walletId, branch, index: through, limit: PAGE };
        const rows = await database.asSystem((tx) => readAddressesAfter(tx, from));
        for (const { id, script } of rows) scripts.add(script, id);
        through = rows.length < PAGE ? derivedThrough : (rows.at(-1)?.index ?? derivedThrough);
        loadedThrough.set(place, through);
      }
    }
  }

  function watchSpends(spends: readonly Outpoint[]): void {
    let added = false;
    for (const spend of spends) if (outpoints.add(bytesOf(spend), ANY_ID)) added = true;
    if (added) spendsVersion += 1;
  }

  function watchMade(made: readonly Outpoint[]): void {
    for (const coin of made) outpoints.add(bytesOf(coin), ANY_ID);
  }

  async function reload(): Promise<void> {
    const spends = await database.asSystem((tx) => readUnconfirmedSpends(tx));
    const fresh = new OutpointTable({ random });
    for await (const page of coins.unspent(database)) {
      for (const outpoint of page) fresh.add(outpoint, ANY_ID);
    }
    for (const spend of spends) fresh.add(bytesOf(spend), ANY_ID);
    outpoints = fresh;
    loadedOutpoints = outpoints.size;
    // Coins of blocks that were scanned and are not committed yet are not in it.
    spendsVersion += 1;
  }

  await refresh();
  await reload();
  return {
    scripts,
    get outpoints() {
      return outpoints;
    },
    get spendsVersion() {
      return spendsVersion;
    },
    refresh,
    watchSpends,
    watchMade,
    async tidy() {
      if (outpoints.size > 2 * loadedOutpoints + STALE_OUTPOINTS) await reload();
    },
  };
}

function bytesOf({ txid, vout }: Outpoint): Uint8Array {
  return outpointBytes(parseHash(txid), vout);
}
