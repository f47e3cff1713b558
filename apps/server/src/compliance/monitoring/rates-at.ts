import { type Currency, type Sats } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { isFiatCurrency, parsePrice, satsToFiat } from '../../receiving/rates/index.ts';
import { findRateNear } from './rate-store.ts';

/** A price further away in time is not the price of that time. */
export const MAX_RATE_DISTANCE_MS = 3_600_000;

export type Value = { readonly amountMinor: bigint; readonly rateSource: string };
type LockedPrice = { readonly currency: string; readonly pricePerBtc: string };

/**
 * What satoshis were worth at their time: at the rate that is locked in the order or payout where it is
 * of this currency, else at the market price that was noted nearest to that time. Null where there is
 * none within an hour: today's price is not asked.
 */
export async function valueAt(
  tx: Tx,
  about: { sats: Sats; atMs: number; currency: Currency; locked: LockedPrice | null },
): Promise<Value | null> {
  const { sats, atMs, currency, locked } = about;
  if (locked !== null && locked.currency === currency) {
    const amountMinor = convert(sats, currency, locked.pricePerBtc);
    if (amountMinor !== null) return { amountMinor, rateSource: 'locked with the price' };
  }
  const near = await findRateNear(tx, { currency, atMs, withinMs: MAX_RATE_DISTANCE_MS });
  if (near === undefined) return null;
  const amountMinor = convert(sats, currency, near.pricePerBtc);
  if (amountMinor === null) return null;
  const when = new Date(near.atMs).toISOString();
  return { amountMinor, rateSource: `${near.source} at ${when}` };
}

function convert(sats: Sats, currency: Currency, pricePerBtc: string): bigint | null {
  if (!isFiatCurrency(currency)) return null;
  const price = parsePrice(pricePerBtc);
  if (!price.ok) return null;
  return satsToFiat(sats, { rate: { currency, pricePerBtcE8: price.pricePerBtcE8 } });
}
