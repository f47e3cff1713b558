import { createHash } from 'node:crypto';
import type { Clock, Ids, Msats, Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { LightningNodeError } from './errors.ts';
import type { Invoice } from './invoice.ts';
import { insertInvoice, readInvoicesByHash } from './invoice-store.ts';
import type { NodeInvoice } from './lightning-node.ts';
import type { LightningNodes, OpenNode } from './nodes.ts';

export type CreateInvoiceDeps = {
  database: Database;
  nodes: LightningNodes;
  clock: Clock;
  ids: Ids;
};

/** An invoice that belongs to no order. */
export type InvoiceWish = {
  merchantId: Uuid;
  purpose: 'api' | 'lnurl';
  /** Null: the payer chooses. */
  amountMsat: Msats | null;
  /** `hashed`: the payer gets the hash of this instead (capability `descriptionHash`). */
  description: { text: string; hashed?: string };
  expirySeconds: number;
  /** A hold invoice for this hash. */
  holdPaymentHash?: string | undefined;
  metadata?: Record<string, string>;
};

/**
 * Has the store's node make an invoice and keeps it. Asked again for the same held payment hash, it
 * gives the invoice that is there.
 * @throws {AppError} no_lightning_node, lightning_unavailable, lightning_node_refused, conflict
 */
export async function createInvoice(deps: CreateInvoiceDeps, wish: InvoiceWish): Promise<Invoice> {
  const { merchantId } = wish;
  const open = await deps.nodes.connectionOf(merchantId);
  if (open === null) {
    throw new AppError('no_lightning_node', 'The store is connected to no Lightning node.');
  }
  const hash = wish.holdPaymentHash;
  if (hash !== undefined) {
    const known = await deps.database.asTenant(merchantId, (tx) =>
      readInvoicesByHash(tx, { merchantId, hashes: [hash] }),
    );
    if (known.has(hash)) {
      throw new AppError('conflict', 'The store has an invoice of this payment hash already.');
    }
  }
  const made = await ask(open, wish);
  const nowMs = deps.clock.nowMs();
  const expiresAtMs = Math.min(made.expiresAtMs, nowMs + wish.expirySeconds * 1_000);
  const invoice: Invoice = {
    ...{ merchantId, id: deps.ids.next(), lightningNodeId: open.id, orderId: null },
    ...{ paymentHash: made.paymentHash, bolt11: made.bolt11, amountMsat: wish.amountMsat },
    ...{ purpose: wish.purpose, metadata: wish.metadata ?? {}, hold: hash !== undefined },
    ...{ state: 'open', reason: null, receivedMsat: 0n, preimage: null, createdAtMs: nowMs },
    ...{ description: wish.description.text, expiresAtMs, lookAtMs: expiresAtMs },
    ...{ settledAtMs: null, version: 1 },
  };
  // On record before anybody sees it: what is paid finds it.
  const stored = await deps.database.asTenant(merchantId, (tx) => insertInvoice(tx, invoice));
  if (stored) return invoice;
  throw new AppError('conflict', 'The store has an invoice of this payment hash already.');
}

async function ask({ node }: OpenNode, wish: InvoiceWish): Promise<NodeInvoice> {
  const { description, holdPaymentHash } = wish;
  if (holdPaymentHash !== undefined && !node.capabilities.holdInvoices) {
    throw unsupported('hold invoices');
  }
  if (description.hashed !== undefined && !node.capabilities.descriptionHash) {
    throw unsupported('invoices with the hash of a description');
  }
  try {
    const made = await node.createInvoice({
      amountMsat: wish.amountMsat,
      description: description.hashed === undefined ? description.text : hashOf(description.hashed),
      expirySeconds: wish.expirySeconds,
      ...(holdPaymentHash === undefined ? {} : { holdPaymentHash }),
    });
    const isAsked = made.amountMsat === wish.amountMsat && made.state === 'open';
    if (isAsked && (holdPaymentHash ?? made.paymentHash) === made.paymentHash) return made;
    throw new LightningNodeError('bad_answer', 'the node made another invoice than was asked for');
  } catch (error) {
    if (error instanceof LightningNodeError) throw nodeFailure(error);
    throw error;
  }
}

function hashOf(text: string): { sha256: string; text: string } {
  return { sha256: createHash('sha256').update(text).digest('hex'), text };
}

function unsupported(what: string): AppError {
  return new AppError('lightning_node_refused', `The store’s node can not make ${what}.`);
}

/** What a caller is told when the store's own node does not do what is asked. */
export function nodeFailure(error: LightningNodeError): AppError {
  const isAway = error.code === 'unreachable' || error.code === 'unauthorized';
  return isAway || error.code === 'certificate'
    ? new AppError('lightning_unavailable', `The node can not be asked: ${error.message}.`, {
        cause: error,
      })
    : new AppError('lightning_node_refused', `The node refuses: ${error.message}.`, {
        cause: error,
      });
}
