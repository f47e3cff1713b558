import type { Clock } from '@quittance/kernel';
import type { Database } from '../../../platform/db/index.ts';
import { type Loop, startLoop } from '../../../platform/loops/index.ts';
import { type ActiveVersion, readActiveVersions, readChunks } from './active-store.ts';
import { openEntryBook } from './entry-book.ts';
import { buildVersionSet, type LoadedVersion, type Screener, type VersionSet } from './screener.ts';

/** Rung by each switch; its payload is the epoch. */
export const SCREENING_CHANNEL = 'quittance_screening';

/** A switch that was announced while the connection was down is noticed no later than this. */
const LOOK_EVERY_MS = 10_000;
/** Chunks of one query: some megabytes unpacked. */
const CHUNKS_AT_ONCE = 16;

/** Screening in this process, kept at the versions that are active in the database. */
export type OpenScreener = Screener & {
  /** The switch that what is in memory follows from; 0n before the first. */
  epoch(): bigint;
  counts(): { entries: number; names: number; addresses: number };
  /** What follows the switches; its health is that of screening in this process. */
  readonly loop: Loop;
  stop(): Promise<void>;
};

export type ScreenerOptions = {
  database: Database;
  clock: Clock;
  onError(error: unknown): void;
  everyMs?: number;
};

/**
 * Reads the active versions into memory and follows their switches. The first reading is done when
 * this returns, so nobody is ever let through because the lists were not there yet. Later ones are
 * built beside what is in use, which is then replaced in one step: no answer mixes two epochs.
 * @throws {AppError} database_unavailable
 */
export async function openScreener(options: ScreenerOptions): Promise<OpenScreener> {
  const { database, clock } = options;
  const listeners = new Set<() => void>();
  let loaded = new Map<string, LoadedVersion>();
  let epoch = 0n;
  let set: VersionSet = await buildVersionSet([]);

  async function follow(signal?: AbortSignal): Promise<void> {
    const active = await database.asSystem(readActiveVersions);
    const known = active.versions.every(({ versionId }) => loaded.has(versionId));
    if (known && loaded.size === active.versions.length && active.epoch === epoch) return;
    const next = new Map<string, LoadedVersion>();
    for (const version of active.versions) {
      const before = loaded.get(version.versionId);
      if (signal?.aborted === true) return;
      const read = before ?? (await readVersion(database, version));
      next.set(version.versionId, { ...read, purpose: version.purpose });
    }
    const fresh = await buildVersionSet([...next.values()]);
    [set, loaded, epoch] = [fresh, next, active.epoch];
    for (const tell of listeners) {
      try {
        tell();
      } catch (error) {
        options.onError(error);
      }
    }
  }

  await follow();
  const loop = startLoop({
    name: 'screening lists',
    everyMs: options.everyMs ?? LOOK_EVERY_MS,
    run: follow,
    wake: (ring) => database.listen(SCREENING_CHANNEL, { message: ring, gap: ring }),
    onError: options.onError,
    clock,
  });
  return {
    lookupAddress: (asset, address) => set.lookupAddress(asset, address),
    screenName: (query) => set.screenName(query),
    versions: () => set.versions,
    epoch: () => epoch,
    counts: () => ({ entries: set.entryCount, names: set.nameCount, addresses: set.addressCount }),
    onSwitch(fn) {
      // A function of its own, so that the same one may be given twice.
      const tell = () => fn();
      listeners.add(tell);
      return () => void listeners.delete(tell);
    },
    loop,
    stop: () => loop.stop(),
  };
}

async function readVersion(database: Database, version: ActiveVersion): Promise<LoadedVersion> {
  const book = openEntryBook();
  for (let from = 0; ; from += CHUNKS_AT_ONCE) {
    const chunks = await database.asSystem((tx) =>
      readChunks(tx, { ...version, from, count: CHUNKS_AT_ONCE }),
    );
    for (const chunk of chunks) {
      book.add(chunk);
      await othersTurn();
    }
    if (chunks.length < CHUNKS_AT_ONCE) break;
  }
  const { list, versionId, digest, purpose } = version;
  return { list, versionId, digest, purpose, book: book.close() };
}

function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
