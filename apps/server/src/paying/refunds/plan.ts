import type { LockedRate, RefundMode } from '@quittance/contract';
import {
  assert,
  currencyDecimals,
  divide,
  isCurrency,
  MAX_SATS,
  parseDecimal,
  type Sats,
} from '@quittance/kernel';
import { fiatToSats, isFiatCurrency, parsePrice, satsToFiat } from '../../receiving/rates/index.ts';

/** What of an order's receipts is left for refunds, and whose it is in the book. */
export type Pools = {
  readonly roomSats: Sats;
  readonly merchantSats: Sats;
  readonly excessSats: Sats;
  readonly heldSats: Sats;
};

export type PricedOrder = {
  readonly priceCurrency: string;
  readonly rate: LockedRate | null;
};

export type RefundWish = {
  readonly mode: RefundMode;
  readonly rateMode: 'original' | 'current';
  readonly amount: string | undefined;
  readonly currency: string | undefined;
  readonly deductionBps: number | undefined;
  readonly deductionSats: Sats | undefined;
};

export type RefundPlan = {
  readonly rateMode: 'original' | 'current';
  readonly rate: LockedRate | null;
  readonly basisSats: Sats;
  readonly fromMerchantSats: Sats;
  readonly fromExcessSats: Sats;
  readonly fromHeldSats: Sats;
  readonly grossSats: Sats;
  readonly deductionSats: Sats;
  readonly payoutSats: Sats;
  readonly valueCurrency: string;
  readonly valueMinor: bigint;
};

export type PlanRefusal = {
  readonly code:
    | 'invalid_request'
    | 'invalid_amount'
    | 'unknown_currency'
    | 'amount_too_small'
    | 'amount_too_large'
    | 'refund_exceeds_received';
  readonly detail: string;
  readonly pointer?: string;
};
export type Planned = { ok: true; plan: RefundPlan } | ({ ok: false } & PlanRefusal);

/** Below this an output of the oldest kind is dust, which nodes don't relay (Bitcoin Core). */
export const MIN_PAYOUT_SATS = 546n;
const BPS_PER_WHOLE = 10_000n;

/** Whether today's rate is needed to reckon a wish. */
export function needsCurrentRate(order: PricedOrder, wish: RefundWish): boolean {
  if (order.rate === null) return false;
  if (wish.mode === 'custom') return wish.currency !== undefined && wish.currency !== 'BTC';
  return wish.rateMode === 'current';
}

/**
 * Reckons a refund: what it takes of what was received (basis), what that is worth at its rate
 * (gross), and what is paid after the deduction. Integers throughout; what is paid rounds down but
 * for an amount of fiat that was asked for, which rounds up as its price did.
 * @param current today's rate, where needsCurrentRate says so
 */
export function planRefund(
  order: PricedOrder,
  pools: Pools,
  wish: RefundWish,
  current: LockedRate | null,
): Planned {
  const asked = readAmount(order, wish);
  if (!asked.ok) return asked;
  const reckoned = reckon(order, pools, { ...wish, minor: asked.minor }, current);
  if ('ok' in reckoned) return reckoned;
  const { basisSats, grossSats } = reckoned;
  if (basisSats > pools.roomSats) return tooMuch(basisSats, pools);
  if (basisSats === 0n || grossSats === 0n) return nothing(wish.mode);
  const deductionSats = deductionOf(grossSats, wish);
  if (deductionSats >= grossSats) {
    return refuse('invalid_amount', 'The deduction leaves nothing to pay.', '/deductionSats');
  }
  const payoutSats = grossSats - deductionSats;
  if (payoutSats < MIN_PAYOUT_SATS) {
    const least = `${payoutSats} sat would be paid; on chain the least is ${MIN_PAYOUT_SATS} sat.`;
    return refuse('amount_too_small', least);
  }
  if (grossSats > MAX_SATS) {
    return refuse('amount_too_large', 'That is more bitcoin than will ever exist.');
  }
  const rateMode = needsCurrentRate(order, wish) ? 'current' : 'original';
  const rate = rateMode === 'current' ? current : order.rate;
  const plan: RefundPlan = {
    rateMode,
    rate,
    ...{ basisSats, grossSats, deductionSats, payoutSats },
    ...divideBasis(wish.mode, basisSats, pools),
    valueCurrency: order.priceCurrency,
    valueMinor: rate === null ? payoutSats : satsToFiat(payoutSats, quoteOf(rate)),
  };
  return { ok: true, plan };
}

/** What of an order is left, after what other refunds hold of it. */
export function poolsOf(
  money: { confirmedSats: Sats; merchantSats: Sats; excessSats: Sats; heldSats: Sats },
  held: { basisSats: Sats; fromMerchantSats: Sats; fromExcessSats: Sats; fromHeldSats: Sats },
): Pools {
  const left = (there: Sats, taken: Sats) => (there > taken ? there - taken : 0n);
  return {
    roomSats: left(money.confirmedSats, held.basisSats),
    merchantSats: left(money.merchantSats, held.fromMerchantSats),
    excessSats: left(money.excessSats, held.fromExcessSats),
    heldSats: left(money.heldSats, held.fromHeldSats),
  };
}

type Reckoned = { basisSats: Sats; grossSats: Sats };

function reckon(
  order: PricedOrder,
  pools: Pools,
  wish: RefundWish & { minor: bigint | null },
  current: LockedRate | null,
): Reckoned | ({ ok: false } & PlanRefusal) {
  const atCurrent = needsCurrentRate(order, wish);
  assert(!atCurrent || current !== null, 'planRefund: there is a rate where one is needed');
  const { minor } = wish;
  if (wish.mode === 'custom') {
    assert(minor !== null, 'planRefund: the amount was read');
    const sats = atCurrent ? atRate(minor, current) : minor;
    return sats > MAX_SATS ? tooLarge() : { basisSats: sats, grossSats: sats };
  }
  const basisSats = basisOf(order, pools, wish);
  if (basisSats > MAX_SATS) return tooLarge();
  if (!atCurrent) return { basisSats, grossSats: basisSats };
  if (minor !== null) return { basisSats, grossSats: atRate(minor, current) };
  return { basisSats, grossSats: revalue(basisSats, order.rate, current) };
}

function basisOf(order: PricedOrder, pools: Pools, wish: RefundWish & { minor: bigint | null }) {
  switch (wish.mode) {
    case 'overpaid':
      return smaller(pools.excessSats, pools.roomSats);
    case 'late':
      return smaller(pools.heldSats, pools.roomSats);
    case 'partial':
      assert(wish.minor !== null, 'planRefund: the amount was read');
      return order.rate === null ? wish.minor : atRate(wish.minor, order.rate);
    default:
      return pools.roomSats;
  }
}

function readAmount(
  order: PricedOrder,
  wish: RefundWish,
): { ok: true; minor: bigint | null } | ({ ok: false } & PlanRefusal) {
  const takesAmount = wish.mode === 'partial' || wish.mode === 'custom';
  if (!takesAmount && wish.amount !== undefined) {
    return refuse('invalid_request', `mode ${wish.mode} takes no amount.`, '/amount');
  }
  if (wish.mode !== 'custom' && wish.currency !== undefined) {
    return refuse('invalid_request', 'currency is for mode custom.', '/currency');
  }
  if (wish.deductionBps !== undefined && wish.deductionSats !== undefined) {
    return refuse('invalid_request', 'Send one kind of deduction only.', '/deductionSats');
  }
  if (!takesAmount) return { ok: true, minor: null };
  const currency = wish.mode === 'custom' ? (wish.currency ?? 'BTC') : order.priceCurrency;
  if (currency !== 'BTC' && currency !== order.priceCurrency) {
    const detail = `The amount is in BTC or in the order's currency ${order.priceCurrency}.`;
    return refuse('unknown_currency', detail, '/currency');
  }
  if (wish.amount === undefined) {
    return refuse('invalid_amount', `mode ${wish.mode} needs an amount.`, '/amount');
  }
  assert(isCurrency(currency), 'a stored order has a known currency');
  const parsed = parseDecimal(wish.amount, currencyDecimals(currency));
  if (!parsed.ok) return refuse('invalid_amount', parsed.reason, '/amount');
  if (parsed.value === 0n) {
    return refuse('invalid_amount', 'It must be more than zero.', '/amount');
  }
  return { ok: true, minor: parsed.value };
}

/** Whose money a refund takes: the merchant's first, then what was paid too much, then held. */
function divideBasis(mode: RefundMode, basisSats: Sats, pools: Pools) {
  if (mode === 'overpaid') {
    return { fromMerchantSats: 0n, fromExcessSats: basisSats, fromHeldSats: 0n };
  }
  if (mode === 'late') {
    return { fromMerchantSats: 0n, fromExcessSats: 0n, fromHeldSats: basisSats };
  }
  const beyond = basisSats > pools.merchantSats ? basisSats - pools.merchantSats : 0n;
  const fromExcessSats = smaller(beyond, pools.excessSats);
  const fromHeldSats = smaller(beyond - fromExcessSats, pools.heldSats);
  return {
    fromMerchantSats: basisSats - fromExcessSats - fromHeldSats,
    fromExcessSats,
    fromHeldSats,
  };
}

function deductionOf(grossSats: Sats, { deductionBps, deductionSats }: RefundWish): Sats {
  if (deductionSats !== undefined) return deductionSats;
  return divide(grossSats * BigInt(deductionBps ?? 0), BPS_PER_WHOLE, 'down');
}

/** As many satoshis as are worth now what these were worth then, rounded down. */
function revalue(sats: Sats, then: LockedRate | null, now: LockedRate | null): Sats {
  if (then === null || now === null) return sats;
  return divide(sats * priceOf(then), priceOf(now), 'down');
}

function atRate(minor: bigint, rate: LockedRate | null): Sats {
  if (rate === null) return minor;
  const quote = quoteOf(rate);
  return fiatToSats(minor, quote.rate.currency, quote);
}

function quoteOf(rate: LockedRate) {
  const { currency } = rate;
  assert(isFiatCurrency(currency), 'a locked rate is of a currency with a rate');
  return { rate: { currency, pricePerBtcE8: priceOf(rate) } };
}

function priceOf(rate: LockedRate): bigint {
  const parsed = parsePrice(rate.pricePerBtc);
  assert(parsed.ok, 'a locked rate is a price');
  return parsed.pricePerBtcE8;
}

function smaller(a: Sats, b: Sats): Sats {
  return a < b ? a : b;
}

function refuse(
  code: PlanRefusal['code'],
  detail: string,
  pointer?: string,
): { ok: false } & PlanRefusal {
  return { ok: false, code, detail, ...(pointer === undefined ? {} : { pointer }) };
}

function tooLarge() {
  return refuse('amount_too_large', 'That is more bitcoin than will ever exist.');
}

function tooMuch(basisSats: Sats, { roomSats }: Pools) {
  const detail = `The refund takes ${basisSats} sat of what was received; ${roomSats} sat are left.`;
  return refuse('refund_exceeds_received', detail);
}

function nothing(mode: RefundMode) {
  const what = mode === 'overpaid' ? 'paid too much' : mode === 'late' ? 'held' : 'received';
  const detail = `Of what was ${what}, nothing is left to be refunded.`;
  return refuse('refund_exceeds_received', detail);
}
