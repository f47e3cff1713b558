import { type MempoolDeps, takeInMempool } from './mempool.ts';

/** Transactions whose bytes are asked for at a time, so that blocks and pushes get in between. */
const CHUNK = 100;

/** A reading of the whole mempool, worked off in chunks. */
export type Resync = {
  readonly total: number;
  remaining(): number;
  /** Takes the next chunk in; false when there was none left. */
  step(): Promise<boolean>;
};

/**
 * Begins to read the node's mempool: at the start, and whenever pushes were missed.
 * @param skip transactions that were scanned before (polling without pushes); null for none
 */
export async function beginResync(
  deps: MempoolDeps,
  skip: ReadonlySet<string> | null,
): Promise<Resync & { txids: readonly string[] }> {
  const txids = await deps.source.mempoolTxids();
  // After the mempool, as after blocks: what it pays are addresses that were given out before.
  await deps.watch.refresh();
  const wanted = skip === null ? txids : txids.filter((txid) => !skip.has(txid));
  let at = 0;
  return {
    txids,
    total: wanted.length,
    remaining: () => wanted.length - at,
    async step() {
      const chunk = wanted.slice(at, at + CHUNK);
      if (chunk.length === 0) return false;
      const raws = await deps.source.rawTransactions(chunk);
      const there = raws.filter((raw) => raw !== null);
      await takeInMempool(
        deps,
        there.map((raw) => ({ raw, seenAtMs: null })),
      );
      at += chunk.length;
      return true;
    },
  };
}
