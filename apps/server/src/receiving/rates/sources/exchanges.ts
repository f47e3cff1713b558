import { z } from 'zod';
import { decimalText, type Ticker, tickerSource, unixSeconds } from './source.ts';

// Every exchange is asked for its best bid: what the merchant could sell the bitcoin for now. The
// last trade of a quiet pair may be hours old; the book is not.

/** https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-ticker */
export const coinbase = tickerSource({
  name: 'coinbase',
  currencies: ['EUR', 'GBP', 'USD'],
  url: (currency) => `https://api.exchange.coinbase.com/products/BTC-${currency}/ticker`,
  answer: () => z.object({ bid: decimalText }).transform(({ bid }): Ticker => ({ price: bid })),
});

/** https://www.bitstamp.net/api/#tag/Tickers: `timestamp` is the answer's own time. */
export const bitstamp = tickerSource({
  name: 'bitstamp',
  currencies: ['EUR', 'GBP', 'USD'],
  // The address without the last slash redirects, and redirects are not followed.
  url: (currency) => `https://www.bitstamp.net/api/v2/ticker/btc${currency.toLowerCase()}/`,
  answer: () =>
    z
      .object({ bid: decimalText, timestamp: unixSeconds })
      .transform(({ bid, timestamp }): Ticker => ({ price: bid, asOfMs: timestamp })),
});

/** https://docs.bitfinex.com/reference/rest-public-ticker: [BID, BID_SIZE, ASK, ASK_SIZE, …]. */
export const bitfinex = tickerSource({
  name: 'bitfinex',
  currencies: ['EUR', 'GBP', 'JPY', 'USD'],
  url: (currency) => `https://api-pub.bitfinex.com/v2/ticker/tBTC${currency}`,
  // An error is an array as well: ["error", 10020, "symbol: invalid"]. Ten numbers are no error.
  answer: () =>
    z
      .array(decimalText)
      .min(10)
      .transform((fields): Ticker => ({ price: fields[0] ?? '' })),
});

/**
 * https://docs.gemini.com/rest/market-data#get-ticker. Its `volume.timestamp` is the end of the
 * period over which the volume was counted, so it says nothing about the age of the bid.
 */
export const gemini = tickerSource({
  name: 'gemini',
  currencies: ['EUR', 'GBP', 'SGD', 'USD'],
  url: (currency) => `https://api.gemini.com/v1/pubticker/btc${currency.toLowerCase()}`,
  answer: () => z.object({ bid: decimalText }).transform(({ bid }): Ticker => ({ price: bid })),
});

/** https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints */
export const binance = tickerSource({
  name: 'binance',
  currencies: ['ARS', 'BRL', 'EUR', 'JPY', 'MXN', 'PLN', 'TRY', 'ZAR'],
  url: (currency) => `https://api.binance.com/api/v3/ticker/bookTicker?symbol=BTC${currency}`,
  answer: (currency) =>
    z
      .object({ symbol: z.literal(`BTC${currency}`), bidPrice: decimalText })
      .transform(({ bidPrice }): Ticker => ({ price: bidPrice })),
});

/** https://lightning.bitflyer.com/docs#ticker */
export const bitflyer = tickerSource({
  name: 'bitflyer',
  currencies: ['JPY'],
  url: (currency) => `https://api.bitflyer.com/v1/ticker?product_code=BTC_${currency}`,
  answer: (currency) =>
    z
      .object({ product_code: z.literal(`BTC_${currency}`), best_bid: decimalText })
      .transform((ticker): Ticker => ({ price: ticker.best_bid })),
});
