import type { LockedRate, OrderReportLine, OrderReportTotals } from '@quittance/contract';
import {
  assert,
  currencyDecimals,
  formatDecimal,
  isCurrency,
  MSATS_PER_SAT,
  type Sats,
  type Uuid,
} from '@quittance/kernel';
import { isFiatCurrency, parsePrice, satsToFiat } from '../../receiving/rates/index.ts';
import type { Movement } from './store.ts';

export type ReportedOrder = {
  id: Uuid;
  externalId: string | null;
  createdAtMs: number;
  priceCurrency: string;
  rate: LockedRate | null;
};

export type Figures = {
  receivedSats: Sats;
  heldSats: Sats;
  settledSats: Sats;
  refundedSats: Sats;
  paidBackSats: Sats;
  feeSats: Sats;
  netSats: Sats;
};

/**
 * What the movements of an order come to. Settled is what was applied to it, with held money that
 * went to pay its refunds, less what of it was refunded: nothing, once all of it is (refunded-still-
 * settled). Sums of periods are the sum over both.
 */
export function figuresOf(moved: Omit<Movement, 'order_id'>, feeSats: Sats): Figures {
  const received = inSats(moved.received);
  const applied = inSats(moved.applied);
  const drawn = inSats(moved.drawn);
  const refunded = inSats(moved.refunded);
  const paidBack = inSats(moved.paid_back);
  return {
    receivedSats: received,
    heldSats: received - applied - drawn,
    settledSats: applied + drawn - refunded,
    refundedSats: refunded,
    paidBackSats: paidBack,
    feeSats,
    netSats: received - paidBack - feeSats,
  };
}

export function lineOf(order: ReportedOrder, figures: Figures): OrderReportLine {
  const amount = (sats: Sats) => amountText(sats, order);
  return {
    orderId: order.id,
    externalId: order.externalId,
    createdAt: new Date(order.createdAtMs).toISOString(),
    currency: order.priceCurrency,
    ...textsOf(figures),
    settledAmount: amount(figures.settledSats),
    refundedAmount: amount(figures.refundedSats),
    netAmount: amount(figures.netSats),
  };
}

export function totalsOf(orders: number, figures: Figures): OrderReportTotals {
  return { orders, ...textsOf(figures) };
}

function textsOf(figures: Figures) {
  return {
    receivedSats: figures.receivedSats.toString(),
    heldSats: figures.heldSats.toString(),
    settledSats: figures.settledSats.toString(),
    refundedSats: figures.refundedSats.toString(),
    paidBackSats: figures.paidBackSats.toString(),
    feeSats: figures.feeSats.toString(),
    netSats: figures.netSats.toString(),
  };
}

function inSats(msats: bigint): Sats {
  assert(msats % MSATS_PER_SAT === 0n, 'on chain nothing moves but whole satoshis');
  return msats / MSATS_PER_SAT;
}

/** Satoshis in the order's currency, at the rate that its price was locked at. */
function amountText(sats: Sats, { priceCurrency, rate }: ReportedOrder): string {
  assert(isCurrency(priceCurrency), 'a stored order has a known currency');
  const decimals = currencyDecimals(priceCurrency);
  if (rate === null || !isFiatCurrency(priceCurrency)) return formatDecimal(sats, decimals);
  const price = parsePrice(rate.pricePerBtc);
  assert(price.ok, 'a locked rate is a price');
  const quote = { rate: { currency: priceCurrency, pricePerBtcE8: price.pricePerBtcE8 } };
  const worth = satsToFiat(sats < 0n ? 0n - sats : sats, quote);
  return formatDecimal(sats < 0n ? 0n - worth : worth, decimals);
}
