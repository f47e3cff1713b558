import type { LightningEvent } from '../../lightning-node.ts';
import type { LndCursor } from './cursor.ts';
import { invoiceOf } from './invoices.ts';
import type { LndRest } from './rest.ts';
import { invoicePageShape, invoiceShape, type LndInvoice } from './shapes.ts';

type Page = { events: LightningEvent[]; cursor: LndCursor; hasMore: boolean };

/** How long the first message of a backlog may take; LND reads it from its database. */
const BACKLOG_FIRST_MS = 400;
/** Every so many empty readings we wait longer, so that a slow database is not taken for silence. */
const LONG_WAIT_EVERY = 20;
const BACKLOG_FIRST_LONG_MS = 5_000;
/** Between two messages of a backlog. What comes later is read the next time. */
const BACKLOG_NEXT_MS = 60;
/** Hold invoices wait minutes, and each needs a channel's HTLC (483 at most, BOLT 2). */
const MAX_PENDING_INVOICES = 1_000;

/** How long to wait for a backlog that may be empty: LND does not say that it has ended. */
export type Patience = { firstMs(): number; heard(): void };

export function createPatience(): Patience {
  let empty = 0;
  return {
    firstMs() {
      empty += 1;
      return empty % LONG_WAIT_EVERY === 0 ? BACKLOG_FIRST_LONG_MS : BACKLOG_FIRST_MS;
    },
    heard() {
      empty = 0;
    },
  };
}

/**
 * Invoices that were settled after the cursor. LND gives them in the order of their settling, by a
 * subscription with a settle index, but never the very first one (index 0 means "none"). So as long
 * as nothing is known to be settled, the list of all invoices is read.
 */
export function readSettled(
  rest: LndRest,
  patience: Patience,
  cursor: LndCursor,
  limit: number,
): Promise<Page> {
  return cursor.settled === '0'
    ? readFromList(rest, cursor, limit)
    : readFromBacklog(rest, patience, cursor, limit);
}

async function readFromList(rest: LndRest, cursor: LndCursor, limit: number): Promise<Page> {
  const { invoices, last_index_offset } = await rest.get(
    `/v1/invoices?index_offset=${cursor.listed}&num_max_invoices=${limit}`,
    invoicePageShape,
  );
  const settled = invoices.filter(({ state }) => state === 'SETTLED');
  const counted = cursor.counted + settled.length;
  const highest = settled.reduce(
    (top, { settle_index }) => (settle_index > top ? settle_index : top),
    BigInt(cursor.highest),
  );
  const events = settled.map(settledEvent);
  if (invoices.length === limit) {
    const listed = String(last_index_offset);
    return {
      events,
      cursor: { ...cursor, listed, counted, highest: String(highest) },
      hasMore: true,
    };
  }
  const restart = { ...cursor, listed: '0', counted: 0, highest: '0' };
  if (counted === 0) return { events, cursor: restart, hasMore: false };
  // Indexes count from 1 without a gap. If we have seen as many as the highest, we have seen all;
  // else one was settled behind our back, and everything after the first comes once more.
  const complete = BigInt(counted) === highest;
  return {
    events,
    cursor: { ...restart, settled: complete ? String(highest) : '1' },
    hasMore: false,
  };
}

async function readFromBacklog(
  rest: LndRest,
  patience: Patience,
  cursor: LndCursor,
  limit: number,
): Promise<Page> {
  const firstMs = patience.firstMs();
  const stop = new AbortController();
  const messages = rest.stream(
    {
      path: `/v1/invoices/subscribe?settle_index=${cursor.settled}`,
      timeoutMs: firstMs + limit * BACKLOG_NEXT_MS,
      signal: stop.signal,
    },
    invoiceShape,
  );
  const events: LightningEvent[] = [];
  let settled = BigInt(cursor.settled);
  let timer = setTimeout(() => stop.abort(), firstMs);
  try {
    for await (const invoice of messages) {
      clearTimeout(timer);
      patience.heard();
      // Between the backlog and us, an invoice may be added: that is told as well.
      if (invoice.state === 'SETTLED' && invoice.settle_index > settled) {
        events.push(settledEvent(invoice));
        settled = invoice.settle_index;
      }
      if (events.length === limit) break;
      timer = setTimeout(() => stop.abort(), BACKLOG_NEXT_MS);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  return {
    events,
    cursor: { ...cursor, settled: String(settled) },
    hasMore: events.length === limit,
  };
}

function settledEvent(invoice: LndInvoice): LightningEvent {
  const { paymentHash, receivedMsat, preimage, settledAtMs } = invoiceOf(invoice);
  return {
    type: 'invoice_settled',
    paymentHash,
    receivedMsat,
    preimage,
    atMs: settledAtMs ?? 0,
  };
}

/** Invoices that a payment is held for, each told once. */
export async function readHeld(
  rest: LndRest,
  cursor: LndCursor,
  limit: number,
  nowMs: number,
): Promise<Page> {
  const { invoices } = await rest.get(
    `/v1/invoices?pending_only=true&reversed=true&num_max_invoices=${MAX_PENDING_INVOICES}`,
    invoicePageShape,
  );
  const held = invoices.filter(({ state }) => state === 'ACCEPTED');
  const wasTold = ({ add_index }: LndInvoice): boolean => cursor.held.includes(String(add_index));
  const news = held.filter((invoice) => !wasTold(invoice));
  const told = news.slice(0, Math.max(0, limit));
  const events = told.map((invoice): LightningEvent => {
    const { paymentHash, receivedMsat } = invoiceOf(invoice);
    // LND does not keep when it accepted a payment.
    return { type: 'invoice_held', paymentHash, receivedMsat, preimage: null, atMs: nowMs };
  });
  const known = [...held.filter(wasTold), ...told].map(({ add_index }) => String(add_index));
  return { events, cursor: { ...cursor, held: known }, hasMore: told.length < news.length };
}
