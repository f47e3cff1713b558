import type { Outpoint } from './chain-source.ts';
import { type MempoolDeps, type MempoolTransaction, takeInMempool } from './mempool.ts';

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
      await takeInWithSpenders(deps, await rawsOf(deps, chunk));
      at += chunk.length;
      return true;
    },
  };
}

async function rawsOf(deps: MempoolDeps, txids: readonly string[]): Promise<MempoolTransaction[]> {
  const raws = txids.length === 0 ? [] : await deps.source.rawTransactions(txids);
  return raws.filter((raw) => raw !== null).map((raw) => ({ raw, seenAtMs: null }));
}

/**
 * The node lists its mempool in no order: what spends a coin of ours may have been passed over in a
 * chunk before, when the coin was not known. So the node is asked who spends the coins that turned
 * up. A chain of unconfirmed transactions has an end (Bitcoin Core's policy), and each is met once.
 */
async function takeInWithSpenders(
  deps: MempoolDeps,
  transactions: readonly MempoolTransaction[],
): Promise<void> {
  const met = new Set<string>();
  let next = transactions;
  while (next.length > 0) {
    const coins: Outpoint[] = [];
    await takeInMempool(deps, next, (outputs) => coins.push(...outputs));
    const spenders = coins.length === 0 ? [] : await deps.source.mempoolSpenders(coins);
    const fresh = new Set(
      spenders.filter((txid) => txid !== null).filter((txid) => !met.has(txid)),
    );
    for (const txid of fresh) met.add(txid);
    next = await rawsOf(deps, [...fresh]);
  }
}
