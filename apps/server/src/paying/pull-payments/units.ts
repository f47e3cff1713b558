import {
  type Currency,
  currencyDecimals,
  divide,
  formatDecimal,
  MAX_INT64,
  MAX_SATS,
  type Msats,
  MSATS_PER_SAT,
  parseDecimal,
  SATS_PER_BTC,
} from '@quittance/kernel';
import { AppError } from '../../platform/errors.ts';
import { isFiatCurrency, type Rate } from '../../receiving/rates/index.ts';

/** A limit in its own units: millisatoshis for BTC, else the currency's smallest unit. */
export type Limit = { readonly currency: Currency; readonly units: bigint };

/** A bitcoin has 11 decimals of millisatoshis, of which the last three are seldom needed. */
const MSAT_DECIMALS = 11;
const SAT_DECIMALS = 8;
/** Of a rate's price (receiving/rates): 10⁻⁸ of the currency's major unit. */
const RATE_SCALE = 10n ** 8n;

/**
 * Reads a limit as a person writes it. SAT counts whole satoshis; all else as the kernel knows it.
 * @returns a sentence's end that says what is wrong with it
 */
export function readLimit(
  amount: string,
  currency: string,
): { ok: true; limit: Limit } | { ok: false; field: 'amount' | 'currency'; reason: string } {
  const known = currency === 'SAT' ? 'BTC' : currency;
  if (known !== 'BTC' && !isFiatCurrency(known)) {
    return { ok: false, field: 'currency', reason: 'use BTC, SAT or an ISO 4217 code' };
  }
  const decimals = currency === 'SAT' ? 0 : currencyDecimals(known);
  const parsed = parseDecimal(amount, decimals);
  if (!parsed.ok) return { ok: false, field: 'amount', reason: parsed.reason };
  if (parsed.value === 0n) {
    return { ok: false, field: 'amount', reason: 'it must be more than zero' };
  }
  if (known !== 'BTC') return { ok: true, limit: { currency: known, units: parsed.value } };
  if (parsed.value > MAX_SATS) {
    return { ok: false, field: 'amount', reason: 'it is more bitcoin than will ever exist' };
  }
  return { ok: true, limit: { currency: known, units: parsed.value * MSATS_PER_SAT } };
}

/**
 * Reads whole satoshis that the contract has already found to be a number.
 * @throws {AppError} amount_too_large, invalid_amount
 */
export function demandMsat(sats: string, pointer: string): Msats {
  const read = BigInt(sats);
  if (read > MAX_SATS) {
    throw new AppError('amount_too_large', 'The amount is more bitcoin than will ever exist.', {
      fields: [{ pointer, detail: 'more bitcoin than will ever exist' }],
    });
  }
  if (read === 0n) {
    throw new AppError('invalid_amount', 'The amount must be more than zero.', {
      fields: [{ pointer, detail: 'must be more than zero' }],
    });
  }
  return read * MSATS_PER_SAT;
}

/** Writes units as people do: whole satoshis of a bitcoin with 8 decimals, parts with 11. */
export function formatUnits(units: bigint, currency: Currency): string {
  if (currency !== 'BTC') return formatDecimal(units, currencyDecimals(currency));
  const isWhole = units % MSATS_PER_SAT === 0n;
  if (isWhole) return formatDecimal(units / MSATS_PER_SAT, SAT_DECIMALS);
  return formatDecimal(units, MSAT_DECIMALS);
}

/**
 * What an amount takes of a limit, rounded up: many small draws never get more out of it than one
 * large one would.
 * @param rate of the limit's currency; null for BTC
 * @returns null when it is more than any limit can be
 */
export function unitsOf(amountMsat: Msats, rate: Rate | null): bigint | null {
  if (rate === null) return amountMsat;
  const { minorPart, msatPart } = ratio(rate);
  const units = divide(amountMsat * minorPart, msatPart, 'up');
  return units > MAX_INT64 ? null : units;
}

/** How much can be drawn for units, rounded down: `unitsOf` it is never more than them. */
export function msatOf(units: bigint, rate: Rate | null): Msats {
  if (rate === null) return units;
  const { minorPart, msatPart } = ratio(rate);
  const msat = divide(units * msatPart, minorPart, 'down');
  const most = MAX_SATS * MSATS_PER_SAT;
  return msat > most ? most : msat;
}

/** A pull payment's whole limit in bitcoin. */
export function limitMsatOf(
  { limitUnits }: { limitUnits: bigint },
  quote: { readonly rate: Rate } | null,
): Msats {
  return msatOf(limitUnits, quote?.rate ?? null);
}

/** `msatPart` millisatoshis are worth exactly `minorPart` of the currency's smallest unit. */
function ratio({ currency, pricePerBtcE8 }: Rate): { msatPart: bigint; minorPart: bigint } {
  return {
    msatPart: SATS_PER_BTC * MSATS_PER_SAT * RATE_SCALE,
    minorPart: pricePerBtcE8 * 10n ** BigInt(currencyDecimals(currency)),
  };
}
