import { createHash } from 'node:crypto';
import { fromHex, type Clock, type Ids, toHex } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Invoice } from './invoice.ts';
import { lockInvoice, type OwnInvoice } from './invoice-store.ts';
import { changeInvoice } from './take-in.ts';

type Now = { clock: Clock; ids: Ids };

/**
 * Puts on record that a held payment is taken. The node does it right after (keep-invoices.ts), again
 * and again until it has. The same preimage again changes nothing.
 * @throws {AppError} not_found, invalid_request, conflict when nothing is held
 */
export async function settleHeld(
  tx: Tx,
  deps: Now,
  own: OwnInvoice & { preimage: string },
): Promise<Invoice> {
  const invoice = await lockInvoice(tx, own);
  if (invoice === undefined) throw notFound();
  const hash = toHex(createHash('sha256').update(fromHex(own.preimage)).digest());
  if (hash !== invoice.paymentHash) {
    throw new AppError('invalid_request', 'This preimage does not belong to the payment hash.', {
      fields: [{ pointer: '/preimage', detail: 'its SHA-256 is another hash' }],
    });
  }
  const event = { type: 'settle', preimage: own.preimage } as const;
  return await decide(tx, deps, invoice, event);
}

/**
 * Puts on record that an invoice shall not be paid, or that a held payment goes back.
 * @throws {AppError} not_found, conflict when it is paid or being taken, or is an order's
 */
export async function cancelInvoice(tx: Tx, deps: Now, own: OwnInvoice): Promise<Invoice> {
  const invoice = await lockInvoice(tx, own);
  if (invoice === undefined) throw notFound();
  if (invoice.purpose === 'order') {
    throw new AppError('conflict', 'It belongs to an order: cancel the order instead.');
  }
  return await decide(tx, deps, invoice, { type: 'cancel', reason: 'asked' });
}

async function decide(
  tx: Tx,
  { clock, ids }: Now,
  invoice: Invoice,
  event: Parameters<typeof changeInvoice>[3],
): Promise<Invoice> {
  const nowMs = clock.nowMs();
  const after = await changeInvoice(tx, { ids, nowMs }, invoice, event, nowMs);
  if (after !== null) return after;
  throw new AppError('conflict', `The invoice is ${invoice.state}.`);
}

function notFound(): AppError {
  return new AppError('not_found', 'There is no such Lightning invoice.');
}
