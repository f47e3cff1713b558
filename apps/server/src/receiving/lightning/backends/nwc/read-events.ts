import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import type { LightningEvent, LightningEventPage } from '../../lightning-node.ts';
import {
  outcomeOfTransaction,
  stateOf,
  transactionShape,
  type WalletTransaction,
} from './transaction.ts';
import type { WalletService } from './wallet-service.ts';

/**
 * A wallet service lists by when a transaction began, newest first, and has no index. So everything
 * is read that began up to a day before the newest settlement that was told (our invoices do not live
 * longer); of it, what was settled since and was not told is news. Older ones are found by hash.
 */
const WINDOW_S = 24n * 60n * 60n;
/** Services give fewer than asked for; this is what the known ones give. */
const PAGE_SIZE = 50;
/** Ten thousand transactions. Beyond it, lookups by hash remain. */
const MAX_PAGES = 200;
/** Settlements within one second come in any order, and the parts of a hub differ in their clocks. */
const OVERLAP_S = 60n;

const cursorShape = z.strictObject({
  /** The newest settlement that was told, in seconds since 1970. */
  settledAt: z.string().regex(/^\d+$/),
  /** What was told of the last minute before it: its second, direction and hash. */
  told: z.array(z.string().regex(/^\d+:[io]:[0-9a-f]{64}$/)),
  /** Hashes of invoices that are held and were told so. */
  held: z.array(z.string()).default([]),
});
type Cursor = z.infer<typeof cursorShape>;

const pageShape = z.object({ transactions: z.array(transactionShape) });

export async function readEvents(
  wallet: WalletService,
  text: string | null,
  limit: number,
  heldSince: bigint | null,
): Promise<LightningEventPage> {
  const before = readCursor(text);
  const held = heldSince === null ? null : await readHeld(wallet, before, heldSince, limit);
  const cursor = held?.cursor ?? before;
  const room = limit - (held?.events.length ?? 0);
  const newest = BigInt(cursor.settledAt);
  const from = newest > WINDOW_S ? newest - WINDOW_S : 0n;
  const news = (await readWindow(wallet, from))
    .filter((one) => stateOf(one) === 'settled' && settledAt(one) >= newest - OVERLAP_S)
    .filter((one) => !cursor.told.includes(idOf(one)))
    .sort((a, b) => Number(settledAt(a) - settledAt(b)));
  const page = news.slice(0, room);
  return {
    events: [...(held?.events ?? []), ...page.map(eventOf)],
    cursor: JSON.stringify(advance(cursor, page)),
    hasMore: news.length > room,
  };
}

/** Payments that are held are listed among what is unpaid; only read while we have such invoices. */
async function readHeld(
  wallet: WalletService,
  cursor: Cursor,
  since: bigint,
  limit: number,
): Promise<{ events: LightningEvent[]; cursor: Cursor }> {
  const unpaid = await readWindow(wallet, since, { unpaid: true, type: 'incoming' });
  const held = unpaid.filter((one) => stateOf(one) === 'held');
  const news = held.filter(({ payment_hash }) => !cursor.held.includes(payment_hash));
  const events = news.slice(0, limit).map((one): LightningEvent => {
    const atMs = Number(settledAt(one)) * 1_000;
    return {
      ...{ type: 'invoice_held', paymentHash: one.payment_hash, preimage: null, atMs },
      receivedMsat: one.amount,
    };
  });
  const told = held.filter((one) => !news.slice(limit).includes(one));
  return { events, cursor: { ...cursor, held: told.map(({ payment_hash }) => payment_hash) } };
}

async function readWindow(
  wallet: WalletService,
  from: bigint,
  more: { unpaid: boolean; type?: 'incoming' } = { unpaid: false },
): Promise<WalletTransaction[]> {
  const found: WalletTransaction[] = [];
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = { from: Number(from), limit: PAGE_SIZE, offset: found.length, ...more };
    const { transactions } = await wallet.request('list_transactions', params, pageShape);
    found.push(...transactions);
    if (transactions.length === 0) break;
  }
  return found;
}

/** Pure: what is remembered after a page was told. Exported for its test. */
export function advance(cursor: Cursor, page: readonly WalletTransaction[]): Cursor {
  let newest = BigInt(cursor.settledAt);
  for (const one of page) if (settledAt(one) > newest) newest = settledAt(one);
  const told = [...cursor.told, ...page.map(idOf)];
  const isRecent = (id: string): boolean => BigInt(id.split(':')[0] ?? '0') >= newest - OVERLAP_S;
  return { ...cursor, settledAt: String(newest), told: told.filter(isRecent) };
}

function settledAt({ settled_at, created_at }: WalletTransaction): bigint {
  return settled_at ?? created_at ?? 0n;
}

function idOf(transaction: WalletTransaction): string {
  const direction = transaction.type === 'outgoing' ? 'o' : 'i';
  return `${settledAt(transaction)}:${direction}:${transaction.payment_hash}`;
}

function eventOf(transaction: WalletTransaction): LightningEvent {
  const paymentHash = transaction.payment_hash;
  if (transaction.type === 'outgoing') {
    return { type: 'payment_ended', paymentHash, outcome: outcomeOfTransaction(transaction) };
  }
  return {
    type: 'invoice_settled',
    paymentHash,
    receivedMsat: transaction.amount,
    preimage: transaction.preimage,
    atMs: Number(settledAt(transaction)) * 1_000,
  };
}

function readCursor(text: string | null): Cursor {
  if (text === null) return { settledAt: '0', told: [], held: [] };
  try {
    return cursorShape.parse(JSON.parse(text));
  } catch (error) {
    throw new LightningNodeError('refused', 'this is no cursor of the NWC backend', {
      cause: error,
    });
  }
}
