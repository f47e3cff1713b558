import { type Msats, type Uuid, unreachable } from '@quittance/kernel';

/**
 * Where an invoice stands.
 * - open: it can be paid
 * - held: a payment waits for our word (hold invoices)
 * - settling, cancelling: decided here and on record; the node has not said yes yet
 * - settled: paid, for good
 * - cancelled: can not be paid any more, as far as the node keeps its word
 */
export type InvoiceState = 'open' | 'held' | 'settling' | 'settled' | 'cancelling' | 'cancelled';

/** Why an invoice is not wanted any more. */
export type CancelReason = 'superseded' | 'expired' | 'order_closed' | 'asked' | 'node_cancelled';

export type InvoicePurpose = 'order' | 'api' | 'lnurl';

export type Invoice = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  /** The connection to the node (lightning_node). */
  readonly lightningNodeId: Uuid;
  readonly paymentHash: string;
  readonly purpose: InvoicePurpose;
  readonly orderId: Uuid | null;
  readonly metadata: Record<string, string>;
  readonly description: string;
  readonly bolt11: string;
  readonly amountMsat: Msats | null;
  readonly hold: boolean;
  readonly state: InvoiceState;
  readonly reason: CancelReason | null;
  readonly receivedMsat: Msats;
  readonly preimage: string | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly settledAtMs: number | null;
  /** When the node is asked about it again, though nobody has rung. */
  readonly lookAtMs: number | null;
  readonly version: number;
};

export type InvoiceEvent =
  /** We do not want it to be paid any more. */
  | { readonly type: 'cancel'; readonly reason: CancelReason }
  /** We take a held payment. */
  | { readonly type: 'settle'; readonly preimage: string }
  /** The node has taken a payment. */
  | {
      readonly type: 'settled';
      readonly receivedMsat: Msats;
      readonly preimage: string | null;
      readonly atMs: number;
    }
  /** The node holds a payment. */
  | { readonly type: 'held'; readonly receivedMsat: Msats }
  /** The node will take no payment for it. */
  | { readonly type: 'node_cancelled' };

export type InvoiceStep =
  | { readonly outcome: 'changed'; readonly invoice: Invoice }
  | { readonly outcome: 'unchanged' }
  | { readonly outcome: 'rejected' };

/**
 * What becomes of an invoice, without any I/O. Money always wins: whatever was decided here, an invoice
 * that the node says is paid is paid (late-payment-lost). An event that says nothing new changes
 * nothing.
 */
export function applyInvoiceEvent(invoice: Invoice, event: InvoiceEvent): InvoiceStep {
  switch (event.type) {
    case 'settled': {
      if (invoice.state === 'settled') return { outcome: 'unchanged' };
      const { receivedMsat, atMs: settledAtMs } = event;
      const preimage = event.preimage ?? invoice.preimage;
      return change(invoice, {
        ...{ state: 'settled', receivedMsat, settledAtMs, preimage, lookAtMs: null },
      });
    }
    case 'held':
      if (invoice.state === 'open' && invoice.hold) {
        return change(invoice, { state: 'held', receivedMsat: event.receivedMsat });
      }
      return { outcome: 'unchanged' };
    case 'node_cancelled': {
      if (invoice.state === 'settled' || invoice.state === 'cancelled') {
        return { outcome: 'unchanged' };
      }
      const reason = invoice.reason ?? 'node_cancelled';
      return change(invoice, { state: 'cancelled', reason, receivedMsat: 0n, lookAtMs: null });
    }
    case 'cancel':
      if (invoice.state === 'cancelling' || invoice.state === 'cancelled') {
        return { outcome: 'unchanged' };
      }
      if (invoice.state !== 'open' && invoice.state !== 'held') return { outcome: 'rejected' };
      return change(invoice, { state: 'cancelling', reason: event.reason });
    case 'settle':
      if (invoice.state === 'settling' || (invoice.state === 'settled' && invoice.hold)) {
        return { outcome: 'unchanged' };
      }
      if (invoice.state !== 'held') return { outcome: 'rejected' };
      return change(invoice, { state: 'settling', preimage: event.preimage });
    default:
      return unreachable(event);
  }
}

function change(invoice: Invoice, changes: Partial<Invoice>): InvoiceStep {
  const version = invoice.version + 1;
  return { outcome: 'changed', invoice: { ...invoice, ...changes, version } };
}

/** What the node says about an invoice, as an event. Null: it can still be paid. */
export function eventOfLookup(
  found: {
    state: 'open' | 'held' | 'settled' | 'cancelled';
    receivedMsat: Msats;
    settledAtMs: number | null;
    preimage: string | null;
  } | null,
  nowMs: number,
): InvoiceEvent | null {
  // A node that has forgotten an invoice takes no payment for it.
  if (found === null || found.state === 'cancelled') return { type: 'node_cancelled' };
  const { receivedMsat, preimage } = found;
  if (found.state === 'held') return { type: 'held', receivedMsat };
  if (found.state === 'open') return null;
  return { type: 'settled', receivedMsat, preimage, atMs: found.settledAtMs ?? nowMs };
}
