import type { Sats, Uuid } from '@quittance/kernel';
import { type Database, together, type Tx } from '../../platform/db/index.ts';
import type { Branch } from '../addresses/index.ts';
import type { Telling } from '../payments/index.ts';

/** What there is to do; null: nothing, which is the answer to nearly every payment of an order. */
export type Step = (() => Promise<void>) | null;

/**
 * Whoever acts on what happens to transactions, all of it in the watcher's transaction (ADR 0012).
 * `lock` and `changed` only read: all followers are asked at once, in one round trip where each asks
 * at once what it asks. The steps that they answer with are taken in the order in which the followers
 * were given.
 */
export type ChainFollower = {
  /**
   * Which rows will changes of these transactions, or a new tip, touch? The step locks them: before
   * anything is posted to the ledger and before orders are locked. The transactions and what they
   * spend are on record by then. May be told of none.
   */
  lock(
    tx: Tx,
    telling: Telling,
    news: { txids: readonly string[]; atNewTip: boolean },
  ): Promise<Step>;
  /**
   * The state on record of these transactions has changed: seen, included, returned to the mempool,
   * replaced or dropped. Payments of orders have been applied and coins are up to date. The step
   * follows it.
   */
  changed(tx: Tx, telling: Telling, txids: readonly string[]): Promise<Step>;
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

/**
 * Asks all at once and takes the first step that there is. It may change what those behind have
 * answered, so they are asked again.
 */
export async function inTurn<T>(of: readonly T[], ask: (each: T) => Promise<Step>): Promise<void> {
  for (let rest = of; rest.length > 0; ) {
    const steps = await together(rest.map(ask));
    const at = steps.findIndex((step) => step !== null);
    if (at === -1) return;
    await steps[at]?.();
    rest = rest.slice(at + 1);
  }
}
