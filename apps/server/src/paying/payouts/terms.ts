import type { CreatePayout, LockedRate } from '@quittance/contract';
import type { Network } from '@quittance/bitcoin';
import { currencyDecimals, isCurrency, MAX_SATS, parseDecimal, type Sats } from '@quittance/kernel';
import {
  fiatToSats,
  formatPrice,
  isFiatCurrency,
  type Quote,
} from '../../receiving/rates/index.ts';
import type { FeeFrom } from '../spends/index.ts';
import { dustSats, readDestination } from './destination.ts';
import type { PayoutPrice } from './payout.ts';

/** What is paid, to where, and who bears the fee: what approvals are about. */
export type PayoutTerms = {
  readonly destination: string;
  readonly script: Uint8Array;
  readonly amountSats: Sats;
  readonly price: PayoutPrice | null;
  readonly feeFrom: FeeFrom;
  readonly maxFeeShareSats: Sats;
};

export type TermsProblem = {
  readonly field: 'destination' | 'amount' | 'currency' | 'feeFrom' | 'maxFeeShareSats';
  readonly code:
    | 'invalid_destination'
    | 'invalid_amount'
    | 'unknown_currency'
    | 'amount_too_small'
    | 'amount_too_large'
    | 'invalid_request';
  readonly message: string;
};

export type TermsInput = Pick<
  CreatePayout,
  'destination' | 'amount' | 'currency' | 'feeFrom' | 'maxFeeShareSats'
>;

/** A fee above a tenth of the amount surprises a recipient. */
const DEFAULT_FEE_SHARE_DIVISOR = 10n;

/** The currency whose rate is needed before the terms can be read; null for bitcoin or nonsense. */
export function fiatOf(input: Pick<TermsInput, 'currency'>) {
  return isCurrency(input.currency) && isFiatCurrency(input.currency) ? input.currency : null;
}

/**
 * Reads what a payout shall pay: the address belongs to the network and can be paid, the amount is
 * exact and above dust even after the largest share of the fee. All in integers, without I/O.
 * @param quote of the price's currency; null for bitcoin
 */
export function readTerms(
  input: TermsInput,
  world: { network: Network; quote: Quote | null },
): { ok: true; terms: PayoutTerms } | { ok: false; problems: TermsProblem[] } {
  const problems: TermsProblem[] = [];
  const destination = readDestination(input.destination, world.network);
  if (!destination.ok) {
    const message = `The destination can not be paid: ${destination.reason}.`;
    problems.push({ field: 'destination', code: 'invalid_destination', message });
  }
  const amount = readAmount(input, world.quote);
  if (!amount.ok) problems.push(amount.problem);
  if (!amount.ok || !destination.ok) return { ok: false, problems };
  const { amountSats } = amount;
  const feeFrom = input.feeFrom ?? 'sender';
  const share = readFeeShare(input, { feeFrom, amountSats });
  if (!share.ok) return { ok: false, problems: [share.problem] };
  const least = dustSats(destination.type);
  if (amountSats - share.maxFeeShareSats < least) {
    const after = share.maxFeeShareSats === 0n ? '' : ' after the largest share of the fee';
    const message = `To this kind of address the least is ${least} sat${after}.`;
    return { ok: false, problems: [{ field: 'amount', code: 'amount_too_small', message }] };
  }
  const { script } = destination;
  const { maxFeeShareSats } = share;
  const price = world.quote === null ? null : lockedPrice(input, world.quote);
  return {
    ok: true,
    terms: {
      destination: input.destination,
      script,
      amountSats,
      price,
      feeFrom,
      maxFeeShareSats,
    },
  };
}

type ReadAmount = { ok: true; amountSats: Sats } | { ok: false; problem: TermsProblem };

function readAmount(input: TermsInput, quote: Quote | null): ReadAmount {
  const { currency } = input;
  const refuse = (code: TermsProblem['code'], message: string): ReadAmount => ({
    ok: false,
    problem: { field: code === 'unknown_currency' ? 'currency' : 'amount', code, message },
  });
  const decimals = decimalsOf(currency);
  if (decimals === null) {
    return refuse('unknown_currency', `The currency ${currency.slice(0, 10)} is not known.`);
  }
  const parsed = parseDecimal(input.amount, decimals);
  if (!parsed.ok || parsed.value === 0n) {
    const reason = parsed.ok ? 'it must be more than zero' : parsed.reason;
    return refuse('invalid_amount', `The amount can not be used: ${reason}.`);
  }
  const fiat = fiatOf(input);
  if (fiat === null) {
    if (parsed.value <= MAX_SATS) return { ok: true, amountSats: parsed.value };
    return refuse('amount_too_large', 'The amount is more bitcoin than will ever exist.');
  }
  if (quote === null || quote.currency !== fiat) {
    return refuse('unknown_currency', `The currency ${currency} has no exchange rate here.`);
  }
  try {
    return { ok: true, amountSats: fiatToSats(parsed.value, fiat, quote) };
  } catch {
    return refuse('amount_too_large', 'The amount is more bitcoin than will ever exist.');
  }
}

/** SAT counts whole satoshis; everything else as the kernel knows it. */
function decimalsOf(currency: string): number | null {
  if (currency === 'SAT') return 0;
  return isCurrency(currency) ? currencyDecimals(currency) : null;
}

function readFeeShare(
  input: TermsInput,
  { feeFrom, amountSats }: { feeFrom: FeeFrom; amountSats: Sats },
): { ok: true; maxFeeShareSats: Sats } | { ok: false; problem: TermsProblem } {
  const given = input.maxFeeShareSats === undefined ? null : BigInt(input.maxFeeShareSats);
  const refuse = (message: string) =>
    ({
      ok: false,
      problem: { field: 'maxFeeShareSats', code: 'invalid_request', message },
    }) as const;
  if (feeFrom === 'sender') {
    if (given === null || given === 0n) return { ok: true, maxFeeShareSats: 0n };
    return refuse('The recipient bears no fee unless feeFrom is recipient.');
  }
  if (given === 0n) return refuse('The recipient bears the fee, so its share must be above zero.');
  const maxFeeShareSats = given ?? amountSats / DEFAULT_FEE_SHARE_DIVISOR;
  if (maxFeeShareSats >= amountSats)
    return refuse('The share of the fee must be below the amount.');
  return { ok: true, maxFeeShareSats };
}

function lockedPrice({ amount, currency }: TermsInput, quote: Quote): PayoutPrice {
  const rate: LockedRate = {
    currency: quote.currency,
    pricePerBtc: formatPrice(quote.rate.pricePerBtcE8),
    source: quote.source,
    spreadBps: quote.spreadBps,
    observedAt: new Date(quote.observedAtMs).toISOString(),
    rounding: 'up',
  };
  return { amount, currency, rate };
}
