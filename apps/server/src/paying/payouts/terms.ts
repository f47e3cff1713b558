import {
  completeLightningStrategy,
  type CreatePayout,
  type LightningStrategy,
  type LockedRate,
  type PayoutDestinationKind,
} from '@quittance/contract';
import type { Network } from '@quittance/bitcoin';
import {
  currencyDecimals,
  isCurrency,
  MAX_SATS,
  type Msats,
  MSATS_PER_SAT,
  parseDecimal,
  type Sats,
} from '@quittance/kernel';
import {
  fiatToSats,
  formatPrice,
  isFiatCurrency,
  type Quote,
} from '../../receiving/rates/index.ts';
import type { FeeFrom } from '../spends/index.ts';
import { dustSats, readDestination } from './destination.ts';
import {
  isLightningDestination,
  type LightningDestination,
  readLightningDestination,
} from './lightning-destination.ts';
import type { PayoutPrice } from './payout.ts';

/** What is paid, to where, and who bears the fee: what approvals are about. */
export type PayoutTerms = {
  readonly destination: string;
  readonly destinationKind: PayoutDestinationKind;
  /** Null over Lightning. */
  readonly script: Uint8Array | null;
  readonly amountMsat: Msats;
  readonly price: PayoutPrice | null;
  readonly feeFrom: FeeFrom;
  readonly maxFeeShareSats: Sats;
  /** Null on chain. */
  readonly lightning: LightningTerms | null;
};

export type LightningTerms = {
  readonly expiresAtMs: number | null;
  readonly paymentHash: string | null;
  /** Null: as the processor or the store says. */
  readonly maxFeeMsat: Msats | null;
  readonly strategy: LightningStrategy | null;
};

export type TermsProblem = {
  readonly field:
    | 'destination'
    | 'amount'
    | 'currency'
    | 'feeFrom'
    | 'maxFeeShareSats'
    | 'lightning';
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
  'destination' | 'amount' | 'currency' | 'feeFrom' | 'maxFeeShareSats' | 'lightning'
>;

/** A fee above a tenth of the amount surprises a recipient. */
const DEFAULT_FEE_SHARE_DIVISOR = 10n;

/** The currency whose rate is needed before the terms can be read; null for bitcoin or nonsense. */
export function fiatOf({ currency }: { currency?: string | undefined }) {
  if (currency === undefined) return null;
  return isCurrency(currency) && isFiatCurrency(currency) ? currency : null;
}

/** @property nowMs tells an invoice that has ended from one that can be paid */
export type TermsWorld = { network: Network; quote: Quote | null; nowMs: number };

export type ReadTerms = { ok: true; terms: PayoutTerms } | { ok: false; problems: TermsProblem[] };

/**
 * Reads what a payout shall pay: the destination belongs to the network and can be paid, the amount
 * is exact and, on chain, above dust even after the largest share of the fee. All in integers,
 * without I/O.
 * @param world.quote of the price's currency; null for bitcoin
 */
export function readTerms(input: TermsInput, world: TermsWorld): ReadTerms {
  if (isLightningDestination(input.destination)) return readLightningTerms(input, world);
  return readOnchainTerms(input, world);
}

function readOnchainTerms(input: TermsInput, world: TermsWorld): ReadTerms {
  const problems: TermsProblem[] = [];
  if (input.lightning !== undefined) problems.push(notOverLightning);
  const destination = readDestination(input.destination, world.network);
  if (!destination.ok) {
    const message = `The destination can not be paid: ${destination.reason}.`;
    problems.push({ field: 'destination', code: 'invalid_destination', message });
  }
  const amount = readAmount(input, world.quote);
  if (!amount.ok) problems.push(amount.problem);
  if (!amount.ok || !destination.ok || problems.length > 0) return { ok: false, problems };
  const amountSats = amount.amountMsat / MSATS_PER_SAT;
  const feeFrom = input.feeFrom ?? 'sender';
  const share = readFeeShare(input, { feeFrom, amountSats });
  if (!share.ok) return { ok: false, problems: [share.problem] };
  const least = dustSats(destination.type);
  if (amountSats - share.maxFeeShareSats < least) {
    const after = share.maxFeeShareSats === 0n ? '' : ' after the largest share of the fee';
    const message = `To this kind of address the least is ${least} sat${after}.`;
    return { ok: false, problems: [{ field: 'amount', code: 'amount_too_small', message }] };
  }
  return {
    ok: true,
    terms: {
      destination: input.destination,
      destinationKind: 'address',
      script: destination.script,
      amountMsat: amount.amountMsat,
      price: world.quote === null ? null : lockedPrice(input, world.quote),
      feeFrom,
      maxFeeShareSats: share.maxFeeShareSats,
      lightning: null,
    },
  };
}

const notOverLightning: TermsProblem = {
  field: 'lightning',
  code: 'invalid_request',
  message: 'The destination is not paid over Lightning.',
};

function readLightningTerms(input: TermsInput, world: TermsWorld): ReadTerms {
  const problems: TermsProblem[] = [];
  const read = readLightningDestination(input.destination, world);
  if (!read.ok) {
    const message = `The destination can not be paid: ${read.reason}.`;
    problems.push({ field: 'destination', code: 'invalid_destination', message });
  }
  if (input.feeFrom === 'recipient' || input.maxFeeShareSats !== undefined) {
    const message = 'Over Lightning the sender bears the fee, up to lightning.maxFeeMsat.';
    problems.push({ field: 'feeFrom', code: 'invalid_request', message });
  }
  const strategy = readStrategy(input);
  if (!strategy.ok) problems.push(strategy.problem);
  const amount = read.ok ? readLightningAmount(input, read.destination, world.quote) : null;
  if (amount?.ok === false) problems.push(amount.problem);
  if (!read.ok || !strategy.ok || amount?.ok !== true || problems.length > 0) {
    return { ok: false, problems };
  }
  const { kind, text, expiresAtMs, paymentHash } = read.destination;
  const { maxFeeMsat } = input.lightning ?? {};
  return {
    ok: true,
    terms: {
      destination: text,
      destinationKind: kind,
      script: null,
      amountMsat: amount.amountMsat,
      price: world.quote === null ? null : lockedPrice(input, world.quote),
      feeFrom: 'sender',
      maxFeeShareSats: 0n,
      lightning: {
        expiresAtMs,
        paymentHash,
        maxFeeMsat: maxFeeMsat === undefined ? null : BigInt(maxFeeMsat),
        strategy: strategy.strategy,
      },
    },
  };
}

function readStrategy({
  lightning,
}: TermsInput):
  | { ok: true; strategy: LightningStrategy | null }
  | { ok: false; problem: TermsProblem } {
  const given = lightning?.strategy;
  if (given === undefined) return { ok: true, strategy: null };
  try {
    return { ok: true, strategy: completeLightningStrategy(given) };
  } catch {
    const message = 'The parts of the strategy contradict each other.';
    return { ok: false, problem: { field: 'lightning', code: 'invalid_request', message } };
  }
}

/** The invoice's own amount, where it has one: what is asked for besides has to be the same. */
function readLightningAmount(
  input: TermsInput,
  { amountMsat }: LightningDestination,
  quote: Quote | null,
): ReadAmount {
  if (amountMsat === null) return readAmount(input, quote, { overLightning: true });
  if (input.amount === undefined && input.currency === undefined) return { ok: true, amountMsat };
  const asked = readAmount(input, quote, { overLightning: true });
  if (!asked.ok || asked.amountMsat === amountMsat) return asked;
  const message =
    `The invoice is for ${amountMsat} msat, which is not the amount that was asked for. ` +
    'Leave amount and currency out to pay what it says.';
  return { ok: false, problem: { field: 'amount', code: 'invalid_amount', message } };
}

type ReadAmount = { ok: true; amountMsat: Msats } | { ok: false; problem: TermsProblem };

function readAmount(
  input: TermsInput,
  quote: Quote | null,
  { overLightning }: { overLightning: boolean } = { overLightning: false },
): ReadAmount {
  const { amount: text = '', currency = '' } = input;
  const refuse = (code: TermsProblem['code'], message: string): ReadAmount => ({
    ok: false,
    problem: { field: code === 'unknown_currency' ? 'currency' : 'amount', code, message },
  });
  if (text === '') return refuse('invalid_amount', 'The destination says no amount; say one.');
  const decimals = overLightning && currency === 'MSAT' ? 0 : decimalsOf(currency);
  if (decimals === null) {
    return refuse('unknown_currency', `The currency ${currency.slice(0, 10)} is not known.`);
  }
  const parsed = parseDecimal(text, decimals);
  if (!parsed.ok || parsed.value === 0n) {
    const reason = parsed.ok ? 'it must be more than zero' : parsed.reason;
    return refuse('invalid_amount', `The amount can not be used: ${reason}.`);
  }
  const fiat = fiatOf(input);
  if (fiat === null) {
    const unit = currency === 'MSAT' ? 1n : MSATS_PER_SAT;
    const amountMsat = parsed.value * unit;
    if (amountMsat <= MAX_SATS * MSATS_PER_SAT) return { ok: true, amountMsat };
    return refuse('amount_too_large', 'The amount is more bitcoin than will ever exist.');
  }
  if (quote === null || quote.currency !== fiat) {
    return refuse('unknown_currency', `The currency ${currency} has no exchange rate here.`);
  }
  try {
    return { ok: true, amountMsat: fiatToSats(parsed.value, fiat, quote) * MSATS_PER_SAT };
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

function lockedPrice({ amount = '', currency = '' }: TermsInput, quote: Quote): PayoutPrice {
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
