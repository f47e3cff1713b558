import type { TracedTransaction } from './traced-transaction.ts';

/** Transactions that are kept: about 4 kB each. */
const MAX_KEPT = 2_000;
/** Transactions that are remembered as read before: four bytes for each place. A power of two. */
const MAX_REMEMBERED = 1 << 14;
/** The FNV-1a hash's own numbers (RFC 9923). */
const FNV_BASIS = 0x81_1c_9d_c5;
const FNV_PRIME = 0x01_00_01_93;

export type KeptTransactions = {
  get(txid: string): TracedTransaction | undefined;
  /** Keeps it if it was offered before, lately. */
  offer(transaction: TracedTransaction): void;
};

/**
 * Transactions that do not change any more, so that they need not be asked for again. Most of them lie
 * behind one payment only and are never met again: keeping these would fill the memory with what has to
 * be collected later, which stops everything for longer than asking. So of one that is new only a hash is
 * remembered, and it is kept when it is read for the second time.
 */
export function keepTransactions(maxKept: number = MAX_KEPT): KeptTransactions {
  const kept = new Map<string, TracedTransaction>();
  const remembered = new Uint32Array(MAX_REMEMBERED);

  return {
    get: (txid) => kept.get(txid),
    offer(transaction) {
      const { txid } = transaction;
      const hash = hashOf(txid);
      const place = hash % MAX_REMEMBERED;
      // Another one of the same hash is kept too early, which costs a little memory and is not wrong.
      if (remembered[place] !== hash) {
        remembered[place] = hash;
        return;
      }
      kept.set(txid, transaction);
      for (const oldest of kept.keys()) {
        if (kept.size <= maxKept) break;
        kept.delete(oldest);
      }
    },
  };
}

function hashOf(text: string): number {
  let hash = FNV_BASIS;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  }
  return hash >>> 0;
}
