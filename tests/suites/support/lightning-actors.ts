import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBtc, type Msats } from '@quittance/kernel';
import { callApi } from './clients.ts';
import type { Dice } from './dice.ts';
import type { LightningWorld } from './lightning-world.ts';

/** What somebody wanted to be paid: one invoice, which may have been asked for more than once. */
export type LightningIntention = {
  readonly key: string;
  readonly paymentHash: string;
  readonly bolt11: string;
  readonly amountMsat: Msats;
  /** Of a hold invoice: whoever has it takes the payment in; undefined for a plain one. */
  readonly preimage: string | undefined;
  /** Payouts for this invoice as the server told; two where somebody tried to be paid twice. */
  readonly payoutIds: string[];
  approved: boolean;
  cancelled: boolean;
  /** Whether the recipient sends a held payment back in the end. */
  readonly isSentBack: boolean;
};

/** An order that the peer's node was asked to pay. */
export type PaidOrder = {
  readonly id: string;
  readonly paymentHash: string;
  readonly sats: bigint;
};

export type LightningRun = {
  readonly dice: Dice;
  readonly world: LightningWorld;
  readonly intentions: LightningIntention[];
  readonly orders: PaidOrder[];
  readonly violations: string[];
  readonly counts: Record<string, number>;
  readonly struck: Map<string, number>;
  step: string;
};

/** A start with recovery, on a busy machine. */
export const READY_TIMEOUT_MS = 120_000;
/** What may be paid before a channel's balance has to come back from the other side. */
const AMOUNT_MSAT = [10_000_000, 60_000_000] as const;
/**
 * What never reached the node is given up about two minutes after it was begun (the fence, ADR 0014), and
 * there has to be time to try it again.
 */
const INVOICE_SECONDS = 300;
const ORDER_SATS = [20_000, 90_000] as const;
const FEE_MSAT = 20_000n;
const PAY_TIMEOUT_MS = 60_000;

export function violate(all: LightningRun, text: string): void {
  all.violations.push(`${all.step}: ${text}`);
}

export function count(all: LightningRun, what: string, by = 1): void {
  all.counts[what] = (all.counts[what] ?? 0) + by;
}

/** A payout to an invoice of the peer's; at times the same invoice is put into a second payout. */
export async function pay(all: LightningRun): Promise<void> {
  const { dice } = all;
  const intention = await invoiceOfPeer(all);
  await ask(all, intention, intention.key);
  if (dice.chance(0.2)) {
    count(all, 'askedTwice');
    await ask(all, intention, `${intention.key}-twin`);
  }
  const [first] = intention.payoutIds;
  if (first === undefined) return;
  if (dice.chance(0.06)) {
    const answer = await insist(all, `/v1/payouts/${first}/cancel`, `${intention.key}-c`);
    intention.cancelled = answer.status < 300;
    return;
  }
  for (const id of intention.payoutIds) {
    const answer = await insist(all, `/v1/payouts/${id}/approve`, `${id}-a`);
    if (answer.status < 300) intention.approved = true;
    else if (id === first) violate(all, `approving ${id} was answered ${JSON.stringify(answer)}`);
  }
  // A person presses "pay now" while the processor is at it.
  if (dice.chance(0.3)) await insist(all, `/v1/payouts/${first}/pay`, `${first}-p`);
}

async function invoiceOfPeer(all: LightningRun): Promise<LightningIntention> {
  const { dice, world } = all;
  const amountMsat = BigInt(dice.between(...AMOUNT_MSAT));
  const preimage = dice.chance(0.3) ? randomBytes(32) : undefined;
  const holdPaymentHash =
    preimage === undefined ? undefined : createHash('sha256').update(preimage).digest('hex');
  const made = await patiently(() =>
    world.peer.node.createInvoice({
      ...{ amountMsat, description: 'crash', expirySeconds: INVOICE_SECONDS },
      ...(holdPaymentHash === undefined ? {} : { holdPaymentHash }),
    }),
  );
  const intention: LightningIntention = {
    key: `payout-${all.intentions.length + 1}`,
    ...{ paymentHash: made.paymentHash, bolt11: made.bolt11, amountMsat },
    preimage: preimage?.toString('hex'),
    ...{ payoutIds: [], approved: false, cancelled: false, isSentBack: dice.chance(0.3) },
  };
  all.intentions.push(intention);
  return intention;
}

/** The second payout of one invoice may be refused; the first may not. */
async function ask(all: LightningRun, intention: LightningIntention, key: string): Promise<void> {
  const body = { destination: intention.bolt11, externalId: key };
  const made = await insist(all, '/v1/payouts', key, body);
  if (made.status === 201) intention.payoutIds.push((made.body as { id: string }).id);
  else if (key === intention.key) violate(all, `${key} was answered ${JSON.stringify(made)}`);
  else count(all, 'twinsRefused');
}

/** An order that the peer pays over Lightning, while whatever there is may be killed. */
export async function order(all: LightningRun): Promise<void> {
  const { dice, world } = all;
  const key = `order-${all.orders.length + 1}-${dice.between(0, 1_000_000)}`;
  const sats = BigInt(dice.between(...ORDER_SATS));
  const made = await insist(all, '/v1/orders', key, {
    ...{ amount: formatBtc(sats), currency: 'BTC', externalId: key },
  });
  const { id } = made.body as { id: string };
  const invoice = await readInvoice(all, id);
  if (invoice === undefined) {
    count(all, 'ordersWithoutInvoice');
    return;
  }
  const { bolt11, paymentHash } = invoice;
  all.orders.push({ id, paymentHash, sats });
  // Whatever it answers, or that it answers nothing: its own record tells in the end.
  await world.peer.node
    .pay({
      ...{ destination: { bolt11 }, paymentHash, amountMsat: sats * 1_000n },
      ...{ maxFeeMsat: FEE_MSAT, timeoutMs: PAY_TIMEOUT_MS, waitMs: 1_000 },
    })
    .catch(() => count(all, 'payersLost'));
}

async function readInvoice(
  all: LightningRun,
  orderId: string,
): Promise<{ bolt11: string; paymentHash: string } | undefined> {
  const { servers, shop } = all.world;
  for (let tries = 0; tries < 20; tries++) {
    // The page asks for the invoice; the order then tells its hash.
    const page = await callApi(`${servers.api.url}/i/${orderId}/view`, {
      method: 'GET',
      apiKey: '',
    });
    const bolt11 = (page?.body as { lightning?: { bolt11?: string } } | undefined)?.lightning
      ?.bolt11;
    const { apiKey } = shop;
    const read = await callApi(`${servers.api.url}/v1/orders/${orderId}`, {
      method: 'GET',
      apiKey,
    });
    type Read = { lightning?: { paymentHash?: string } | null };
    const paymentHash = (read?.body as Read | undefined)?.lightning?.paymentHash;
    if (bolt11 !== undefined && paymentHash !== undefined) return { bolt11, paymentHash };
    await sleep(200);
  }
  return undefined;
}

/** What was held is taken in or sent back; then nothing is under way for ever. */
export async function decideHeld(all: LightningRun, share = 1): Promise<void> {
  const { peer } = all.world;
  for (const { paymentHash, preimage, isSentBack } of all.intentions) {
    if (preimage === undefined || !all.dice.chance(share)) continue;
    const found = await patiently(() => peer.node.lookupInvoice(paymentHash));
    if (found?.state !== 'held') continue;
    await (isSentBack
      ? patiently(() => peer.node.cancelInvoice(paymentHash))
      : patiently(() => peer.node.settleInvoice(preimage)));
    count(all, isSentBack ? 'sentBack' : 'takenIn');
  }
}

/** Nodes are killed at times: what is asked of one meanwhile waits. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

async function insist(
  { world }: LightningRun,
  path: string,
  key: string,
  body: unknown = {},
): Promise<{ status: number; body: unknown }> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answer = await callApi(`${world.servers.api.url}${path}`, {
      ...{ apiKey: world.shop.apiKey, idempotencyKey: key, body },
    });
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer;
    if (performance.now() > deadline) throw new Error(`no answer to ${path}`);
    await sleep(100);
  }
}
