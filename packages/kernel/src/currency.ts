/**
 * Decimals of the currencies that an order can be priced in (ISO 4217, table A.1).
 * BTC counts in satoshis, hence eight decimals; it is not part of ISO 4217.
 */
const DECIMALS = {
  BTC: 8,
  AED: 2,
  ARS: 2,
  AUD: 2,
  BGN: 2,
  BHD: 3,
  BRL: 2,
  CAD: 2,
  CHF: 2,
  CLP: 0,
  CNY: 2,
  COP: 2,
  CZK: 2,
  DKK: 2,
  EUR: 2,
  GBP: 2,
  HKD: 2,
  HUF: 2,
  IDR: 2,
  ILS: 2,
  INR: 2,
  ISK: 0,
  JOD: 3,
  JPY: 0,
  KES: 2,
  KRW: 0,
  KWD: 3,
  MAD: 2,
  MXN: 2,
  MYR: 2,
  NGN: 2,
  NOK: 2,
  NZD: 2,
  OMR: 3,
  PEN: 2,
  PHP: 2,
  PLN: 2,
  RON: 2,
  SAR: 2,
  SEK: 2,
  SGD: 2,
  THB: 2,
  TND: 3,
  TRY: 2,
  TWD: 2,
  UAH: 2,
  USD: 2,
  UYU: 2,
  VND: 0,
  ZAR: 2,
} as const;

/** An ISO 4217 code that Quittance knows, or "BTC". */
export type Currency = keyof typeof DECIMALS;

export const currencies = Object.keys(DECIMALS).sort() as readonly Currency[];

export function isCurrency(code: string): code is Currency {
  return Object.hasOwn(DECIMALS, code);
}

/** Number of decimals of the currency's smallest unit. */
export function currencyDecimals(currency: Currency): number {
  return DECIMALS[currency];
}
