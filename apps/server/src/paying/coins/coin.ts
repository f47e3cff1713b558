import type { Sats, Uuid } from '@quittance/kernel';
import type { Branch } from '../../receiving/addresses/index.ts';

/** A coin by the transaction that made it (txid as people write it). */
export type CoinRef = { readonly txid: string; readonly vout: number };

/** A coin that may be put into a transaction. */
export type SpendableCoin = CoinRef & {
  readonly valueSats: Sats;
  readonly branch: Branch;
  readonly index: number;
  /** Null while its transaction is in the mempool: then it is change of our own. */
  readonly height: number | null;
  /** Of change in the mempool: our spends there that it comes from, whose fees a child pays too. */
  readonly ancestors: WaitingAncestors | null;
};

/** Transactions of ours that wait for a block, the one that made the coin and all before it. */
export type WaitingAncestors = {
  readonly transactions: number;
  readonly vsize: number;
  readonly feeSats: Sats;
};

/** What a wallet holds. A coin whose spender is in the mempool is not in any of the sums. */
export type WalletBalances = {
  readonly confirmedSats: Sats;
  readonly unconfirmedSats: Sats;
  /** Of both: held by spends that are under way. */
  readonly reservedSats: Sats;
  /** What a plan could use now: with a confirmation, or change of our own. */
  readonly spendableSats: Sats;
};

/** A coin as its owner sees it. */
export type ListedCoin = CoinRef & {
  readonly valueSats: Sats;
  readonly address: string;
  readonly branch: Branch;
  readonly index: number;
  readonly orderId: Uuid | null;
  readonly height: number | null;
  readonly coinbase: boolean;
  readonly reserved: boolean;
  readonly frozen: boolean;
  readonly label: string | null;
};

/** A block reward can not be spent before it has this many confirmations (Bitcoin consensus). */
export const COINBASE_MATURITY = 100;

/**
 * Most coins that are given out for one plan, the largest first: enough for any transaction that
 * fits the network's limit of 100,000 vbytes many times over, and a bound on time and memory.
 */
export const MAX_SPENDABLE = 250_000;
