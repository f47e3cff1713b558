import { createHash } from 'node:crypto';
import {
  type DecodedBolt11,
  decodeBolt11,
  lightningNetworkOf,
  type Network,
} from '@quittance/bitcoin';
import type { Clock, Ids, Msats, Random } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Quote } from '../../receiving/rates/index.ts';
import { readAllowances } from './allowance-store.ts';
import { type DrawDeps, drawFrom } from './draw.ts';
import { readDrawRow } from './draw-store.ts';
import { closedBecause, currentPeriod, drawableMsat, type PullPayment } from './pull-payment.ts';
import { type WithdrawRefusal, WithdrawRefused } from './refusals.ts';
import { lockPullPayment, readPullPaymentRow } from './store.ts';
import { msatOf } from './units.ts';
import {
  claimRefusal,
  findWithdrawRequest,
  insertWithdrawRequest,
  lockWithdrawRequest,
  pruneWithdrawRequests,
  useWithdrawRequest,
  type WithdrawRequest,
} from './withdraw-store.ts';

export type WithdrawDeps = DrawDeps & {
  database: Pick<Database, 'asPublic'>;
  clock: Clock;
  ids: Ids;
  random: Random;
  network: Network;
  /** The price of a pull payment's currency at this moment, without the store's spread. */
  quoteFor(pull: Pick<PullPayment, 'merchantId' | 'currency'>): Promise<Quote | null>;
};

/** A person looks at the wallet and chooses an amount. */
export const LINK_K1_LIFE_MS = 300_000;
/** A terminal sends the invoice it has ready. */
export const TAP_K1_LIFE_MS = 90_000;
/** Nobody asks what became of an unused request after a day. */
const UNUSED_KEPT_MS = 86_400_000;
/** More than are made by one request, so that the table shrinks to what is alive. */
const PRUNED_AT_ONCE = 20;
/** An invoice that ends sooner would most likely end before it is paid. */
const MIN_INVOICE_LIFE_MS = 20_000;
const K1_BYTES = 32;
const K1 = /^[0-9a-f]{64}$/;

/** What a wallet is told that it may withdraw (LUD-03). */
export type WithdrawOffer = { k1: string; minMsat: Msats; maxMsat: Msats };

/**
 * Offers what is left of a pull payment to who has its link. Each offer has a k1 of its own, good
 * for one draw.
 * @throws {WithdrawRefused}
 */
export async function offerWithdraw(
  tx: Tx,
  deps: Pick<WithdrawDeps, 'ids' | 'random'>,
  offered: { pull: PullPayment; quote: Quote | null; nowMs: number },
): Promise<WithdrawOffer> {
  const { pull, quote, nowMs } = offered;
  const closed = closedBecause(pull, nowMs);
  if (closed !== null) throw new WithdrawRefused(closed);
  const periodStartMs = currentPeriod(pull, nowMs).startMs;
  const { merchantId, id: holderId } = pull;
  const used = await readAllowances(tx, [{ merchantId, holderId, periodStartMs }]);
  const leftUnits = pull.limitUnits - (used.get(holderId) ?? 0n);
  const drawable = drawableMsat(
    pull,
    leftUnits <= 0n ? 0n : msatOf(leftUnits, quote?.rate ?? null),
  );
  if (drawable === null) throw new WithdrawRefused('limit');
  const k1 = await newWithdrawRequest(tx, deps, {
    pull,
    tap: null,
    nowMs,
    lifeMs: LINK_K1_LIFE_MS,
  });
  return { k1, ...drawable };
}

/** Makes the k1 of one request; only its hash is kept. Call it as the system. */
export async function newWithdrawRequest(
  tx: Tx,
  { ids, random }: Pick<WithdrawDeps, 'ids' | 'random'>,
  of: {
    pull: Pick<PullPayment, 'merchantId' | 'id'>;
    tap: WithdrawRequest['tap'];
    nowMs: number;
    lifeMs: number;
  },
): Promise<string> {
  const { pull, tap, nowMs, lifeMs } = of;
  const k1 = Buffer.from(random(new Uint8Array(K1_BYTES))).toString('hex');
  await insertWithdrawRequest(tx, {
    merchantId: pull.merchantId,
    id: ids.next(),
    k1Hash: hashOf(k1),
    pullPaymentId: pull.id,
    tap,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + lifeMs,
    used: null,
  });
  await pruneWithdrawRequests(tx, { beforeMs: nowMs - UNUSED_KEPT_MS, limit: PRUNED_AT_ONCE });
  return k1;
}

/**
 * Pays a wallet's or a terminal's invoice (LUD-03, the callback). One k1 is good for one invoice:
 * sent again with the same one it answers what has become of it and pays nothing more. An invoice
 * that is refused leaves the k1 as it was.
 * @throws {WithdrawRefused}
 */
export async function takeWithdraw(
  deps: WithdrawDeps,
  { k1, pr }: { k1: string; pr: string },
): Promise<void> {
  const { database, clock, ids } = deps;
  if (!K1.test(k1)) throw new WithdrawRefused('k1_unknown');
  const k1Hash = hashOf(k1);
  const found = await database.asPublic((tx) => readRequest(tx, k1Hash));
  let invoice: (DecodedBolt11 & { amountMsat: Msats }) | undefined;
  try {
    invoice = readInvoice(pr, deps.network);
    const isRepeated = await database.asPublic((tx) =>
      repeated(tx, found.request, invoice?.paymentHash ?? ''),
    );
    if (isRepeated) return;
    refuseLate(invoice, found.request, clock.nowMs());
    const quote = await deps.quoteFor(found.pull);
    const wish = { k1Hash, invoice, quote };
    await database.asPublic((tx) => takeOnce(tx, deps, { ids, nowMs: clock.nowMs() }, wish));
  } catch (error) {
    if (!(error instanceof WithdrawRefused)) throw error;
    await tellRefusal(deps, found.request, {
      refusal: error.refusal,
      amountMsat: invoice?.amountMsat ?? null,
    });
    throw error;
  }
}

/** A terminal that tries what was refused for good again tells nothing new. */
const NOT_TOLD: ReadonlySet<WithdrawRefusal> = new Set(['k1_used', 'k1_expired', 'payment_failed']);

/** Tells of a card's refusal, once for each tap: whoever has a k1 can ask as often as he likes. */
async function tellRefusal(
  { database, cards, ids, clock }: WithdrawDeps,
  { merchantId, id, tap }: WithdrawRequest,
  about: { refusal: WithdrawRefusal; amountMsat: Msats | null },
): Promise<void> {
  if (tap === null || NOT_TOLD.has(about.refusal)) return;
  const telling = { ids, nowMs: clock.nowMs() };
  await database.asPublic(async (tx) => {
    if (!(await claimRefusal(tx, { merchantId, id }))) return;
    await cards.drawRefused(tx, telling, { merchantId, cardId: tap.cardId, ...about });
  });
}

async function readRequest(
  tx: Tx,
  k1Hash: Uint8Array,
): Promise<{ request: WithdrawRequest; pull: PullPayment }> {
  const request = await findWithdrawRequest(tx, k1Hash);
  if (request === undefined) throw new WithdrawRefused('k1_unknown');
  const { merchantId, pullPaymentId: id } = request;
  const pull = await readPullPaymentRow(tx, { merchantId, id });
  if (pull === undefined) throw new WithdrawRefused('k1_unknown');
  return { request, pull };
}

async function takeOnce(
  tx: Tx,
  deps: WithdrawDeps,
  telling: { ids: Ids; nowMs: number },
  wish: {
    k1Hash: Uint8Array;
    invoice: DecodedBolt11 & { amountMsat: Msats };
    quote: Quote | null;
  },
): Promise<void> {
  const { invoice, quote } = wish;
  const request = await lockWithdrawRequest(tx, wish.k1Hash);
  if (request === undefined) throw new WithdrawRefused('k1_unknown');
  if (await repeated(tx, request, invoice.paymentHash)) return;
  refuseLate(invoice, request, telling.nowMs);
  const { merchantId, pullPaymentId, tap } = request;
  const pull = await lockPullPayment(tx, { merchantId, id: pullPaymentId });
  if (pull === undefined) throw new WithdrawRefused('k1_unknown');
  const cardId = tap?.cardId ?? null;
  const draw = await drawFrom(tx, deps, telling, { pull, cardId, invoice, quote });
  const paymentHash = Uint8Array.from(Buffer.from(invoice.paymentHash, 'hex'));
  await useWithdrawRequest(tx, request, { drawId: draw.id, paymentHash });
}

/**
 * Whether this very invoice was taken already and is under way or paid.
 * @throws {WithdrawRefused} when the k1 was used for another invoice, or what it was used for has
 *   failed
 */
async function repeated(tx: Tx, request: WithdrawRequest, paymentHash: string): Promise<boolean> {
  const { used, merchantId } = request;
  if (used === null) return false;
  if (used.paymentHash !== paymentHash) throw new WithdrawRefused('k1_used');
  const draw = await readDrawRow(tx, { merchantId, id: used.drawId });
  if (draw?.state === 'failed') throw new WithdrawRefused('payment_failed');
  return true;
}

function refuseLate(invoice: DecodedBolt11, request: WithdrawRequest, nowMs: number): void {
  if (nowMs >= request.expiresAtMs) throw new WithdrawRefused('k1_expired');
  if (invoice.expiresAtMs - nowMs < MIN_INVOICE_LIFE_MS) {
    throw new WithdrawRefused('invoice_expired');
  }
}

function readInvoice(pr: string, network: Network): DecodedBolt11 & { amountMsat: Msats } {
  const read = decodeBolt11(pr);
  if (!read.ok) throw new WithdrawRefused('invoice_invalid', read.reason);
  const { invoice } = read;
  if (invoice.network !== lightningNetworkOf(network)) {
    throw new WithdrawRefused('invoice_wrong_network');
  }
  const { amountMsat } = invoice;
  if (amountMsat === null) throw new WithdrawRefused('invoice_without_amount');
  return { ...invoice, amountMsat };
}

function hashOf(k1: string): Uint8Array {
  return createHash('sha256').update(k1).digest();
}
