import type { CreateRefund, LockedRate } from '@quittance/contract';
import {
  assert,
  type Clock,
  divide,
  type Ids,
  type Random,
  type Sats,
  type Uuid,
} from '@quittance/kernel';
import type { Network } from '@quittance/bitcoin';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { isOwnScript } from '../../receiving/addresses/index.ts';
import { findPricedOrder, readTipHeight } from '../../receiving/orders/index.ts';
import type { OrderMoney, Telling } from '../../receiving/payments/index.ts';
import { type ClaimLink, newClaimLink } from './claim-link.ts';
import { readDestination } from './destination.ts';
import { asRefundRefusal, cannotBeRefunded, invalidAddress, notFound } from './errors.ts';
import { faultPoint } from './fault-points.ts';
import type { RefundPayouts } from './payouts-port.ts';
import {
  MIN_PAYOUT_SATS,
  type Planned,
  type Pools,
  type PricedOrder,
  planRefund,
  poolsOf,
  type RefundPlan,
  type RefundWish,
} from './plan.ts';
import { advanceRefund, capOf, isOver, type Refund, type RefundChange } from './refund.ts';
import { chooseSource } from './sources.ts';
import * as store from './store.ts';
import { lockRefunds, writeChanges } from './write-changes.ts';

/** What of a store's settings decides about its refunds. */
export type RefundSettings = {
  refundFeeFrom: 'merchant' | 'customer';
  refundMaxFeeBps: number;
  refundClaimExpirySeconds: number;
};

export type RefundDeps = {
  clock: Clock;
  ids: Ids;
  random: Random;
  network: Network;
  payouts: RefundPayouts;
  readSettings(tx: Tx, merchantId: Uuid): Promise<RefundSettings>;
};

/** More are a mistake: each is a promise of its own, with a link of its own. */
const MAX_REFUNDS_OF_ORDER = 200;
const BPS_PER_WHOLE = 10_000n;

export type Created = { refund: store.StoredRefund; link: ClaimLink | null };

/**
 * Promises to pay back a part of what an order received. The part is taken from the order's cap in
 * the ledger, so that no two refunds can promise the same money (refund-cap). Where the address is
 * known already, its payout is made at once.
 * @param currentRate today's rate, where planning needs it (needsCurrentRate)
 * @throws {AppError} not_found, conflict, refund_exceeds_received, refund_above_basis,
 *   invalid_amount, invalid_destination, source_risk_not_accepted
 */
export async function createRefund(
  tx: Tx,
  deps: RefundDeps,
  input: { of: store.OfOrder; wish: CreateRefund; currentRate: LockedRate | null; by: string },
): Promise<Created> {
  const { of, wish, by } = input;
  const priced = await findPricedOrder(tx, { merchantId: of.merchantId, id: of.orderId });
  if (priced === undefined) throw notFound('order');
  const locked = await lockRefunds(tx, of);
  assert(locked !== undefined, 'createRefund: the order was there a moment ago');
  if ((await store.countRefunds(tx, of)) >= MAX_REFUNDS_OF_ORDER) {
    throw new AppError('conflict', `An order has at most ${MAX_REFUNDS_OF_ORDER} refunds.`);
  }
  const { plan } = await planUnderLock(tx, { ...input, order: priced, money: locked.money });
  if (plan.payoutSats > plan.basisSats && !wish.acceptAboveReceived) throw aboveBasis(plan);
  const telling = await tellingOf(tx, deps);
  const settings = await deps.readSettings(tx, of.merchantId);
  const link = wish.destination === 'claim' ? newClaimLink(deps.random) : null;
  const refund = draft({ deps, input, plan, settings, link, nowMs: telling.nowMs });
  demandRoomForFee(refund);
  const made: RefundChange = { before: null, after: refund, notices: ['refund.created'] };
  const destination = await destinationOf(tx, deps, { wish, money: locked.money, of });
  try {
    if (destination === null) {
      await writeChanges(tx, telling, { ...locked, changes: [made] });
      faultPoint('refund-create-written');
    } else {
      await payAtOnce(tx, deps, { made, destination, telling, locked, by });
    }
  } catch (error) {
    throw asRefundRefusal(error);
  }
  const stored = await store.readRefund(tx, { merchantId: of.merchantId, id: refund.id });
  assert(stored !== undefined, 'createRefund: it was written');
  return { refund: stored, link };
}

/**
 * Reckons a refund of an order whose money is locked or at least read in this transaction.
 * @throws {AppError} conflict while the order may still be paid, and what planRefund refuses
 */
export async function planUnderLock(
  tx: Tx,
  work: {
    of: store.OfOrder;
    wish: CreateRefund;
    order: PricedOrder;
    money: OrderMoney;
    currentRate: LockedRate | null;
  },
): Promise<{ plan: RefundPlan; pools: Pools }> {
  const { money } = work;
  const closed = money.order.expiredAtMs !== null || money.order.cancelledAtMs !== null;
  const paid = money.paidStatus === 'CONFIRMED' || money.paidStatus === 'OVERPAID';
  const waits = !paid && (!closed || money.paidStatus === 'UNCONFIRMED');
  // What a person decided to send back does not wait for the rest of the order.
  if (waits && money.returnableSats === 0n) throw cannotBeRefunded(money.order.status);
  const refunds = await store.readRefundsOfOrder(tx, work.of);
  const { returnableSats } = money;
  const refundable = waits
    ? { ...money, confirmedSats: returnableSats, heldSats: returnableSats }
    : money;
  const pools = poolsOf(refundable, sumOf(refunds.filter((refund) => !isOver(refund))));
  const planned: Planned = planRefund(work.order, pools, wishOf(work.wish), work.currentRate);
  if (planned.ok) return { plan: planned.plan, pools };
  const { code, detail, pointer } = planned;
  const fields = pointer === undefined ? [] : [{ pointer, detail }];
  throw new AppError(code, detail, { fields });
}

export function wishOf(wish: CreateRefund): RefundWish {
  return {
    mode: wish.mode,
    rateMode: wish.rate,
    amount: wish.amount,
    currency: wish.currency,
    deductionBps: wish.deductionBps,
    deductionSats: wish.deductionSats === undefined ? undefined : BigInt(wish.deductionSats),
  };
}

export async function tellingOf(tx: Tx, deps: Pick<RefundDeps, 'ids' | 'clock'>): Promise<Telling> {
  return { ids: deps.ids, nowMs: deps.clock.nowMs(), tipHeight: await readTipHeight(tx) };
}

/**
 * Checks an address that somebody gave: that it can be paid here, and that it is not the store's.
 * @throws {AppError} invalid_destination
 */
export async function checkedDestination(
  tx: Tx,
  deps: Pick<RefundDeps, 'network'>,
  given: { merchantId: Uuid; address: string },
): Promise<{ address: string; script: Uint8Array }> {
  const read = readDestination(given.address, deps.network);
  if (!read.ok) throw invalidAddress(read.code, read.reason);
  if (await isOwnScript(tx, { merchantId: given.merchantId, script: read.script })) {
    throw invalidAddress('own_address', 'this is an address of the store itself');
  }
  return { address: read.address, script: read.script };
}

async function destinationOf(
  tx: Tx,
  deps: RefundDeps,
  { wish, money, of }: { wish: CreateRefund; money: OrderMoney; of: store.OfOrder },
): Promise<{ address: string; script: Uint8Array } | null> {
  if (wish.destination === 'claim') {
    if (wish.address === undefined) return null;
    throw new AppError('invalid_request', 'destination claim takes no address.');
  }
  if (wish.proofRequired) {
    throw new AppError('invalid_request', 'Only who claims can prove that an address is his own.');
  }
  if (wish.destination === 'address' && wish.address === undefined) {
    throw invalidAddress('empty', 'destination address needs an address');
  }
  const address =
    wish.destination === 'source'
      ? await chooseSource(tx, { network: deps.network, txids: money.txids, wish })
      : (wish.address ?? '');
  return await checkedDestination(tx, deps, { merchantId: of.merchantId, address });
}

async function payAtOnce(
  tx: Tx,
  deps: RefundDeps,
  work: {
    made: RefundChange;
    destination: { address: string; script: Uint8Array };
    telling: Telling;
    locked: NonNullable<Awaited<ReturnType<typeof lockRefunds>>>;
    by: string;
  },
): Promise<void> {
  const { made, destination, telling } = work;
  const payoutId = deps.ids.next();
  const event = { type: 'claimed', ...destination, proof: null, payoutId } as const;
  const claimed = advanceRefund(made.after, event, telling.nowMs);
  assert(claimed !== null, 'a new refund takes an address');
  const notices = [...made.notices, ...claimed.notices];
  const change = { before: null, after: claimed.after, notices };
  await writeChanges(tx, telling, { ...work.locked, changes: [change] });
  const payout = { id: payoutId, refund: claimed.after, by: work.by, holdForApproval: false };
  await deps.payouts.create(tx, telling, payout);
}

function draft(work: {
  deps: RefundDeps;
  input: { of: store.OfOrder; wish: CreateRefund; by: string };
  plan: RefundPlan;
  settings: RefundSettings;
  link: ClaimLink | null;
  nowMs: number;
}): Refund {
  const { deps, input, plan, settings, link, nowMs } = work;
  const { wish } = input;
  const seconds = wish.claimExpiresInSeconds ?? settings.refundClaimExpirySeconds;
  const begun = { state: 'PENDING', held: false } as const;
  const feeShare = plan.payoutSats * BigInt(settings.refundMaxFeeBps);
  return {
    ...input.of,
    id: deps.ids.next(),
    ...begun,
    reason: null,
    note: wish.note ?? null,
    mode: wish.mode,
    ...plan,
    feeFrom: wish.feeFrom ?? settings.refundFeeFrom,
    maxFeeShareSats: divide(feeShare, BPS_PER_WHOLE, 'down'),
    destination: wish.destination,
    proofRequired: wish.proofRequired,
    claimHash: link?.hash ?? null,
    claimExpiresAtMs: link === null ? null : nowMs + seconds * 1_000,
    ...{ address: null, script: null, proof: null, claimedAtMs: null },
    ...{ payoutId: null, txid: null, feeShareSats: 0n },
    ...capOf({ capState: 'none', capEpoch: 0 }, begun),
    version: 1,
    createdBy: input.by,
    createdAtMs: nowMs,
    ...{ sentAtMs: null, finishedAtMs: null },
  };
}

/**
 * A recipient who bears the fee needs room for one: else no payout could be made, and who claims
 * would find that out.
 * @throws {AppError} amount_too_small
 */
function demandRoomForFee({ feeFrom, payoutSats, maxFeeShareSats }: Refund): void {
  if (feeFrom === 'merchant') return;
  if (maxFeeShareSats > 0n && payoutSats > MIN_PAYOUT_SATS) return;
  const detail = `${payoutSats} sat would be paid; that leaves nothing for a fee of the customer's.`;
  throw new AppError('amount_too_small', detail);
}

/** A held refund keeps its claim on what was received: nobody else may be promised it meanwhile. */
function sumOf(refunds: readonly Refund[]) {
  const sum = (pick: (refund: Refund) => Sats) =>
    refunds.reduce((total, refund) => total + pick(refund), 0n);
  return {
    basisSats: sum(({ basisSats }) => basisSats),
    fromMerchantSats: sum(({ fromMerchantSats }) => fromMerchantSats),
    fromExcessSats: sum(({ fromExcessSats }) => fromExcessSats),
    fromHeldSats: sum(({ fromHeldSats }) => fromHeldSats),
  };
}

function aboveBasis({ payoutSats, basisSats }: RefundPlan): AppError {
  const detail =
    `${payoutSats} sat would be paid for ${basisSats} sat that were received. ` +
    'Send acceptAboveReceived: true if this is meant.';
  return new AppError('refund_above_basis', detail);
}
