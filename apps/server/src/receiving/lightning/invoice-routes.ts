import {
  createLightningInvoiceSchema,
  type LightningInvoiceJson,
  lightningInvoiceListQuerySchema,
  lightningInvoicePageSchema,
  lightningInvoiceSchema,
  noBodySchema,
  settleLightningInvoiceSchema,
  uuidText,
} from '@quittance/contract';
import { z } from 'zod';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import { createInvoice, type CreateInvoiceDeps } from './create-invoice.ts';
import { cancelInvoice, settleHeld } from './decide-invoice.ts';
import type { Invoice } from './invoice.ts';
import { listInvoices, readInvoice, readOrderToPay } from './invoice-store.ts';
import type { InvoiceOffers, NoInvoice } from './offer-invoice.ts';

export type InvoiceRouteDeps = CreateInvoiceDeps & {
  offers: InvoiceOffers;
  /** Called when something was decided that the node has to do. */
  ring(): void;
};

const tags = ['Lightning'];
const params = z.strictObject({ id: uuidText });
type Made = LightningInvoiceJson;

/** Thrown to leave a transaction that has found that the request is a new one. */
const IS_NEW = new Error('this request was not answered before');

export function addInvoiceRoutes(app: HttpApp, deps: InvoiceRouteDeps): void {
  addCreate(app, deps);
  addOfOrder(app, deps);
  addReads(app, deps);
  addDecisions(app, deps);
}

function addCreate(app: HttpApp, deps: InvoiceRouteDeps): void {
  app.post(
    '/v1/lightning/invoices',
    {
      config: { ...needs('lightning:write'), idempotency: 'stored', limit: 'create' },
      schema: {
        tags,
        operationId: 'createLightningInvoice',
        summary: 'Make a Lightning invoice that belongs to no order',
        description:
          'For orders use createOrder. With hold, what is paid waits until you settle it with the ' +
          'preimage or cancel it; the node sends it back by itself when you do neither.',
        body: createLightningInvoiceSchema,
        response: answers(201, lightningInvoiceSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const now = { database: deps.database, nowMs: deps.clock.nowMs() };
      const exchange = { request, reply };
      try {
        return await answerOnce<Made>(now, exchange, () => Promise.reject(IS_NEW));
      } catch (error) {
        if (error !== IS_NEW) throw error;
      }
      const { amountMsat, description, expirySeconds, paymentHash } = request.body;
      // A retry that finds no answer makes another invoice; the first was given to nobody.
      const invoice = await createInvoice(deps, {
        ...{ merchantId, purpose: 'api', expirySeconds, description: { text: description } },
        amountMsat: amountMsat === null ? null : BigInt(amountMsat),
        holdPaymentHash: paymentHash,
      });
      return await answerOnce<Made>(now, exchange, async () => ({
        status: 201,
        body: invoiceJson(invoice),
      }));
    },
  );
}

const REASONS: Record<NoInvoice, AppError> = {
  no_node: new AppError('no_lightning_node', 'The store is connected to no Lightning node.'),
  turned_off: new AppError('conflict', 'The store’s setting lightning is off.'),
  not_payable: new AppError('conflict', 'The order can not be paid any more, or not in time.'),
  too_large: new AppError(
    'lightning_node_refused',
    'The node’s channels can not receive so much; the order can be paid on chain.',
  ),
  node_unavailable: new AppError(
    'lightning_unavailable',
    'The store’s node can not be asked just now; the order can be paid on chain.',
  ),
};

function addOfOrder(app: HttpApp, deps: InvoiceRouteDeps): void {
  app.post(
    '/v1/orders/:id/lightning-invoice',
    {
      config: { ...needs('orders:write'), idempotency: 'stored' },
      schema: {
        tags: ['Orders'],
        operationId: 'createOrderLightningInvoice',
        summary: 'Have a Lightning invoice for what an order still has to be paid',
        description:
          'Gives the open invoice, or asks the store’s node for one. The payer’s page does this by ' +
          'itself; only a shop with a page of its own needs it.',
        params,
        body: noBodySchema,
        response: answers(200, lightningInvoiceSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const orderId = request.params.id;
      const order = await deps.database.asTenant(merchantId, (tx) =>
        readOrderToPay(tx, orderId, false),
      );
      if (order === undefined) throw new AppError('not_found', 'There is no such order.');
      const offered = await deps.offers.offer({ merchantId, orderId });
      if (offered.invoice === null) throw REASONS[offered.because];
      const body = invoiceJson(offered.invoice);
      const now = { database: deps.database, nowMs: deps.clock.nowMs() };
      return await answerOnce<Made>(now, { request, reply }, async () => ({ status: 200, body }));
    },
  );
}

function addReads(app: HttpApp, deps: InvoiceRouteDeps): void {
  app.get(
    '/v1/lightning/invoices',
    {
      config: needs('lightning:read'),
      schema: {
        tags,
        operationId: 'listLightningInvoices',
        summary: 'List Lightning invoices, newest first',
        querystring: lightningInvoiceListQuerySchema,
        response: answers(200, lightningInvoicePageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state, order_id: orderId } = request.query;
      const merchantId = merchantOf(request);
      const found = await deps.database.asTenant(merchantId, (tx) =>
        listInvoices(tx, { merchantId, startingAfter, state, orderId, limit: limit + 1 }),
      );
      return pageOfRows(found, limit, invoiceJson);
    },
  );
  app.get(
    '/v1/lightning/invoices/:id',
    {
      config: needs('lightning:read'),
      schema: {
        tags,
        operationId: 'readLightningInvoice',
        summary: 'Read a Lightning invoice',
        params,
        response: answers(200, lightningInvoiceSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const invoice = await deps.database.asTenant(own.merchantId, (tx) => readInvoice(tx, own));
      if (invoice === undefined) {
        throw new AppError('not_found', 'There is no such Lightning invoice.');
      }
      return invoiceJson(invoice);
    },
  );
}

function addDecisions(app: HttpApp, deps: InvoiceRouteDeps): void {
  async function decide(
    exchange: Parameters<typeof answerOnce>[1],
    work: (tx: Tx) => Promise<Invoice>,
  ): Promise<Made> {
    const now = { database: deps.database, nowMs: deps.clock.nowMs() };
    const made = await answerOnce<Made>(now, exchange, async (tx) => ({
      status: 200,
      body: invoiceJson(await work(tx)),
    }));
    deps.ring();
    return made;
  }
  app.post(
    '/v1/lightning/invoices/:id/settle',
    {
      config: { ...needs('lightning:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'settleLightningInvoice',
        summary: 'Take a held payment',
        params,
        body: settleLightningInvoiceSchema,
        response: answers(200, lightningInvoiceSchema),
      },
    },
    async (request, reply) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const { preimage } = request.body;
      return await decide({ request, reply }, (tx) => settleHeld(tx, deps, { ...own, preimage }));
    },
  );
  app.post(
    '/v1/lightning/invoices/:id/cancel',
    {
      config: { ...needs('lightning:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'cancelLightningInvoice',
        summary: 'Give up an invoice, or send a held payment back',
        params,
        body: noBodySchema,
        response: answers(200, lightningInvoiceSchema),
      },
    },
    async (request, reply) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await decide({ request, reply }, (tx) => cancelInvoice(tx, deps, own));
    },
  );
}

function invoiceJson(invoice: Invoice): LightningInvoiceJson {
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ id: invoice.id, purpose: invoice.purpose, orderId: invoice.orderId },
    ...{ paymentHash: invoice.paymentHash, bolt11: invoice.bolt11 },
    amountMsat: invoice.amountMsat?.toString() ?? null,
    receivedMsat: invoice.receivedMsat.toString(),
    ...{ description: invoice.description, hold: invoice.hold, state: invoice.state },
    ...{ reason: invoice.reason, metadata: invoice.metadata },
    createdAt: time(invoice.createdAtMs),
    expiresAt: time(invoice.expiresAtMs),
    settledAt: invoice.settledAtMs === null ? null : time(invoice.settledAtMs),
  };
}
