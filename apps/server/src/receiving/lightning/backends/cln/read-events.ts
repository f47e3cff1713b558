import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import type { LightningEvent, LightningEventPage } from '../../lightning-node.ts';
import { invoiceOf } from './invoices.ts';
import type { ClnPayments } from './payments.ts';
import type { ClnRpc } from './rpc.ts';
import { invoicesShape, sendpaysShape } from './shapes.ts';

/** Payments that have not ended are bounded by the HTLCs of the channels. */
const MAX_OPEN = 1_000;

/**
 * Core Lightning numbers every change of an invoice and of a part of a payment (lightning-wait(7),
 * "updated"), which is a cursor as it should be.
 */
const index = z.string().regex(/^\d+$/);
const cursorShape = z.strictObject({
  invoices: index,
  sendpays: index,
  /** Hashes of payments that changed, and had not ended. */
  open: z.array(z.string()),
});
type Cursor = z.infer<typeof cursorShape>;
type Page = { events: LightningEvent[]; cursor: Cursor; hasMore: boolean };

export async function readEvents(
  rpc: ClnRpc,
  payments: ClnPayments,
  text: string | null,
  limit: number,
): Promise<LightningEventPage> {
  const settled = await readInvoices(rpc, readCursor(text), limit);
  const ended = await readPayments(rpc, payments, settled.cursor, limit - settled.events.length);
  return {
    events: [...settled.events, ...ended.events],
    cursor: JSON.stringify(ended.cursor),
    hasMore: settled.hasMore || ended.hasMore,
  };
}

async function readInvoices(rpc: ClnRpc, cursor: Cursor, limit: number): Promise<Page> {
  const start = Number(BigInt(cursor.invoices) + 1n);
  const { invoices } = await rpc.call(
    'listinvoices',
    { index: 'updated', start, limit },
    invoicesShape,
  );
  const events = invoices.flatMap((invoice): LightningEvent[] => {
    if (invoice.status !== 'paid') return [];
    const { paymentHash, receivedMsat, preimage, settledAtMs } = invoiceOf(invoice);
    const offerId = invoice.local_offer_id ?? null;
    const settled = { paymentHash, receivedMsat, preimage, atMs: settledAtMs ?? 0 };
    return [{ type: 'invoice_settled', ...settled, ...(offerId === null ? {} : { offerId }) }];
  });
  const next = highest(cursor.invoices, invoices);
  return { events, cursor: { ...cursor, invoices: next }, hasMore: invoices.length === limit };
}

async function readPayments(
  rpc: ClnRpc,
  payments: ClnPayments,
  cursor: Cursor,
  limit: number,
): Promise<Page> {
  if (limit <= 0) return { events: [], cursor, hasMore: true };
  const start = Number(BigInt(cursor.sendpays) + 1n);
  const { payments: parts } = await rpc.call(
    'listsendpays',
    { index: 'updated', start, limit },
    sendpaysShape,
  );
  const changed = new Set([...cursor.open, ...parts.map(({ payment_hash }) => payment_hash)]);
  const events: LightningEvent[] = [];
  const open: string[] = [];
  let isCut = false;
  for (const paymentHash of changed) {
    if (events.length >= limit) {
      isCut = true;
      open.push(paymentHash);
      continue;
    }
    const outcome = await payments.track(paymentHash);
    if (outcome.state === 'in_flight' || outcome.state === 'unknown') open.push(paymentHash);
    else if (outcome.state !== 'not_found') {
      events.push({ type: 'payment_ended', paymentHash, outcome });
    }
  }
  const next = highest(cursor.sendpays, parts);
  return {
    events,
    cursor: { ...cursor, sendpays: next, open: open.slice(-MAX_OPEN) },
    hasMore: isCut || parts.length === limit,
  };
}

function highest(
  before: string,
  changed: readonly { updated_index?: bigint | null | undefined }[],
): string {
  let top = BigInt(before);
  for (const { updated_index } of changed) {
    if ((updated_index ?? 0n) > top) top = updated_index ?? 0n;
  }
  return String(top);
}

function readCursor(text: string | null): Cursor {
  if (text === null) return { invoices: '0', sendpays: '0', open: [] };
  try {
    return cursorShape.parse(JSON.parse(text));
  } catch (error) {
    throw new LightningNodeError('refused', 'this is no cursor of the Core Lightning backend', {
      cause: error,
    });
  }
}
