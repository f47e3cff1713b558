import type { LightningEventType } from '@quittance/contract';
import type { Ids } from '@quittance/kernel';
import type { NewEvent } from '../../telling/events/index.ts';
import type { Invoice } from './invoice.ts';

/** What is told of an invoice's new state. An order's invoices are told of as its payments. */
export function invoiceEvent(invoice: Invoice, now: { ids: Ids; nowMs: number }): NewEvent | null {
  const type = typeOf(invoice);
  if (type === null || invoice.purpose === 'order') return null;
  return {
    merchantId: invoice.merchantId,
    id: now.ids.next(),
    type,
    orderId: null,
    data: {
      invoiceId: invoice.id,
      purpose: invoice.purpose,
      paymentHash: invoice.paymentHash,
      amountMsat: invoice.amountMsat?.toString() ?? null,
      receivedMsat: invoice.receivedMsat.toString(),
      description: invoice.description,
      hold: invoice.hold,
      state: invoice.state,
      reason: invoice.reason,
      metadata: invoice.metadata,
      expiresAt: new Date(invoice.expiresAtMs).toISOString(),
      message: MESSAGES[type],
    },
    createdAtMs: now.nowMs,
  };
}

function typeOf({ state }: Invoice): LightningEventType | null {
  switch (state) {
    case 'held':
      return 'lightning.invoice_held';
    case 'settled':
      return 'lightning.invoice_settled';
    case 'cancelled':
      return 'lightning.invoice_cancelled';
    default:
      return null;
  }
}

const MESSAGES: Record<LightningEventType, string> = {
  'lightning.invoice_held': 'A payment waits to be taken or sent back.',
  'lightning.invoice_settled': 'The invoice is paid.',
  'lightning.invoice_cancelled': 'The invoice can not be paid any more.',
};
