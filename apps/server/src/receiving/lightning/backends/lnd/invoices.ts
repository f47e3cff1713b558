import { LightningNodeError } from '../../errors.ts';
import type { NewInvoice, NodeInvoice } from '../../lightning-node.ts';
import { grpcCodes, LndRefusal, type LndRest } from './rest.ts';
import { addedInvoiceShape, invoiceShape, type LndInvoice, nothing } from './shapes.ts';

/** Adds an ordinary invoice, or a hold invoice when the hash is given. */
export async function createInvoice(rest: LndRest, request: NewInvoice): Promise<NodeInvoice> {
  const { description, holdPaymentHash } = request;
  const terms = {
    value_msat: String(request.amountMsat ?? 0n),
    expiry: String(request.expirySeconds),
    ...(typeof description === 'string'
      ? { memo: description }
      : { description_hash: base64(description.sha256) }),
    // Hints for channels that are not public: without them nobody finds a node that has no others.
    private: true,
  };
  if (holdPaymentHash !== undefined) {
    await addHoldInvoice(rest, holdPaymentHash, terms);
    return sameInvoice(await lookupInvoice(rest, holdPaymentHash), request);
  }
  const { r_hash } = await rest.post('/v1/invoices', terms, addedInvoiceShape);
  return sameInvoice(await lookupInvoice(rest, r_hash), request);
}

async function addHoldInvoice(rest: LndRest, paymentHash: string, terms: object): Promise<void> {
  const body = { hash: base64(paymentHash), ...terms };
  try {
    await rest.post('/v2/invoices/hodl', body, nothing);
  } catch (error) {
    // Asked for again: the invoice of the first time is the answer.
    if (!refusedWith(error, /payment hash already exists/i)) throw error;
  }
}

/** A hash belongs to one invoice; asked for with another amount, it is somebody's mistake. */
function sameInvoice(invoice: NodeInvoice | null, request: NewInvoice): NodeInvoice {
  if (invoice === null) {
    throw new LightningNodeError('bad_answer', 'LND does not know the invoice that it has added');
  }
  if (invoice.amountMsat !== request.amountMsat) {
    throw new LightningNodeError('refused', 'LND has another invoice with this payment hash');
  }
  return invoice;
}

export async function lookupInvoice(
  rest: LndRest,
  paymentHash: string,
): Promise<NodeInvoice | null> {
  try {
    return invoiceOf(await rest.get(`/v1/invoice/${paymentHash}`, invoiceShape));
  } catch (error) {
    if (isUnknown(error)) return null;
    throw error;
  }
}

export async function cancelInvoice(rest: LndRest, paymentHash: string): Promise<void> {
  try {
    await rest.post('/v2/invoices/cancel', { payment_hash: base64(paymentHash) }, nothing);
  } catch (error) {
    if (!refusedWith(error, /already (settled|canceled)/i)) throw error;
  }
}

export async function settleInvoice(rest: LndRest, preimage: string): Promise<void> {
  try {
    await rest.post('/v2/invoices/settle', { preimage: base64(preimage) }, nothing);
  } catch (error) {
    if (!refusedWith(error, /already settled/i)) throw error;
  }
}

export function invoiceOf(invoice: LndInvoice): NodeInvoice {
  const states = {
    OPEN: 'open',
    ACCEPTED: 'held',
    SETTLED: 'settled',
    CANCELED: 'cancelled',
  } as const;
  const isSettled = invoice.state === 'SETTLED';
  return {
    paymentHash: invoice.r_hash,
    bolt11: invoice.payment_request,
    // BOLT 11 has no invoice for nothing: LND's 0 means that the payer chooses.
    amountMsat: invoice.value_msat === 0n ? null : invoice.value_msat,
    expiresAtMs: Number(invoice.creation_date + invoice.expiry) * 1_000,
    state: states[invoice.state],
    receivedMsat: isSettled || invoice.state === 'ACCEPTED' ? invoice.amt_paid_msat : 0n,
    settledAtMs: isSettled ? Number(invoice.settle_date) * 1_000 : null,
    preimage: isSettled ? (invoice.r_preimage ?? null) : null,
  };
}

function isUnknown(error: unknown): boolean {
  if (error instanceof LndRefusal && error.grpcCode === grpcCodes.notFound) return true;
  return refusedWith(error, /unable to locate invoice|no existing invoices/i);
}

function refusedWith(error: unknown, words: RegExp): boolean {
  return error instanceof LndRefusal && words.test(error.message);
}

function base64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}
