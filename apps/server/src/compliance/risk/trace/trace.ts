import { looksLikeCoinjoin } from '@quittance/bitcoin';
import type { ShapeFacts, SourceFacts, UntracedReason } from '../facts.ts';
import { DUST_SATS } from '../factors/shape.ts';
import type {
  ReadTransactions,
  SpentOutput,
  TracedTransaction,
  Wanted,
} from './traced-transaction.ts';

/** Direct addresses that are kept in the facts: beyond, each is less than a hundredth of the money. */
export const MAX_DIRECT = 100;
/** Addresses of one hop that are looked up: a transaction has a few thousand inputs at most. */
const MAX_ADDRESSES_OF_HOP = 5_000;
const WHOLE_PPM = 1_000_000;
/** A peel leaves at least so much of the coin together. */
const PEEL_PERCENT = 90n;
/** A chain of peels goes on within a day or so: that many blocks. */
const PEEL_BLOCKS = 144;

/** peels: transactions of a chain of them that are counted at most; beyond, it is none the worse. */
export type TraceLimits = { hops: number; maxTransactions: number; peels: number };

/** An address met on the way back. */
export type MetAddress = { hop: number; address: string; sharePpm: number };

export type Trace = {
  readonly source: Omit<SourceFacts, 'hits' | 'allowed'>;
  /** Every address that was met, once for each hop. */
  readonly met: readonly MetAddress[];
  readonly shape: Omit<ShapeFacts, 'replaced'>;
};

/** A coin whose making transaction is to be read next. */
type Coin = Wanted & { vout: number; sharePpm: number };

/**
 * Follows what a payment's inputs spent, hop by hop, in breadth first. Shares follow the amounts, in
 * millionths rounded down. Each transaction is read once, however many coins of it are met.
 * @param stopAt addresses behind which nothing is said of the payer, such as an exchange's
 */
export async function trace(
  payment: TracedTransaction,
  read: ReadTransactions,
  { limits, stopAt }: { limits: TraceLimits; stopAt: (address: string) => boolean },
): Promise<Trace> {
  const untraced = new Map<string, { hop: number; reason: UntracedReason; coins: number }>();
  const giveUp = (hop: number, reason: UntracedReason, coins = 1) => {
    const key = `${hop} ${reason}`;
    const known = untraced.get(key) ?? { hop, reason, coins: 0 };
    untraced.set(key, { ...known, coins: known.coins + coins });
  };
  const met: MetAddress[] = [];
  const known = new Map<string, TracedTransaction>([[payment.txid, payment]]);
  let unknownPpm = 0;
  let hop = 1;
  let spenders = [{ transaction: payment, sharePpm: WHOLE_PPM }];
  let transactions = 0;
  for (;;) {
    const { coins, addresses } = spentBy(spenders);
    const kept = [...addresses].slice(0, MAX_ADDRESSES_OF_HOP);
    if (kept.length < addresses.size) giveUp(hop, 'limit', addresses.size - kept.length);
    for (const [address, sharePpm] of kept) met.push({ hop, address, sharePpm });
    const nobodys = coins.filter(({ address }) => address === null);
    if (hop === 1) unknownPpm = nobodys.reduce((sum, { sharePpm }) => sum + sharePpm, 0);
    const onwards = coins.filter(({ address }) => address === null || !stopAt(address));
    if (onwards.length < coins.length) giveUp(hop, 'exchange', coins.length - onwards.length);
    if (hop >= limits.hops || onwards.length === 0) break;
    const wanted = bigFirst(onwards);
    const room = limits.maxTransactions - transactions;
    const chosen = wanted.slice(0, Math.max(0, room));
    if (chosen.length < wanted.length) giveUp(hop, 'limit', wanted.length - chosen.length);
    transactions += chosen.length;
    const answers = await read(chosen);
    spenders = chosen.flatMap(({ sharePpm }, i) => {
      const answer = answers[i];
      if (answer === undefined || !answer.ok) {
        giveUp(hop, answer?.reason ?? 'not_found');
        return [];
      }
      const { transaction } = answer;
      known.set(transaction.txid, transaction);
      // New coins come from nobody.
      return transaction.isCoinbase ? [] : [{ transaction, sharePpm }];
    });
    if (spenders.length === 0) break;
    hop += 1;
  }
  const room = limits.maxTransactions - transactions;
  const peels = await readPeels(payment, known, read, { limits, room, stopAt });
  transactions += peels.length;
  for (const each of peels) known.set(each.txid, each);
  return {
    met,
    shape: shapeOf(payment, known),
    source: {
      hops: limits.hops,
      direct: directOf(payment, met, known),
      unknownPpm,
      transactions,
      addresses: met.length,
      untraced: [...untraced.values()],
    },
  };
}

/**
 * Reads on where a chain of peels goes on behind the last hop: hops end at owners, so that the last
 * transactions that they are made by are not read. It is one coin wide.
 */
async function readPeels(
  payment: TracedTransaction,
  known: ReadonlyMap<string, TracedTransaction>,
  read: ReadTransactions,
  {
    limits,
    room,
    stopAt,
  }: { limits: TraceLimits; room: number; stopAt: (address: string) => boolean },
): Promise<TracedTransaction[]> {
  const found: TracedTransaction[] = [];
  while (found.length < room) {
    const all = new Map([...known, ...found.map((each) => [each.txid, each] as const)]);
    const { length, before } = peelOf(payment, all);
    if (before === null || length === 0 || length >= limits.peels) return found;
    if (before.address !== null && stopAt(before.address)) return found;
    const [answer] = await read([before]);
    if (answer?.ok !== true) return found;
    found.push(answer.transaction);
  }
  return found;
}

/** What transactions spent, each coin with its share of the payment, and the shares by address. */
function spentBy(spenders: readonly { transaction: TracedTransaction; sharePpm: number }[]) {
  const addresses = new Map<string, number>();
  const coins: (Coin & { address: string | null })[] = [];
  for (const { transaction, sharePpm } of spenders) {
    const { inputs } = transaction;
    const values = inputs.map(({ valueSats }) => valueSats);
    const isComplete = values.every((value) => value !== null);
    const total = values.reduce<bigint>((sum, value) => sum + (value ?? 0n), 0n);
    for (const { txid, vout, address, valueSats, height } of inputs) {
      // Where an amount is missing, inputs count alike: better than leaving them out.
      const share =
        isComplete && total > 0n
          ? Number((BigInt(sharePpm) * (valueSats ?? 0n)) / total)
          : Math.floor(sharePpm / inputs.length);
      coins.push({ txid, vout, height, address, sharePpm: share });
      if (address !== null) addresses.set(address, (addresses.get(address) ?? 0) + share);
    }
  }
  return { coins, addresses };
}

/** The transactions that made some coins, the one with the largest share first. */
function bigFirst(coins: readonly Coin[]): (Wanted & { sharePpm: number })[] {
  const byTxid = new Map<string, Wanted & { sharePpm: number }>();
  for (const { txid, height, sharePpm } of coins) {
    const known = byTxid.get(txid);
    const sum = (known?.sharePpm ?? 0) + sharePpm;
    byTxid.set(txid, { txid, height: known?.height ?? height, sharePpm: sum });
  }
  return [...byTxid.values()].toSorted(
    (a, b) => b.sharePpm - a.sharePpm || (a.txid < b.txid ? -1 : 1),
  );
}

function directOf(
  payment: TracedTransaction,
  met: readonly MetAddress[],
  known: ReadonlyMap<string, TracedTransaction>,
): SourceFacts['direct'] {
  const seen = new Map<string, number | null>();
  for (const { txid, address } of payment.inputs) {
    if (address === null) continue;
    const timeMs = known.get(txid)?.timeMs ?? null;
    const before = seen.get(address);
    // The oldest coin says most about an address; one that nobody knows says that it may be old.
    const oldest =
      before === undefined
        ? timeMs
        : before === null || timeMs === null
          ? null
          : Math.min(before, timeMs);
    seen.set(address, oldest);
  }
  return met
    .filter(({ hop }) => hop === 1)
    .toSorted((a, b) => b.sharePpm - a.sharePpm || (a.address < b.address ? -1 : 1))
    .slice(0, MAX_DIRECT)
    .map(({ address, sharePpm }) => ({ address, sharePpm, seenAtMs: seen.get(address) ?? null }));
}

/** What the transaction itself and those before it look like. */
export function shapeOf(
  payment: TracedTransaction,
  known: ReadonlyMap<string, TracedTransaction> = new Map(),
): Omit<ShapeFacts, 'replaced'> {
  const { inputs, outputs } = payment;
  const spending = {
    inputs: inputs.map(({ vout }) => ({ prevTxid: EMPTY, prevVout: vout, sequence: 0 })),
    outputs,
  };
  return {
    inputs: inputs.length,
    outputs: outputs.length,
    coinjoin: looksLikeCoinjoin(spending).length > 0,
    peelLength: peelOf(payment, known).length,
    dustOutputs: outputs.filter(({ valueSats }) => valueSats > 0n && valueSats < DUST_SATS).length,
  };
}

const EMPTY = new Uint8Array(32);

/**
 * How many transactions in a row, going back, passed on nearly all of one coin.
 * @returns before: the coin where what is known ends, and the chain may go on
 */
function peelOf(
  payment: TracedTransaction,
  known: ReadonlyMap<string, TracedTransaction>,
): { length: number; before: SpentOutput | null } {
  let length = 0;
  let at = payment;
  for (;;) {
    const [input] = at.inputs;
    if (input === undefined || at.inputs.length > 1 || at.isCoinbase) {
      return { length, before: null };
    }
    const before = known.get(input.txid);
    if (before === undefined) return { length, before: input };
    if (before.outputs.length !== 2 || before.inputs.length !== 1) return { length, before: null };
    const total = before.outputs.reduce((sum, { valueSats }) => sum + valueSats, 0n);
    const passedOn = before.outputs[input.vout]?.valueSats ?? 0n;
    const far = at.height !== null && before.height !== null && at.height - before.height;
    if (passedOn * 100n < total * PEEL_PERCENT || (far !== false && far > PEEL_BLOCKS)) {
      return { length, before: null };
    }
    length += 1;
    at = before;
  }
}
