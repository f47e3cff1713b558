import type { LightningPayer } from './lightning.ts';
import {
  finish,
  FRAME_DEADLINE_MS,
  milliseconds,
  type OnceDeps,
  ORDER,
  withReceiver,
} from './once.ts';
import type { WebhookReceiver } from './receiver.ts';
import { within } from './wait.ts';
import { watchOrder } from './watch.ts';

export type OnceByLightningDeps = Omit<OnceDeps, 'fast' | 'chain'> & { payer: LightningPayer };

/**
 * Pays one order over a real Lightning channel, watched from outside only: the public WebSocket, a
 * webhook endpoint that verifies signatures, and the API.
 * @throws {DemoError} when a step does not happen
 */
export async function payOnceByLightning(deps: OnceByLightningDeps): Promise<void> {
  const { report, payer } = deps;
  const readyMs = Math.round(payer.readyMs);
  report.step('channel', `The channel can be used (${(readyMs / 1_000).toFixed(1)} s)`, {
    readyMs,
  });
  await withReceiver(deps, (receiver) => payOrder(deps, receiver));
}

async function payOrder(deps: OnceByLightningDeps, receiver: WebhookReceiver): Promise<void> {
  const { report, store, payer } = deps;
  const order = await store.client.orders.create(ORDER);
  const orderId = order.id;
  const { amount, currency } = ORDER;
  report.step('order', `Order ${orderId}: ${amount} ${currency} = ${order.dueBtc} BTC`, {
    ...{ orderId, status: order.status, amount: order.dueBtc, checkoutUrl: order.checkoutUrl },
  });
  const { bolt11, paymentHash } = await store.client.orders.lightningInvoice(orderId);
  report.step('invoice', `Invoice ${bolt11.slice(0, 24)}…`, { orderId, bolt11, paymentHash });
  const watch = watchOrder(deps.baseUrl, orderId);
  try {
    await within(FRAME_DEADLINE_MS, 'first frame', watch.until('PENDING'));
    const beganAtMs = performance.now();
    await payer.pay({ bolt11, paymentHash, amountSats: BigInt(order.dueSats) });
    const sentAtMs = performance.now();
    const paymentMs = milliseconds(sentAtMs - beganAtMs);
    report.step('sent', `Sent by the customer's wallet over the channel, in ${paymentMs} ms`, {
      ...{ orderId, paymentHash, paymentMs },
    });
    const frame = await within(FRAME_DEADLINE_MS, 'confirmation', watch.until('CONFIRMED'));
    // The shop may know it before the customer's wallet says so.
    const detectedMs = Math.max(0, milliseconds(frame.atMs - sentAtMs));
    report.step('confirmed', `Confirmed ${detectedMs} ms after that: final at once`, {
      ...{ orderId, status: frame.status, detectedMs },
    });
    const paid = { method: 'lightning', txid: null, paymentHash } as const;
    await finish(deps, receiver, { ...paid, orderId, detectedMs, confirmedMs: detectedMs });
  } finally {
    watch.close();
  }
}
