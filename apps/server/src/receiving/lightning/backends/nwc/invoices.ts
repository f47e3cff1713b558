import { type DecodedBolt11, decodeBolt11 } from '@quittance/bitcoin';
import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import type { NewInvoice, NodeInvoice } from '../../lightning-node.ts';
import { wireAmount } from './payments.ts';
import { invoiceOfTransaction, transactionShape, type WalletTransaction } from './transaction.ts';
import { WalletRefusal, type WalletService } from './wallet-service.ts';

export async function createInvoice(
  wallet: WalletService,
  request: NewInvoice,
): Promise<NodeInvoice> {
  const { amountMsat, description, expirySeconds, holdPaymentHash } = request;
  if (amountMsat === null) {
    throw new LightningNodeError('unsupported', 'NIP-47 has no invoices without an amount');
  }
  const terms = {
    amount: wireAmount(amountMsat),
    ...(typeof description === 'string'
      ? { description }
      : { description_hash: description.sha256 }),
    expiry: expirySeconds,
  };
  if (holdPaymentHash === undefined) {
    const made = await wallet.request('make_invoice', terms, transactionShape);
    return checked(readInvoice(made), request);
  }
  const hold = { ...terms, payment_hash: holdPaymentHash };
  try {
    const made = await wallet.request('make_hold_invoice', hold, transactionShape);
    return checked(readInvoice(made), request);
  } catch (error) {
    // Asked for again, perhaps: then the invoice of the first time is the answer.
    const known =
      error instanceof WalletRefusal ? await lookupInvoice(wallet, holdPaymentHash) : null;
    if (known === null) throw error;
    return checked(known, request);
  }
}

export async function lookupInvoice(
  wallet: WalletService,
  paymentHash: string,
): Promise<NodeInvoice | null> {
  try {
    const params = { payment_hash: paymentHash };
    const found = await wallet.request('lookup_invoice', params, transactionShape);
    return found.type === 'outgoing' || found.payment_hash !== paymentHash
      ? null
      : readInvoice(found);
  } catch (error) {
    if (error instanceof WalletRefusal && error.walletCode === 'NOT_FOUND') return null;
    throw error;
  }
}

/** Hold invoices alone: NIP-47 knows no way to withdraw another one. */
export async function cancelInvoice(wallet: WalletService, paymentHash: string): Promise<void> {
  const invoice = await lookupInvoice(wallet, paymentHash);
  if (invoice?.state === 'settled' || invoice?.state === 'cancelled') return;
  const { methods } = await wallet.describe();
  if (!methods.includes('cancel_hold_invoice')) throw notCancellable();
  try {
    await wallet.request('cancel_hold_invoice', { payment_hash: paymentHash }, z.unknown());
  } catch (error) {
    if (error instanceof WalletRefusal) throw notCancellable(error);
    throw error;
  }
}

function notCancellable(cause?: unknown): LightningNodeError {
  return new LightningNodeError(
    'unsupported',
    'a wallet service can not withdraw this invoice; it ends when its time is over',
    { cause },
  );
}

/** The service is somebody else's: what we hand to a payer must be what was asked for. */
function checked(invoice: NodeInvoice, request: NewInvoice): NodeInvoice {
  const { holdPaymentHash, amountMsat } = request;
  const isAsked =
    invoice.amountMsat === amountMsat &&
    (holdPaymentHash === undefined || invoice.paymentHash === holdPaymentHash);
  if (!isAsked) {
    throw new LightningNodeError(
      'bad_answer',
      'the wallet service made another invoice than asked',
    );
  }
  return invoice;
}

function readInvoice(transaction: WalletTransaction): NodeInvoice {
  const decoded = decodeBolt11(transaction.invoice ?? '');
  if (!decoded.ok) {
    throw new LightningNodeError('bad_answer', `wallet service: invoice: ${decoded.reason}`);
  }
  const { invoice } = decoded;
  assertSame(invoice, transaction);
  return invoiceOfTransaction(transaction, invoice.bolt11, invoice.expiresAtMs);
}

function assertSame(invoice: DecodedBolt11, { payment_hash, amount }: WalletTransaction): void {
  if (invoice.paymentHash !== payment_hash) {
    throw new LightningNodeError('bad_answer', 'wallet service: the invoice has another hash');
  }
  if (invoice.amountMsat !== null && invoice.amountMsat !== amount) {
    throw new LightningNodeError('bad_answer', 'wallet service: the invoice has another amount');
  }
}
