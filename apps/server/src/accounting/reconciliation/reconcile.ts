import { MSATS_PER_SAT, type Sats, type Uuid } from '@quittance/kernel';

/** A spend whose booked transaction is not the one that the chain's record has. */
export type SpendFact = {
  readonly spendId: Uuid;
  /** What is booked for it: txid and what leaves the wallet by it; null when nothing is. */
  readonly booked: { readonly txid: string; readonly outSats: Sats } | null;
  /** The transaction of it that spends our coins on record; null when none does. */
  readonly onChain: { readonly txid: string; readonly outSats: Sats } | null;
};

/** A transaction by which coins and book changed differently. */
export type TransactionFact = {
  readonly txid: string;
  readonly chainSats: Sats;
  readonly bookedSats: Sats;
};

/** A transfer that touches the wallet's account and belongs to no event that we know. */
export type TransferFact = {
  readonly transferId: Uuid;
  readonly template: string;
  readonly sats: Sats;
};

/** A coin that only one of node and record has. */
export type CoinFact = { readonly txid: string; readonly vout: number; readonly valueSats: Sats };

/** The node's own view; null when it was not asked. */
export type NodeFacts =
  | { readonly readable: false; readonly reason: string }
  | {
      readonly readable: true;
      readonly nodeOnly: readonly CoinFact[];
      readonly recordOnly: readonly CoinFact[];
    };

export type Facts = {
  /** Debits less credits of onchain.wallet, posted and pending. */
  readonly ledgerMsats: bigint;
  /** Value of all coins that exist and are unspent. */
  readonly coinSats: Sats;
  readonly spends: readonly SpendFact[];
  /** What may explain a difference; null when the sums alone were read. */
  readonly suspects: {
    readonly transactions: readonly TransactionFact[];
    readonly transfers: readonly TransferFact[];
  } | null;
  readonly node: NodeFacts | null;
};

/** A difference that is as it should be: money that is booked as gone, and on its way. */
export type Explained = {
  readonly kind: 'spend_not_on_record' | 'spend_not_booked' | 'spend_replaced';
  readonly spendId: Uuid;
  readonly txid: string;
  readonly sats: Sats;
};

export type Break =
  /** Coins and book changed differently by this transaction. */
  | {
      readonly kind: 'transaction';
      readonly txid: string;
      readonly chainSats: Sats;
      readonly bookedSats: Sats;
    }
  /** A transfer changed the wallet's account without an event of the chain. */
  | {
      readonly kind: 'transfer';
      readonly transferId: Uuid;
      readonly template: string;
      readonly sats: Sats;
    }
  | {
      readonly kind: 'coin_only_at_node' | 'coin_only_on_record';
      readonly txid: string;
      readonly vout: number;
      readonly sats: Sats;
    }
  /** What remains and nothing named here explains. */
  | { readonly kind: 'unexplained'; readonly sats: Sats }
  /** On-chain money is whole satoshis; the account is not. */
  | { readonly kind: 'fraction'; readonly msats: bigint };

export type Reconciliation = {
  readonly state: 'ok' | 'break' | 'unreadable';
  readonly node: 'not_asked' | 'equal' | 'different' | 'unreadable';
  readonly ledgerSats: Sats;
  readonly coinSats: Sats;
  /** What booked spends take out that the chain's record does not have yet. */
  readonly explainedSats: Sats;
  /** Book less (coins less explained): zero, or something is wrong. */
  readonly differenceSats: Sats;
  readonly explained: readonly Explained[];
  readonly breaks: readonly Break[];
  readonly reason: string | null;
};

/**
 * Compares what the book says the wallets hold with the coins that they do hold, and, where it was
 * asked, with the node's own set. Pure. Any difference that is not a booked spend on its way is a
 * break, however small; sums that happen to agree do not hide transactions that differ.
 */
export function reconcile(facts: Facts): Reconciliation {
  const { coinSats, spends, suspects, node } = facts;
  const fraction = facts.ledgerMsats % MSATS_PER_SAT;
  const ledgerSats = (facts.ledgerMsats - fraction) / MSATS_PER_SAT;
  const explained = spends.flatMap(explain);
  const explainedSats = explained.reduce((sum, { sats }) => sum + sats, 0n);
  const differenceSats = ledgerSats - (coinSats - explainedSats);
  const onTheirWay = new Set(
    spends.flatMap(({ booked, onChain }) => [booked?.txid ?? '', onChain?.txid ?? '']),
  );
  const transactions = (suspects?.transactions ?? []).filter(
    (each) => !onTheirWay.has(each.txid) && each.chainSats !== each.bookedSats,
  );
  const transfers = suspects?.transfers ?? [];
  const named =
    transactions.reduce((sum, each) => sum + each.bookedSats - each.chainSats, 0n) +
    transfers.reduce((sum, { sats }) => sum + sats, 0n);
  const breaks: Break[] = [
    ...transactions.map((each) => ({ kind: 'transaction' as const, ...each })),
    ...transfers.map((each) => ({ kind: 'transfer' as const, ...each })),
    ...nodeBreaks(node),
  ];
  if (differenceSats !== named) breaks.push({ kind: 'unexplained', sats: differenceSats - named });
  if (fraction !== 0n) breaks.push({ kind: 'fraction', msats: fraction });
  return {
    state: breaks.length > 0 ? 'break' : node?.readable === false ? 'unreadable' : 'ok',
    node: nodeState(node),
    ...{ ledgerSats, coinSats, explainedSats, differenceSats, explained, breaks },
    reason: node?.readable === false ? node.reason : null,
  };
}

function explain({ spendId, booked, onChain }: SpendFact): Explained[] {
  const sats = (booked?.outSats ?? 0n) - (onChain?.outSats ?? 0n);
  const txid = booked?.txid ?? onChain?.txid;
  if (txid === undefined) return [];
  const kind =
    onChain === null
      ? 'spend_not_on_record'
      : booked === null
        ? 'spend_not_booked'
        : 'spend_replaced';
  return [{ kind, spendId, txid, sats }];
}

function nodeState(node: NodeFacts | null): Reconciliation['node'] {
  if (node === null) return 'not_asked';
  if (!node.readable) return 'unreadable';
  return node.nodeOnly.length + node.recordOnly.length === 0 ? 'equal' : 'different';
}

function nodeBreaks(node: NodeFacts | null): Break[] {
  if (node === null || !node.readable) return [];
  const toBreak = (kind: 'coin_only_at_node' | 'coin_only_on_record') => (coin: CoinFact) => ({
    kind,
    txid: coin.txid,
    vout: coin.vout,
    sats: coin.valueSats,
  });
  return [
    ...node.nodeOnly.map(toBreak('coin_only_at_node')),
    ...node.recordOnly.map(toBreak('coin_only_on_record')),
  ];
}
