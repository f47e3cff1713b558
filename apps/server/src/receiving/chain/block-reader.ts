import type { ChainSource } from './chain-source.ts';

/** Blocks that are fetched at once: the node reads them faster than we scan, up to about here. */
const FETCHES_AT_ONCE = 4;

/**
 * Reads blocks, also ahead of their use, so that the node works on the next ones while the effects
 * of these are being committed.
 */
export type BlockReader = {
  /** The raw blocks, in the order of their hashes. What was read ahead and is not asked for goes. */
  read(hashes: readonly string[]): Promise<Uint8Array[]>;
  /** Begins to read blocks; they are kept until the next `read`. */
  readAhead(hashes: readonly string[]): void;
};

export function createBlockReader(source: Pick<ChainSource, 'rawBlock'>): BlockReader {
  const waiting: (() => void)[] = [];
  let running = 0;
  let ahead = new Map<string, Promise<Uint8Array>>();

  async function fetch(hash: string): Promise<Uint8Array> {
    // Whoever is done hands its place on to the next, so that nobody slips in between.
    if (running === FETCHES_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await source.rawBlock(hash);
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  return {
    read(hashes) {
      const known = ahead;
      // A block that could not be read ahead is asked for again at the next attempt.
      ahead = new Map();
      return Promise.all(hashes.map((hash) => known.get(hash) ?? fetch(hash)));
    },
    readAhead(hashes) {
      for (const hash of hashes) {
        const block = fetch(hash);
        // Whoever reads it hears of a failure; that nobody may read it must not end the process.
        block.catch(() => {});
        ahead.set(hash, block);
      }
    },
  };
}
