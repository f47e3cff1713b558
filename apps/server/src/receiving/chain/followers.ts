import type { Sats, Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Branch } from '../addresses/index.ts';
import type { Telling } from '../payments/index.ts';

/**
 * Whoever acts on what happens to transactions, all of it in the watcher's transaction (ADR 0012).
 * Followers are called in the order in which they were given.
 */
export type ChainFollower = {
  /**
   * Locks the rows that changes of these transactions, or this tip, will touch: before anything is
   * posted to the ledger and before orders are locked. The transactions and what they spend are on
   * record by then. May be told of none.
   */
  lock(tx: Tx, telling: Telling, txids: readonly string[]): Promise<void>;
  /**
   * The state on record of these transactions has changed: seen, included, returned to the mempool,
   * replaced or dropped. Payments of orders have been applied and coins are up to date.
   */
  changed(tx: Tx, telling: Telling, txids: readonly string[]): Promise<void>;
  /** Blocks were taken in or off; `telling.tipHeight` is the new height. */
  tip(tx: Tx, telling: Telling): Promise<void>;
};

/** An output to a script that we derived, whoever it was meant for. */
export type OwnOutput = {
  readonly merchantId: Uuid;
  readonly walletId: Uuid;
  readonly addressId: number;
  readonly branch: Branch;
  readonly index: number;
  readonly orderId: Uuid | null;
  readonly txid: string;
  readonly vout: number;
  readonly valueSats: Sats;
  readonly coinbase: boolean;
  /** Null while its transaction is in the mempool. */
  readonly height: number | null;
};

/** Keeps the coins of all wallets (paying/coins). */
export type CoinKeeper = {
  /** Adds outputs; one that is there learns whether an order has its address by now. */
  record(tx: Tx, outputs: readonly OwnOutput[]): Promise<void>;
  /** Derives anew what is told about the coins that these transactions make or spend. */
  refresh(tx: Tx, txids: readonly string[]): Promise<void>;
  /** Every coin that exists and is unspent, as outpoints of 36 bytes, in pages. */
  unspent(database: Database): AsyncIterable<readonly Uint8Array[]>;
};

export type Followed = {
  coins: CoinKeeper;
  followers: readonly ChainFollower[];
};
