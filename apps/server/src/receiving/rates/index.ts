/** Prices of bitcoin in fiat currencies: see README.md. */
export { RateUnavailableError } from './errors.ts';
export { createHttpFetch, type FetchText } from './http-fetch.ts';
export { fiatToSats, satsToFiat } from './price.ts';
export { type FiatCurrency, formatPrice, isFiatCurrency, parsePrice, type Rate } from './rate.ts';
export { createRates, type Quote, type Rates } from './rates.ts';
export { fixedRateRule, type RateRule, rateRuleSchema } from './rule.ts';
export { fixedSource } from './sources/fixed.ts';
export { publicSources } from './sources/public-sources.ts';
export type { RateSource } from './sources/source.ts';
export { addRateRoutes } from './routes.ts';
