import { currencies } from '@quittance/kernel';
import { expect, test } from 'vitest';
import { type FiatCurrency, formatPrice, isFiatCurrency } from '../rate.ts';
import { fixedSource } from './fixed.ts';
import { publicSources } from './public-sources.ts';
import type { HttpRateSource, ParsedTicker } from './source.ts';

interface Example {
  currency: FiatCurrency;
  url: string;
  /** An answer in the documented shape. */
  body: string;
  price: string;
  asOfMs?: number;
  /** What the source answers with status 200, or in the same shape, when something is wrong. */
  errors: string[];
}

const EXAMPLES: Record<string, Example> = {
  kraken: {
    currency: 'USD',
    url: 'https://api.kraken.com/0/public/Ticker?pair=XBTUSD',
    body: `{"error":[],"result":{"XXBTZUSD":{"a":["65130.10000","1","1.000"],
      "b":["65130.00000","3","3.000"],"c":["65130.10000","0.00010000"],"v":["812.1","2044.7"],
      "p":["65001.2","64888.9"],"t":[20100,51234],"l":["64200.0","64000.0"],
      "h":["65400.0","65500.0"],"o":"64900.00000"}}}`,
    price: '65130.00000000',
    errors: [
      '{"error":["EQuery:Unknown asset pair"]}',
      '{"error":["EGeneral:Too many requests"],"result":{"XXBTZUSD":{"b":["65130.0","3","3"]}}}',
      '{"error":[],"result":{"XXBTZEUR":{"b":["60000.0","3","3.000"]}}}',
      '{"error":[],"result":{}}',
    ],
  },
  coinbase: {
    currency: 'EUR',
    url: 'https://api.exchange.coinbase.com/products/BTC-EUR/ticker',
    body: `{"ask":"60010.02","bid":"60009.85","volume":"1204.55","trade_id":4729088,
      "price":"60010.01","size":"0.193","time":"2026-11-14T20:46:03.511254Z"}`,
    price: '60009.85000000',
    errors: ['{"message":"NotFound"}'],
  },
  bitstamp: {
    currency: 'GBP',
    url: 'https://www.bitstamp.net/api/v2/ticker/btcgbp/',
    body: `{"timestamp":"1763700000","open":"50000","high":"52000","low":"49500","last":"51000",
      "volume":"213.26","vwap":"50800","bid":"50990","ask":"51010","side":"0",
      "open_24":"50100","percent_change_24":"1.8"}`,
    price: '50990.00000000',
    asOfMs: 1_763_700_000_000,
    errors: ['{"code":404,"errors":[]}', '{"bid":"50990","timestamp":null}'],
  },
  bitfinex: {
    currency: 'JPY',
    url: 'https://api-pub.bitfinex.com/v2/ticker/tBTCJPY',
    body: '[9700000.1,26.5,9700500,38.02,-1200,-0.0123,9700200,8314.22,9800000,9500000]',
    price: '9700000.10000000',
    errors: [
      '["error",10020,"symbol: invalid"]',
      '[]',
      '["error",11010,"ratelimit: error"]',
      '[9700000.1,26.5]',
    ],
  },
  gemini: {
    currency: 'SGD',
    url: 'https://api.gemini.com/v1/pubticker/btcsgd',
    body: `{"bid":"87977.59","ask":"87979.35","last":"87977.65","volume":{"BTC":"2210.5",
      "SGD":"2135477.46","timestamp":1763700000000}}`,
    price: '87977.59000000',
    errors: ['{"result":"error","reason":"InvalidSymbol","message":"Received unsupported symbol"}'],
  },
  binance: {
    currency: 'EUR',
    url: 'https://api.binance.com/api/v3/ticker/bookTicker?symbol=BTCEUR',
    body: `{"symbol":"BTCEUR","bidPrice":"60004.00000000","bidQty":"0.43100000",
      "askPrice":"60004.01000000","askQty":"9.00000000"}`,
    price: '60004.00000000',
    errors: [
      '{"code":-1121,"msg":"Invalid symbol."}',
      '{"symbol":"ETHEUR","bidPrice":"3004.00000000"}',
    ],
  },
  bitflyer: {
    currency: 'JPY',
    url: 'https://api.bitflyer.com/v1/ticker?product_code=BTC_JPY',
    body: `{"product_code":"BTC_JPY","state":"RUNNING","timestamp":"2026-11-08T02:26:37.12",
      "tick_id":3579,"best_bid":9730000,"best_ask":9730640,"best_bid_size":0.1,"ltp":9730500}`,
    price: '9730000.00000000',
    errors: ['{"status":-1,"error_message":"Over API limit per period","data":null}'],
  },
  coingecko: {
    currency: 'CZK',
    url:
      'https://api.coingecko.com/api/v3/simple/price?ids=bitcoin&vs_currencies=czk' +
      '&include_last_updated_at=true&precision=8',
    body: '{"bitcoin":{"czk":1467187.33589366,"last_updated_at":1763700300}}',
    price: '1467187.33589366',
    asOfMs: 1_763_700_300_000,
    errors: [
      '{"bitcoin":{}}',
      '{}',
      '{"bitcoin":{"last_updated_at":1763700300}}',
      '{"status":{"error_code":429,"error_message":"Throttled"}}',
    ],
  },
  bitpay: {
    currency: 'KES',
    url: 'https://bitpay.com/rates/BTC/KES',
    body: '{"data":{"code":"KES","name":"Kenyan Shilling","rate":8412480.11}}',
    price: '8412480.11000000',
    errors: ['{"error":"Object not found"}', '{"data":{"code":"USD","rate":65000}}'],
  },
  yadio: {
    currency: 'UYU',
    url: 'https://api.yadio.io/exrates/BTC',
    body: '{"BTC":{"BTC":1,"USD":65010.2,"UYU":2600408.05},"base":"BTC","timestamp":1763700222123}',
    price: '2600408.05000000',
    asOfMs: 1_763_700_222_123,
    errors: [
      '{"error":"unknown"}',
      '{"BTC":{"USD":65010.2},"base":"BTC","timestamp":1763700222123}',
      '{"BTC":{"UYU":null},"base":"BTC","timestamp":1763700222123}',
      '{"BTC":{"UYU":2600408},"base":"ETH","timestamp":1763700222123}',
    ],
  },
};

function exampleOf(source: HttpRateSource): Example {
  const example = EXAMPLES[source.name];
  if (example === undefined) throw new Error(`no example for ${source.name}`);
  return example;
}

function priceOf(ticker: ParsedTicker): string | undefined {
  return ticker.ok ? formatPrice(ticker.pricePerBtcE8) : undefined;
}

const cases = publicSources.map((source) => [source.name, source, exampleOf(source)] as const);

test.each(cases)('%s: an answer of the documented shape gives its exact price', (_, source, e) => {
  expect(source.supports(e.currency)).toBe(true);
  expect(source.request(e.currency).url).toBe(e.url);
  const ticker = source.parse(e.body, e.currency);
  expect(priceOf(ticker)).toBe(e.price);
  if (ticker.ok) expect(ticker.asOfMs).toBe(e.asOfMs);
});

test.each(cases)('%s: an error or another market is a failure, never zero', (_, source, e) => {
  const garbage = ['', 'null', '0', '[]', '{}', '"60000"', '<html>busy</html>', '{"bid":', '[[]]'];
  for (const body of [...e.errors, ...garbage, e.body.slice(0, -1), '['.repeat(100_000)]) {
    const ticker = source.parse(body, e.currency);
    expect(ticker.ok, body.slice(0, 80)).toBe(false);
    if (!ticker.ok) expect(ticker.reason.length).toBeLessThanOrEqual(120);
  }
});

test.each(cases)('%s: zero, negative or unreadable numbers are failures', (_, source, e) => {
  // The price as it stands in the body, with or without the zeros that are only written by us.
  const [digits = ''] = e.price.replace(/\.?0+$/, '').match(/[0-9.]+/) ?? [];
  const written = new RegExp(`"?${digits.replace('.', '\\.')}(?:\\.?0*)"?`);
  expect(e.body).toMatch(written);
  for (const bad of ['0', '"0.00"', '-5', '"-5"', '1e400', '"NaN"', 'null', 'true', '{}', '""']) {
    const ticker = source.parse(e.body.replace(written, bad), e.currency);
    expect(ticker.ok, bad).toBe(false);
  }
});

test('a JSON number keeps all its digits: no float in between', () => {
  const bitpay = publicSources.find((s) => s.name === 'bitpay');
  const body = '{"data":{"code":"IDR","name":"Rupiah","rate":9007199254.74099301}}';
  expect(priceOf(bitpay?.parse(body, 'IDR') ?? { ok: false, reason: '' })).toBe(
    '9007199254.74099301',
  );
});

test('every currency that an order can be priced in has at least two public sources', () => {
  for (const currency of currencies.filter(isFiatCurrency)) {
    const names = publicSources.filter((s) => s.supports(currency)).map((s) => s.name);
    expect(names.length, currency).toBeGreaterThanOrEqual(2);
  }
});

test('every source has its own name, asks over https and builds one address per currency', () => {
  expect(new Set(publicSources.map((s) => s.name)).size).toBe(publicSources.length);
  for (const source of publicSources) {
    for (const currency of currencies.filter(isFiatCurrency).filter(source.supports)) {
      expect(new URL(source.request(currency).url).protocol).toBe('https:');
    }
  }
});

test('fixed prices are exact, and a wrong configuration stops the start', () => {
  const fixed = fixedSource({ EUR: '60000', JPY: '9700000.5' });
  expect(fixed.pricePerBtcE8('JPY')).toBe(970_000_050_000_000n);
  expect(fixed.supports('USD')).toBe(false);
  expect(fixed.pricePerBtcE8('USD')).toBeUndefined();
  expect(() => fixedSource({ EUR: '0' })).toThrow('not a price');
  expect(() => fixedSource({ EUR: '6e4' })).toThrow('not a price');
  expect(() => fixedSource({ XXX: '1' })).toThrow('not a fiat currency');
  expect(() => fixedSource({ BTC: '1' })).toThrow('not a fiat currency');
});
