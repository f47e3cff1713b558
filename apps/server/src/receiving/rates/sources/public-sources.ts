import { bitpay, coingecko, yadio } from './aggregators.ts';
import { binance, bitfinex, bitflyer, bitstamp, coinbase, gemini } from './exchanges.ts';
import { kraken } from './kraken.ts';
import type { HttpRateSource } from './source.ts';

/** Every public source that Quittance knows. None needs an account or a key. */
export const publicSources: readonly HttpRateSource[] = [
  kraken,
  coinbase,
  bitstamp,
  bitfinex,
  gemini,
  binance,
  bitflyer,
  coingecko,
  bitpay,
  yadio,
];
