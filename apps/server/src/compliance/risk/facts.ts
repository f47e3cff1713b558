import type { AddressCategory, ListPurpose, ListVersionRef } from '../screening/index.ts';

/** The shape of RiskFacts below; a new shape gets a new number and keeps this one readable. */
export const FACTS_VERSION = 1;

/** An address on a list, met on the way back. */
export type SourceHit = {
  /** 1: an address that an input of the payment spends. */
  readonly hop: number;
  readonly address: string;
  /** Of the payment's inputs, in millionths, as far as the amounts were followed. */
  readonly sharePpm: number;
  readonly list: string;
  readonly versionId: string;
  readonly entryId: string;
  readonly label: string | null;
  readonly purpose: ListPurpose;
  readonly categories: readonly AddressCategory[];
};

/** Why a coin was not followed farther. */
export type UntracedReason =
  /** The node has pruned the block. */
  | 'pruned'
  /** Neither the node nor the record has the transaction. */
  | 'not_found'
  /** As many transactions or inputs were read as the configuration allows. */
  | 'limit'
  /** It comes from an address of an exchange, where everybody's coins meet. */
  | 'exchange';

export type SourceFacts = {
  readonly hops: number;
  /** Addresses that the inputs spend, the largest share first, at most MAX_DIRECT. */
  readonly direct: readonly {
    readonly address: string;
    readonly sharePpm: number;
    /** When the coin that is spent came there: the address is as old or older. */
    readonly seenAtMs: number | null;
  }[];
  /** Share of the inputs whose address nobody can tell. */
  readonly unknownPpm: number;
  readonly hits: readonly SourceHit[];
  /** Met addresses that the store itself calls harmless: labels do not count, sanctions do. */
  readonly allowed: readonly string[];
  readonly transactions: number;
  readonly addresses: number;
  readonly untraced: readonly {
    readonly hop: number;
    readonly reason: UntracedReason;
    readonly coins: number;
  }[];
};

export type ShapeFacts = {
  readonly inputs: number;
  readonly outputs: number;
  readonly coinjoin: boolean;
  /** Transactions in a row that split a little off a large coin and pass the rest on. */
  readonly peelLength: number;
  readonly dustOutputs: number;
  /** Transactions that paid the order and were replaced. */
  readonly replaced: number;
};

export type HistoryFacts = {
  /** Payments of the store in this currency that were approved before. */
  readonly count: number;
  readonly medianMinor: string | null;
  /** Hundredths. On the logarithm of amounts by median and MAD; null without payments. */
  readonly robustZ: number | null;
  /** Hundredths. By mean and standard deviation of the amounts, for comparison. */
  readonly plainZ: number | null;
};

/**
 * Everything that a decision rests on, as JSON: amounts are text, other numbers whole. Nothing in it
 * depends on the configuration but how far the trace went, so that another one can be tried on it.
 */
export type RiskFacts = {
  readonly version: typeof FACTS_VERSION;
  readonly atMs: number;
  readonly payment: {
    readonly method: 'onchain' | 'lightning';
    readonly amountSats: string;
    /** At the order's own locked price; satoshis for an order priced in bitcoin. */
    readonly amountMinor: string;
    readonly currency: string;
  };
  readonly history: HistoryFacts;
  readonly velocity: {
    /** Payments to the store in the last 24 hours, this one included: from one address, and all. */
    readonly source: number | null;
    readonly store: number;
    /** Of the store on a usual day (median of up to 28 days); null before the first whole day. */
    readonly storeUsual: number | null;
  };
  /** null for Lightning, which shows neither. */
  readonly source: SourceFacts | null;
  readonly shape: ShapeFacts | null;
  /** Direct addresses that a refund of the store was paid to. */
  readonly refunded: readonly string[];
  readonly lists: readonly ListVersionRef[];
};
