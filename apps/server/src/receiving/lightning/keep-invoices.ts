import type { Clock, Ids, Uuid } from '@quittance/kernel';
import { isUuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import { LightningNodeError } from './errors.ts';
import { eventOfLookup, type Invoice } from './invoice.ts';
import {
  giveUpMisfits,
  lockInvoice,
  lookAgainAt,
  lookAtAllOpen,
  readDueInvoices,
} from './invoice-store.ts';
import type { LightningNode } from './lightning-node.ts';
import type { LightningNodes } from './nodes.ts';
import { changeInvoice, takeInInvoices } from './take-in.ts';
import { withdrawOffers } from './withdraw-offers.ts';

export type KeeperDeps = {
  database: Database;
  nodes: LightningNodes;
  clock: Clock;
  ids: Ids;
  /** The channels on which changes of orders and of stores' settings are told. */
  ordersChannel: string;
  merchantsChannel: string;
  readTipHeight(tx: Tx): Promise<number>;
  log: { warn(fields: object, message: string): void };
};

/** Nobody rang: what is due is looked for this often. */
const LOOK_EVERY_MS = 1_000;
/** Orders whose bell was lost are found by looking at all open invoices. */
const SWEEP_EVERY_MS = 30_000;
/** Invoices that one round asks nodes about, and how many at once. */
const MAX_PER_ROUND = 200;
const AT_ONCE = 8;
/** A node that does not answer is asked again after this. */
const RETRY_AFTER_MS = 10_000;
/** After this the node has had time to take what was on its way when an invoice was cancelled. */
const SECOND_LOOK_AFTER_MS = 5_000;
/** Clocks of nodes differ; past its expiry by so much an invoice is over everywhere. */
const OVER_AFTER_MS = 2 * 60_000;
/** A node that can not withdraw an invoice is asked about it rarely until it is over. */
const NOT_YET_AFTER_MS = 60_000;
/** Orders whose change was heard of and that wait for the next round; beyond it, all are swept. */
const MAX_NOTED = 10_000;

/**
 * Keeps invoices in step with their orders and with the node: gives up those that no longer fit,
 * cancels at the node what was given up or has expired, settles what was decided, and looks up what
 * may have been missed. Expiry is kept here, because a node may take a payment long after it.
 */
export function keepInvoices(deps: KeeperDeps): Loop {
  const { database, clock } = deps;
  const noted = new Set<Uuid>();
  let sweepAtMs = -Infinity;
  let isFirst = true;

  async function round(signal: AbortSignal): Promise<'again' | void> {
    const nowMs = clock.nowMs();
    if (isFirst) await database.asSystem((tx) => lookAtAllOpen(tx, nowMs));
    isFirst = false;
    const isSweep = nowMs - sweepAtMs >= SWEEP_EVERY_MS || noted.size >= MAX_NOTED;
    const orderIds = isSweep ? null : [...noted];
    noted.clear();
    if (isSweep) sweepAtMs = nowMs;
    if (orderIds === null || orderIds.length > 0) {
      await database.asSystem((tx) => giveUpMisfits(tx, { orderIds, nowMs }));
    }
    const due = await database.asSystem((tx) => readDueInvoices(tx, nowMs, MAX_PER_ROUND));
    for (let at = 0; at < due.length && !signal.aborted; at += AT_ONCE) {
      await Promise.all(due.slice(at, at + AT_ONCE).map((invoice) => attend(deps, invoice)));
    }
    await withdrawOffers(deps, signal);
    return due.length === MAX_PER_ROUND ? 'again' : undefined;
  }

  return startLoop({
    name: 'lightning invoices',
    everyMs: LOOK_EVERY_MS,
    run: round,
    wake: async (ring) => {
      const sweep = () => {
        sweepAtMs = -Infinity;
        ring();
      };
      const note = (payload: string) => {
        const orderId = orderOf(payload);
        if (orderId === undefined) return;
        if (noted.size < MAX_NOTED) noted.add(orderId);
        ring();
      };
      const orders = await database.listen(deps.ordersChannel, { message: note, gap: sweep });
      const stores = await database.listen(deps.merchantsChannel, { message: sweep, gap: sweep });
      return async () => {
        await orders();
        await stores();
      };
    },
    onError: (error) => deps.log.warn({ error }, 'Lightning invoices can not be looked after'),
    clock,
  });
}

/** Only orders that are not made anew: a new order has no invoice. */
function orderOf(payload: string): Uuid | undefined {
  const change: unknown = JSON.parse(payload);
  if (typeof change !== 'object' || change === null || !('previousStatus' in change)) return;
  if (!('orderId' in change) || typeof change.orderId !== 'string') return;
  return isUuid(change.orderId) ? change.orderId : undefined;
}

/** Does at the node what an invoice waits for, and takes in what the node says about it. */
async function attend(deps: KeeperDeps, invoice: Invoice): Promise<void> {
  const { merchantId, id } = invoice;
  const again = (afterMs: number) =>
    deps.database.asSystem((tx) =>
      lookAgainAt(tx, { merchantId, id, atMs: deps.clock.nowMs() + afterMs }),
    );
  try {
    const open = await deps.nodes.connectionOf(merchantId);
    // A node that was given up is not asked any more; what it had was counted when it was.
    if (open === null || open.id !== invoice.lightningNodeId) {
      await finish(deps, invoice, null);
      return;
    }
    const wanted = await decide(deps, invoice);
    if (wanted === undefined) return;
    await act(open.node, wanted);
    await finish(deps, wanted, await open.node.lookupInvoice(wanted.paymentHash));
  } catch (error) {
    if (!(error instanceof LightningNodeError)) throw error;
    deps.log.warn({ error, invoice: id }, 'a node did not do what an invoice waits for');
    await again(RETRY_AFTER_MS);
  }
}

/** An open invoice whose time is over is given up, on record before the node is told. */
async function decide(deps: KeeperDeps, read: Invoice): Promise<Invoice | undefined> {
  const nowMs = deps.clock.nowMs();
  return await deps.database.asSystem(async (tx) => {
    const invoice = await lockInvoice(tx, read);
    if (invoice === undefined || invoice.state === 'settled' || invoice.state === 'cancelled')
      return;
    if (invoice.state !== 'open' || nowMs < invoice.expiresAtMs) return invoice;
    const expired = { type: 'cancel', reason: 'expired' } as const;
    return (await changeInvoice(tx, { ids: deps.ids, nowMs }, invoice, expired)) ?? undefined;
  });
}

async function act(node: LightningNode, { state, paymentHash, preimage }: Invoice): Promise<void> {
  if (state === 'cancelling') await node.cancelInvoice(paymentHash).catch(unlessUnsupported);
  if (state === 'settling' && preimage !== null) await node.settleInvoice(preimage);
}

/** A wallet service can not withdraw an invoice (NIP-47): then it ends when its time is over. */
function unlessUnsupported(error: unknown): void {
  if (!(error instanceof LightningNodeError && error.code === 'unsupported')) throw error;
}

/** Takes in what the node said; what it has not done yet is looked at again. */
async function finish(
  deps: KeeperDeps,
  read: Invoice,
  found: Awaited<ReturnType<LightningNode['lookupInvoice']>>,
): Promise<void> {
  const { merchantId, lightningNodeId, paymentHash } = read;
  const nowMs = deps.clock.nowMs();
  const isOver = found !== null && nowMs > found.expiresAtMs + OVER_AFTER_MS;
  const said = eventOfLookup(found, nowMs);
  // Past its time no node takes a payment for it; should one do so, that is taken in as late.
  const event = said === null && isOver ? ({ type: 'node_cancelled' } as const) : said;
  await deps.database.asSystem(async (tx) => {
    const now = { ids: deps.ids, nowMs, tipHeight: await deps.readTipHeight(tx) };
    if (event?.type === 'settled') {
      const { receivedMsat, preimage, atMs } = event;
      const news = { type: 'invoice_settled', paymentHash, receivedMsat, preimage, atMs } as const;
      await takeInInvoices(tx, now, { merchantId, lightningNodeId }, [news]);
      return;
    }
    const invoice = await lockInvoice(tx, read);
    if (invoice === undefined) return;
    const after = event === null ? invoice : await changeInvoice(tx, now, invoice, event);
    if (after === null || after.state === 'settled' || after.state === 'cancelled') return;
    const { state, expiresAtMs } = after;
    const isSlow = state === 'cancelling' && found?.state === 'open';
    const isDecided = state === 'cancelling' || state === 'settling';
    const soonMs = nowMs + (isSlow ? NOT_YET_AFTER_MS : SECOND_LOOK_AFTER_MS);
    const atMs = isDecided ? soonMs : Math.max(soonMs, expiresAtMs);
    await lookAgainAt(tx, { merchantId, id: after.id, atMs });
  });
}
