import type { Sats } from '@quittance/kernel';

/** A transaction as far as it could be read, with what its inputs spent. */
export type TracedTransaction = {
  readonly txid: string;
  /** null while it is in no block. */
  readonly height: number | null;
  /** Of its block, or when it was first seen. */
  readonly timeMs: number | null;
  readonly isCoinbase: boolean;
  readonly inputs: readonly SpentOutput[];
  readonly outputs: readonly { readonly valueSats: Sats; readonly script: Uint8Array }[];
};

export type SpentOutput = {
  readonly txid: string;
  readonly vout: number;
  /** null where nobody can tell, or the script has no address. */
  readonly address: string | null;
  readonly valueSats: Sats | null;
  /** Of the block that made it; null: unknown, or in no block. */
  readonly height: number | null;
};

/** A transaction that is wanted, with the block that it is in where that is known. */
export type Wanted = {
  readonly txid: string;
  readonly height: number | null;
  /** The bytes of one that is in no block, where they are at hand: then only its coins are asked for. */
  readonly raw?: Uint8Array | null;
};

export type Read =
  | { readonly ok: true; readonly transaction: TracedTransaction }
  | { readonly ok: false; readonly reason: 'pruned' | 'not_found' };

/**
 * Reads transactions of the past. What can not be had is said; where the node itself is away, it throws.
 */
export type ReadTransactions = (wanted: readonly Wanted[]) => Promise<readonly Read[]>;
