import type { CreateOrder, LockedRate } from '@quittance/contract';
import {
  currencyDecimals,
  isCurrency,
  MAX_SATS,
  parseDecimal,
  type Sats,
  type Uuid,
} from '@quittance/kernel';
import { AppError } from '../../platform/errors.ts';
import { toleranceSats } from '../payments/index.ts';
import { fiatToSats, formatPrice, isFiatCurrency, type Quote } from '../rates/index.ts';

/** What of a store's settings decides about a new order. */
export type OrderSettings = {
  toleranceBelowBps: number;
  toleranceAboveBps: number;
  confirmationTiers: readonly { belowSats: string; confirmations: number }[];
  confirmationsAbove: number;
  orderExpirySeconds: number;
  monitorAfterExpirySeconds: number;
  latePolicy: 'hold' | 'accept';
};

/** An order with its price locked, before it has an address. */
export type OrderDraft = {
  id: Uuid;
  externalId: string | null;
  description: string | null;
  metadata: Record<string, string>;
  redirectUrl: string | null;
  /** Whose order the shop says it is. */
  customerId: Uuid | null;
  priceCurrency: string;
  priceMinor: bigint;
  rate: LockedRate | null;
  dueSats: Sats;
  toleranceBelowSats: Sats;
  toleranceAboveSats: Sats;
  requiredConfirmations: number;
  latePolicy: 'hold' | 'accept';
  createdAtMs: number;
  expiresAtMs: number;
  /** Late payments count by themselves until then, where the store accepts them. */
  monitorUntilMs: number;
};

/** Below this an output of the oldest kind is dust, which nodes don't relay (Bitcoin Core). */
const MIN_DUE_SATS = 546n;

/**
 * Reads a price.
 * @throws {AppError} unknown_currency, invalid_amount
 */
export function parsePrice(input: Pick<CreateOrder, 'amount' | 'currency'>): bigint {
  if (!isCurrency(input.currency)) {
    throw new AppError('unknown_currency', `The currency ${input.currency} is not known.`, {
      fields: [{ pointer: '/currency', detail: 'use BTC or an ISO 4217 code such as "EUR"' }],
    });
  }
  const decimals = currencyDecimals(input.currency);
  const price = parseDecimal(input.amount, decimals);
  const reason = price.ok ? 'it must be more than zero' : price.reason;
  if (!price.ok || price.value === 0n) {
    throw new AppError('invalid_amount', `The amount can not be used: ${reason}.`, {
      fields: [{ pointer: '/amount', detail: reason }],
    });
  }
  return price.value;
}

/**
 * Locks the price of an order. The amount due is rounded up to whole satoshis, so that what is due
 * is never worth less than what was asked.
 * @param quote null when the price is in BTC
 * @throws {AppError} unknown_currency, invalid_amount, amount_too_small, amount_too_large
 */
export function draftOrder(
  input: CreateOrder,
  settings: OrderSettings,
  now: { id: Uuid; nowMs: number; quote: Quote | null },
): OrderDraft {
  const priceMinor = parsePrice(input);
  const dueSats = dueOf(input.currency, priceMinor, now.quote);
  if (dueSats < MIN_DUE_SATS) {
    throw new AppError(
      'amount_too_small',
      `The price comes to ${dueSats} sat; on chain the least is ${MIN_DUE_SATS} sat.`,
    );
  }
  if (dueSats > MAX_SATS) {
    throw new AppError('amount_too_large', 'The price is more bitcoin than will ever exist.');
  }
  const seconds = input.expiresInSeconds ?? settings.orderExpirySeconds;
  const expiresAtMs = now.nowMs + seconds * 1_000;
  return {
    id: now.id,
    externalId: input.externalId ?? null,
    description: input.description ?? null,
    metadata: input.metadata ?? {},
    redirectUrl: input.redirectUrl ?? null,
    customerId: input.customerId ?? null,
    priceCurrency: input.currency,
    priceMinor,
    rate: now.quote === null ? null : lockedRate(now.quote),
    dueSats,
    toleranceBelowSats: toleranceSats(dueSats, settings.toleranceBelowBps),
    toleranceAboveSats: toleranceSats(dueSats, settings.toleranceAboveBps),
    requiredConfirmations: confirmationsFor(dueSats, settings),
    latePolicy: settings.latePolicy,
    createdAtMs: now.nowMs,
    expiresAtMs,
    monitorUntilMs: expiresAtMs + settings.monitorAfterExpirySeconds * 1_000,
  };
}

function dueOf(currency: string, priceMinor: bigint, quote: Quote | null): Sats {
  if (quote === null) return priceMinor;
  if (!isCurrency(currency) || !isFiatCurrency(currency)) {
    throw new AppError('unknown_currency', `The currency ${currency} has no exchange rate.`);
  }
  return fiatToSats(priceMinor, currency, quote);
}

function lockedRate(quote: Quote): LockedRate {
  return {
    currency: quote.currency,
    pricePerBtc: formatPrice(quote.rate.pricePerBtcE8),
    source: quote.source,
    spreadBps: quote.spreadBps,
    observedAt: new Date(quote.observedAtMs).toISOString(),
    rounding: 'up',
  };
}

/** More money waits for more blocks (design §7). */
export function confirmationsFor(
  dueSats: Sats,
  settings: Pick<OrderSettings, 'confirmationTiers' | 'confirmationsAbove'>,
): number {
  const tier = settings.confirmationTiers.find(({ belowSats }) => dueSats < BigInt(belowSats));
  return tier?.confirmations ?? settings.confirmationsAbove;
}
