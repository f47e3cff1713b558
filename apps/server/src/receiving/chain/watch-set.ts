import { OutpointTable, outpointBytes, parseHash, ScriptTable } from '@quittance/bitcoin';
import type { Random, Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { readAddressesAfter, readDerivedThrough } from '../addresses/index.ts';
import type { Outpoint } from './chain-source.ts';
import { readUnconfirmedSpends } from './store.ts';

/** Addresses that are read at a time while the watch set is filled. */
const PAGE = 10_000;
/** Only that an outpoint is watched matters, not which one it is. */
const ANY_ID = 0;

/**
 * What is looked for: every script ever derived for an order (about 60 bytes each), by the address
 * row's id, and the coins that unconfirmed payments spend, to notice who else spends them.
 */
export type WatchSet = {
  readonly scripts: ScriptTable;
  readonly outpoints: OutpointTable;
  /** Changes when a coin is watched that was not before: what was scanned until then is stale. */
  readonly spendsVersion: number;
  /** Takes in addresses that were derived before this call. Cheap when there are none. */
  refresh(): Promise<void>;
  watchSpends(outpoints: readonly Outpoint[]): void;
  /** Watches exactly what unconfirmed transactions on record spend: forgets what is settled. */
  reloadSpends(): Promise<void>;
};

/** Reads the whole watch set out of the database. */
export async function loadWatchSet(database: Database, random: Random): Promise<WatchSet> {
  const scripts = new ScriptTable({ random });
  let outpoints = new OutpointTable({ random });
  let spendsVersion = 0;
  let refreshing: Promise<unknown> = Promise.resolve();
  const loadedThrough = new Map<Uuid, number>();

  /** One after the other: what a reading finds that began before the call may be older than it. */
  function refresh(): Promise<void> {
    const next = refreshing.then(readNewAddresses);
    refreshing = next.catch(() => {});
    return next;
  }

  async function readNewAddresses(): Promise<void> {
    const wallets = await database.asSystem((tx) => readDerivedThrough(tx));
    for (const { walletId, derivedThrough } of wallets) {
      let through = loadedThrough.get(walletId) ?? -1;
      while (through < derivedThrough) {
        const from = { walletId, index: through, limit: PAGE };
        const rows = await database.asSystem((tx) => readAddressesAfter(tx, from));
        for (const { id, script } of rows) scripts.add(script, id);
        through = rows.length < PAGE ? derivedThrough : (rows.at(-1)?.index ?? derivedThrough);
        loadedThrough.set(walletId, through);
      }
    }
  }

  function watchSpends(spends: readonly Outpoint[]): void {
    let added = false;
    for (const spend of spends) if (outpoints.add(bytesOf(spend), ANY_ID)) added = true;
    if (added) spendsVersion += 1;
  }

  async function reloadSpends(): Promise<void> {
    const spends = await database.asSystem((tx) => readUnconfirmedSpends(tx));
    // Another watcher may have recorded some; they count as new.
    watchSpends(spends);
    outpoints = new OutpointTable({ random });
    for (const spend of spends) outpoints.add(bytesOf(spend), ANY_ID);
  }

  await refresh();
  await reloadSpends();
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
    reloadSpends,
  };
}

function bytesOf({ txid, vout }: Outpoint): Uint8Array {
  return outpointBytes(parseHash(txid), vout);
}
