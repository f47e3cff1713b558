import { createHash } from 'node:crypto';
import { type Random, toHex } from '@quittance/kernel';
import { LightningNodeError } from '../../errors.ts';
import type { NewInvoice, NodeInvoice } from '../../lightning-node.ts';
import { ClnRefusal, type ClnRpc } from './rpc.ts';
import { type ClnInvoice, invoicesShape, madeInvoiceShape, nothing } from './shapes.ts';

/** Invoices that were withdrawn here; the node itself forgets them. */
const MAX_REMEMBERED = 1_000;
const LABEL_BYTES = 16;
/** `delinvoice`: the invoice is not in the state that it is to be deleted from. */
const WRONG_STATUS = 906;
const NO_SUCH_INVOICE = 905;

export type ClnInvoices = {
  create(request: NewInvoice): Promise<NodeInvoice>;
  lookup(paymentHash: string): Promise<NodeInvoice | null>;
  cancel(paymentHash: string): Promise<void>;
};

export function createInvoices(rpc: ClnRpc, random: Random): ClnInvoices {
  const cancelled = new Map<string, NodeInvoice>();

  async function find(paymentHash: string): Promise<ClnInvoice | undefined> {
    const { invoices } = await rpc.call(
      'listinvoices',
      { payment_hash: paymentHash },
      invoicesShape,
    );
    return invoices[0];
  }

  return {
    async create({ amountMsat, description, expirySeconds, holdPaymentHash }) {
      if (holdPaymentHash !== undefined) {
        throw new LightningNodeError(
          'unsupported',
          'Core Lightning has no hold invoices of its own',
        );
      }
      const made = await rpc.call(
        'invoice',
        {
          amount_msat: amountMsat === null ? 'any' : `${amountMsat}msat`,
          label: `quittance-${toHex(random(new Uint8Array(LABEL_BYTES)))}`,
          ...described(description),
          expiry: expirySeconds,
        },
        madeInvoiceShape,
      );
      return {
        paymentHash: made.payment_hash,
        bolt11: made.bolt11,
        amountMsat,
        expiresAtMs: Number(made.expires_at) * 1_000,
        state: 'open',
        receivedMsat: 0n,
        settledAtMs: null,
        preimage: null,
      };
    },
    async lookup(paymentHash) {
      const found = await find(paymentHash);
      return found === undefined ? (cancelled.get(paymentHash) ?? null) : invoiceOf(found);
    },
    async cancel(paymentHash) {
      const found = await find(paymentHash);
      if (found === undefined || found.status === 'paid') return;
      try {
        const { label, status } = found;
        await rpc.call('delinvoice', { label, status }, nothing);
      } catch (error) {
        // Paid or gone in between.
        const codes = [WRONG_STATUS, NO_SUCH_INVOICE];
        if (error instanceof ClnRefusal && codes.includes(error.rpcCode)) return;
        throw error;
      }
      cancelled.set(paymentHash, { ...invoiceOf(found), state: 'cancelled' });
      const [oldest] = cancelled.keys();
      if (cancelled.size > MAX_REMEMBERED && oldest !== undefined) cancelled.delete(oldest);
    },
  };
}

/** `invoice` takes the text and hashes it (deschashonly); a hash alone is not enough for it. */
function described(description: NewInvoice['description']): object {
  if (typeof description === 'string') return { description };
  const { sha256, text } = description;
  if (text === undefined || createHash('sha256').update(text).digest('hex') !== sha256) {
    const why = 'Core Lightning hashes a description itself, so it needs the text of this hash';
    throw new LightningNodeError('unsupported', why);
  }
  return { description: text, deschashonly: true };
}

export function invoiceOf(invoice: ClnInvoice): NodeInvoice {
  const isPaid = invoice.status === 'paid';
  const states = { unpaid: 'open', paid: 'settled', expired: 'cancelled' } as const;
  return {
    paymentHash: invoice.payment_hash,
    bolt11: invoice.bolt11 ?? invoice.bolt12 ?? '',
    amountMsat: invoice.amount_msat ?? null,
    expiresAtMs: Number(invoice.expires_at) * 1_000,
    state: states[invoice.status],
    receivedMsat: isPaid ? (invoice.amount_received_msat ?? 0n) : 0n,
    settledAtMs: isPaid ? Number(invoice.paid_at ?? 0n) * 1_000 : null,
    preimage: isPaid ? (invoice.payment_preimage ?? null) : null,
  };
}
