/** Where the truth about the chain is pulled from. Hashes are written as people write them. */
export interface ChainSource {
  /** The tip of the active chain. */
  tip(): Promise<{ height: number; hash: string }>;
  /** Hashes of the active chain, from a height on; stops at the tip. */
  hashesFrom(height: number, count: number): Promise<string[]>;
  /** @param room gives memory for the block, of this many bytes; a source may use its own */
  rawBlock(hash: string, room?: Room): Promise<Uint8Array>;
  /** Headers of 80 bytes each, from one block of the active chain up. */
  rawHeaders(fromHash: string, count: number): Promise<Uint8Array>;
  mempoolTxids(): Promise<string[]>;
  /** Raw transactions out of the mempool; null for one that is not there any more. */
  rawTransactions(txids: readonly string[]): Promise<(Uint8Array | null)[]>;
  /** When each came into the node's mempool; null for one that is not there. */
  mempoolEntryTimesMs(txids: readonly string[]): Promise<(number | null)[]>;
  /**
   * What the node thinks of a block that is not in its active chain: it has found it invalid, it
   * has it beside or above its tip, or it does not know it (any more).
   */
  judge(hash: string): Promise<'invalid' | 'known' | 'unknown'>;
  /** Whether the node is still catching up with the network. */
  isCatchingUp(): Promise<boolean>;
  /**
   * Gives a payer's transaction back to a node that has lost its mempool.
   * @returns whether the node has it now, or had it in a block
   */
  resubmit(raw: Uint8Array): Promise<boolean>;
  /** Which mempool transaction spends each outpoint, if any does. */
  mempoolSpenders(outpoints: readonly Outpoint[]): Promise<(string | null)[]>;
}

export type Room = (length: number) => Uint8Array;

export type Outpoint = { txid: string; vout: number };

/** Pushes of the node. They are doorbells: they may be lost, doubled or late (ADR 0006). */
export interface Doorbells {
  onTransaction(raw: Uint8Array): void;
  onBlock(): void;
  /** A transaction has left the node's mempool other than into a block. */
  onRemoval(txid: string): void;
  /** Something was missed: read the mempool anew. */
  onGap(reason: string): void;
}

/** The node has fewer blocks than were processed, and none that contradict them: wait for it. */
export class NodeBehindError extends Error {
  override name = 'NodeBehindError';
}

/** The watcher can't go on without a person: the node is not the one it was, or the wrong one. */
export class ChainHaltError extends Error {
  override name = 'ChainHaltError';
}
