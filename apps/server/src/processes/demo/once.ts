import { setTimeout as sleep } from 'node:timers/promises';
import { verifyAllBooks } from '../../accounting/ledger/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { DemoChain } from './chain.ts';
import { DemoError } from './errors.ts';
import { startReceiver, type WebhookReceiver } from './receiver.ts';
import type { Report } from './report.ts';
import { HOST } from './server.ts';
import type { DemoStore } from './store.ts';
import { within } from './wait.ts';
import { watchOrder } from './watch.ts';

/** All of these take milliseconds; a machine that is busy with other things needs longer. */
export const FRAME_DEADLINE_MS = 30_000;
const WEBHOOK_DEADLINE_MS = 30_000;
/** Without --fast: about as long as a person needs to find the "mine" button. */
const MINE_AFTER_MS = 3_000;

export const ORDER = {
  amount: '19.90',
  currency: 'EUR',
  description: 'Two coffees and a cake',
} as const;

export type OnceDeps = {
  baseUrl: string;
  store: DemoStore;
  chain: DemoChain;
  database: Database;
  fast: boolean;
  report: Report;
  startedMs: number;
};

/**
 * Pays one order through the real node, watched from outside only: the public WebSocket, a webhook
 * endpoint that verifies signatures, and the API.
 * @throws {DemoError} when a step does not happen
 */
export async function payOnce(deps: OnceDeps): Promise<void> {
  await withReceiver(deps, (receiver) => payOrder(deps, receiver));
}

/** Listens to the store's webhooks meanwhile. */
export async function withReceiver(
  deps: Pick<OnceDeps, 'store'>,
  work: (receiver: WebhookReceiver) => Promise<void>,
): Promise<void> {
  const { client } = deps.store;
  const receiver = await startReceiver(HOST);
  const endpoint = await client.webhookEndpoints.create({ url: receiver.url });
  receiver.trust(endpoint.secret);
  try {
    await work(receiver);
  } finally {
    // The folder may be kept: no later start should send to where nobody listens any more.
    await client.webhookEndpoints.delete(endpoint.id).catch(() => {});
    await receiver.close();
  }
}

async function payOrder(deps: OnceDeps, receiver: WebhookReceiver): Promise<void> {
  const { report, store, chain } = deps;
  const order = await store.client.orders.create(ORDER);
  const orderId = order.id;
  report.step(
    'order',
    `Order ${orderId}: ${ORDER.amount} ${ORDER.currency} = ${order.dueBtc} BTC`,
    {
      orderId,
      status: order.status,
      address: order.address,
      amount: order.dueBtc,
      checkoutUrl: order.checkoutUrl,
    },
  );
  const watch = watchOrder(deps.baseUrl, orderId);
  try {
    await within(FRAME_DEADLINE_MS, 'first frame', watch.until('PENDING'));
    const { txid, sentAtMs } = await pay(chain, order.address, BigInt(order.dueSats));
    report.step('sent', `Sent by the customer's wallet: transaction ${txid}`, { orderId, txid });
    const seen = await within(
      FRAME_DEADLINE_MS,
      'sign of the payment',
      watch.until('UNCONFIRMED', 'CONFIRMED'),
    );
    const detectedMs = milliseconds(seen.atMs - sentAtMs);
    report.step('seen', `Seen after ${detectedMs} ms: ${seen.status}`, {
      orderId,
      status: seen.status,
      detectedMs,
    });
    if (!deps.fast) await sleep(MINE_AFTER_MS);
    const minedAtMs = performance.now();
    await chain.mine(order.requiredConfirmations);
    report.step('mined', `Mined: ${order.requiredConfirmations} block`, {
      blocks: order.requiredConfirmations,
    });
    const confirmed = await within(FRAME_DEADLINE_MS, 'confirmation', watch.until('CONFIRMED'));
    const confirmedMs = milliseconds(confirmed.atMs - minedAtMs);
    report.step('confirmed', `Confirmed ${confirmedMs} ms after the block`, {
      orderId,
      status: 'CONFIRMED',
      confirmedMs,
    });
    await finish(deps, receiver, { method: 'onchain', orderId, txid, detectedMs, confirmedMs });
  } finally {
    watch.close();
  }
}

async function pay(chain: DemoChain, address: string, amount: bigint) {
  const transaction = await chain.prepare(address, amount);
  const sentAtMs = performance.now();
  return { txid: await chain.send(transaction), sentAtMs };
}

/** The webhook, the order as the API has it, and the books: all must tell of the same payment. */
export async function finish(
  { store, database, report, startedMs }: Omit<OnceDeps, 'fast' | 'chain'>,
  receiver: WebhookReceiver,
  paid: { orderId: string; detectedMs: number; confirmedMs: number } & (
    | { method: 'onchain'; txid: string }
    | { method: 'lightning'; txid: null; paymentHash: string }
  ),
): Promise<void> {
  const { orderId, txid, method } = paid;
  const event = await within(
    WEBHOOK_DEADLINE_MS,
    'webhook',
    receiver.next(
      ({ type, data }) =>
        type === 'order.status_changed' && data.orderId === orderId && data.status === 'CONFIRMED',
    ),
  );
  report.step('webhook', `Webhook ${event.type} delivered, its signature is right`, {
    eventId: event.id,
    type: event.type,
  });
  const order = await store.client.orders.read(orderId);
  const payment = order.payments.find((each) =>
    paid.method === 'lightning' ? each.paymentHash === paid.paymentHash : each.txid === txid,
  );
  if (order.status !== 'CONFIRMED' || payment === undefined) {
    throw new DemoError(`the API says ${order.status} and does not show the payment`);
  }
  const { ok: ledgerBalanced, transfers } = await verifyAllBooks(database);
  if (!ledgerBalanced) throw new DemoError('the ledger does not verify');
  report.step('ledger', `The ledger balances: ${transfers} transfers verified`, {
    transfers: String(transfers),
  });
  report.result({
    ok: true,
    orderId,
    status: order.status,
    txid,
    method,
    ...(paid.method === 'lightning' ? { paymentHash: paid.paymentHash } : {}),
    detectedMs: paid.detectedMs,
    confirmedMs: paid.confirmedMs,
    startedMs: Math.round(startedMs),
    amount: order.dueBtc,
    amountSats: order.dueSats,
    priceAmount: order.priceAmount,
    priceCurrency: order.priceCurrency,
    receivedSats: order.receivedSats,
    confirmations: payment.confirmations,
    webhookDelivered: true,
    ledgerBalanced,
  });
}

/** With one decimal: a whole number would say 0 where a good machine needs less than one. */
export function milliseconds(duration: number): number {
  return Math.round(duration * 10) / 10;
}
