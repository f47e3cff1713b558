import { createServer } from 'node:http';
import { manualClock } from '@quittance/kernel';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { RateUnavailableError } from './errors.ts';
import { createHttpFetch, type FetchText } from './http-fetch.ts';
import { createRates, type Rates, type RatesOptions } from './rates.ts';
import { fixedRateRule, rateRuleSchema } from './rule.ts';
import { fixedSource } from './sources/fixed.ts';
import { decimalText, type RateSource, tickerSource, unixSeconds } from './sources/source.ts';
import type { Timer } from './timer.ts';

const START_MS = 1_800_000_000_000;
const rule = rateRuleSchema.parse({});

/** A source that is asked at its own address and answers `{"bid": …}`. */
function marketSource(name: string, base = 'https://exchange.test'): RateSource {
  return tickerSource({
    name,
    currencies: ['EUR', 'USD'],
    url: (currency) => `${base}/${name}/${currency}`,
    answer: () =>
      z
        .object({ bid: decimalText, time: unixSeconds.optional() })
        .transform(({ bid, time }) =>
          time === undefined ? { price: bid } : { price: bid, asOfMs: time },
        ),
  });
}

type Answer = { status: number; body: string };
type Behaviour = string | (() => Answer | Promise<Answer>);

/** A world in which time moves only when told to, with sources that do as they are told. */
function world(behaviours: Record<string, Behaviour>, options: Partial<RatesOptions> = {}) {
  const clock = manualClock(START_MS);
  let due: { atMs: number; run: () => void }[] = [];
  let elapsedMs = 0;
  const timer: Timer = (afterMs, run) => {
    const entry = { atMs: elapsedMs + afterMs, run };
    due.push(entry);
    return () => {
      due = due.filter((other) => other !== entry);
    };
  };
  const asked: string[] = [];
  const fetchText: FetchText = async (url, { signal }) => {
    const [, name = '', currency = ''] = new URL(url).pathname.split('/');
    asked.push(`${name}:${currency}`);
    const behaviour = behaviours[name] ?? '';
    if (typeof behaviour === 'string') {
      return { status: 200, body: `{"bid":"${behaviour}"}` };
    }
    const stopped = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(new Error('stopped')));
    });
    return Promise.race([behaviour(), stopped]);
  };
  const rates: Rates = createRates({
    sources: Object.keys(behaviours).map((name) => marketSource(name)),
    fetchText,
    clock,
    random: (target) => target.fill(0),
    timer,
    ...options,
  });
  return {
    rates,
    clock,
    asked,
    behaviours,
    /** Moves timers and the clock together; what they set off has run when this resolves. */
    async pass(ms: number): Promise<void> {
      await settle();
      const untilMs = elapsedMs + ms;
      for (;;) {
        const next = due.filter((e) => e.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        clock.advance(next.atMs - elapsedMs);
        elapsedMs = next.atMs;
        due = due.filter((e) => e !== next);
        next.run();
        await settle();
      }
      clock.advance(untilMs - elapsedMs);
      elapsedMs = untilMs;
    },
    timersLeft: () => due.length,
  };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function never(): Promise<Answer> {
  return new Promise(() => {});
}

async function refusal(quote: Promise<unknown>): Promise<RateUnavailableError> {
  const error = await quote.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof RateUnavailableError)) throw new Error('expected a refusal');
  return error;
}

test('a quote names its sources, its times and its spread', async () => {
  const { rates, clock } = world({ kraken: '60000', bitstamp: '60100', odd: '99999' });
  const quoting = rates.quote('EUR', { ...rule, spreadBps: 100 });
  const quote = await quoting;
  expect(quote).toMatchObject({
    currency: 'EUR',
    rate: { currency: 'EUR', pricePerBtcE8: (60_050n * 10n ** 8n * 99n) / 100n },
    source: 'median of bitstamp, kraken',
    observedAtMs: START_MS,
    quotedAtMs: clock.nowMs(),
    spreadBps: 100,
    rejected: [{ source: 'odd' }],
  });
});

test('while a price is fresh it is served from memory, with the age it has', async () => {
  const { rates, pass, asked } = world({ a: '100', b: '101' });
  await rates.quote('EUR', rule);
  await pass(60_000);
  const quote = await rates.quote('EUR', rule);
  expect(asked).toHaveLength(2);
  expect(quote.quotedAtMs - quote.observedAtMs).toBe(60_000);
});

test('a thousand quotes at once ask each source once', async () => {
  const { rates, asked } = world({ a: '100', b: '101' });
  await Promise.all(Array.from({ length: 1_000 }, () => rates.quote('EUR', rule)));
  expect(asked.sort()).toEqual(['a:EUR', 'b:EUR']);
});

test('no fresh price is a typed refusal that says which source failed why, never an old price', async () => {
  const { rates, behaviours, pass } = world({ a: '100', b: '101', c: '100' });
  await rates.quote('EUR', rule);
  behaviours.a = () => ({ status: 500, body: '{"bid":"100"}' });
  behaviours.b = () => ({ status: 302, body: '' });
  behaviours.c = '0';
  await pass(180_001);
  const error = await refusal(rates.quote('EUR', rule));
  expect(error).toMatchObject({ code: 'rate_unavailable', status: 503, retryAfterSeconds: 30 });
  expect(error.currency).toBe('EUR');
  const stale = 'stale: 180001 ms old, at most 180000 ms are allowed; last attempt: ';
  expect(error.reasons).toEqual([
    { source: 'a', reason: `${stale}HTTP status 500` },
    { source: 'b', reason: `${stale}HTTP status 302` },
    { source: 'c', reason: `${stale}the price is zero` },
    { source: 'all', reason: 'fewer than 2 sources have a fresh price' },
  ]);
});

test('sources that disagree are a refusal, and the message says so', async () => {
  const { rates } = world({ a: '100', b: '200' });
  const error = await refusal(rates.quote('EUR', rule));
  expect(error.message).toContain('the sources disagree on the price');
});

test('after the clock jumped back, an observation from the future is not fresh for ever', async () => {
  const { rates, clock, asked, behaviours, pass } = world({ a: '100', b: '100' });
  await rates.quote('EUR', rule);
  clock.set(START_MS - 86_400_000);
  expect(rates.status().map((s) => s.state)).toEqual(['stale', 'stale']);
  behaviours.a = '120';
  behaviours.b = '120';
  const quote = await rates.quote('EUR', rule);
  expect(asked).toHaveLength(4);
  expect(quote.rate.pricePerBtcE8).toBe(120n * 10n ** 8n);
  expect(quote.observedAtMs).toBe(START_MS - 86_400_000);
  // And when it can't be replaced, it is refused, however the clock moves.
  clock.set(START_MS - 2 * 86_400_000);
  behaviours.a = () => ({ status: 503, body: '' });
  behaviours.b = () => ({ status: 503, body: '' });
  await pass(0);
  const error = await refusal(rates.quote('EUR', rule));
  expect(error.message).toContain('the clock has jumped back');
});

test('back-off set before the clock jumped back does not last until the clock catches up', async () => {
  const { rates, clock, behaviours } = world({ a: () => ({ status: 500, body: '' }), b: '100' });
  await refusal(rates.quote('EUR', rule));
  clock.set(START_MS - 86_400_000);
  behaviours.a = '100';
  expect((await rates.quote('EUR', rule)).source).toBe('median of a, b');
});

test('one source that hangs does not hold up an order that has enough others', async () => {
  const { rates, pass } = world({ a: '100', b: '101', hangs: never });
  const quoting = rates.quote('EUR', rule);
  await pass(300);
  expect((await quoting).source).toBe('median of a, b');
});

test('when too many hang, the refusal comes by the deadline and leaves no timer behind', async () => {
  const { rates, pass, timersLeft } = world({ a: '100', b: never, c: never });
  const quoting = refusal(rates.quote('EUR', rule));
  await pass(6_000);
  expect((await quoting).reasons.slice(0, 2)).toEqual([
    { source: 'b', reason: 'no answer within 5000 ms' },
    { source: 'c', reason: 'no answer within 5000 ms' },
  ]);
  expect(timersLeft()).toBe(0);
});

test('fallbacks share the deadline of the quote', async () => {
  const { rates, pass } = world({ a: never, b: never });
  const patient = rateRuleSchema.parse({
    sources: ['a'],
    minSources: 1,
    fallback: [{ sources: ['b'], minSources: 1 }],
  });
  const quoting = refusal(rates.quote('EUR', patient));
  await pass(6_000);
  expect((await quoting).reasons.filter((r) => r.source !== 'all')).toEqual([
    { source: 'a', reason: 'no answer within 5000 ms' },
    { source: 'b', reason: 'has not answered in time' },
  ]);
});

test('a failing source is asked ever more rarely, and again at once it has recovered', async () => {
  const { rates, behaviours, asked, pass } = world({ a: () => ({ status: 500, body: '' }) });
  const one = { ...rule, minSources: 1 };
  rates.start();
  for (let second = 0; second < 600; second += 1) {
    await refusal(rates.quote('EUR', one));
    await pass(1_000);
  }
  // 1 s, 2 s, 4 s, 8 s, 16 s, then every 30 s (half of the limit: the jitter is zero here).
  expect(asked.length).toBeGreaterThan(15);
  expect(asked.length).toBeLessThan(30);
  behaviours.a = '100';
  await pass(60_000);
  expect((await rates.quote('EUR', one)).source).toBe('a');
  expect(rates.status()[0]).toMatchObject({ state: 'ok', failuresInRow: 0 });
  await rates.stop();
});

test('a source that asks for fewer requests is left alone in every currency', async () => {
  const { rates, asked, pass } = world({ a: () => ({ status: 429, body: '' }) });
  const one = { ...rule, minSources: 1 };
  await refusal(rates.quote('EUR', one));
  const error = await refusal(rates.quote('USD', one));
  expect(error.reasons[0]).toEqual({ source: 'a', reason: 'asks for fewer requests' });
  await pass(59_999);
  await refusal(rates.quote('USD', one));
  expect(asked).toEqual(['a:EUR']);
  await pass(1);
  await refusal(rates.quote('USD', one));
  expect(asked).toEqual(['a:EUR', 'a:USD']);
});

test('what is used is refreshed in the background; what nobody uses any more is forgotten', async () => {
  const { rates, asked, pass } = world({ a: '100', b: '101' });
  rates.start();
  await rates.quote('EUR', rule);
  await pass(300_000);
  expect(asked.length).toBe(2 + 2 * 10);
  expect((await rates.quote('EUR', rule)).observedAtMs).toBe(START_MS + 300_000);
  await pass(660_000);
  expect(rates.status()).toEqual([]);
  const before = asked.length;
  await pass(600_000);
  expect(asked.length).toBe(before);
  await rates.stop();
});

test('a clock that jumped back does not keep unused currencies for ever', async () => {
  const { rates, clock, pass } = world({ a: '100', b: '101' });
  rates.start();
  await rates.quote('EUR', rule);
  clock.set(START_MS - 86_400_000);
  await pass(690_000);
  expect(rates.status()).toEqual([]);
  await rates.stop();
});

test("a source's own old timestamp makes its price stale, and it is not asked in a loop", async () => {
  const old = Math.floor(START_MS / 1_000) - 3_600;
  const { rates, asked } = world({
    frozen: () => ({ status: 200, body: `{"bid":"100","time":${old}}` }),
    ahead: () => ({ status: 200, body: `{"bid":"100","time":${old + 7_200}}` }),
  });
  const error = await refusal(rates.quote('EUR', rule));
  expect(error.reasons[0]).toEqual({
    source: 'frozen',
    reason: 'stale: 3600000 ms old, at most 180000 ms are allowed',
  });
  await refusal(rates.quote('EUR', rule));
  expect(asked).toHaveLength(2);
  expect(rates.status().map((s) => [s.source, s.state, s.ageMs])).toEqual([
    ['frozen', 'stale', 3_600_000],
    ['ahead', 'ok', 0],
  ]);
});

test('a fallback is used only when the rule itself yields no price', async () => {
  const withFallback = rateRuleSchema.parse({
    fallback: [{ sources: ['fixed'], minSources: 1, spreadBps: 300 }],
  });
  const sources = [marketSource('a'), marketSource('b'), fixedSource({ EUR: '50' })];
  const { rates, behaviours, pass } = world({ a: '100', b: '100' }, { sources });
  expect((await rates.quote('EUR', withFallback)).source).toBe('median of a, b');
  behaviours.a = () => ({ status: 500, body: '' });
  await pass(200_000);
  const quote = await rates.quote('EUR', withFallback);
  expect(quote).toMatchObject({ source: 'fixed', spreadBps: 300 });
  expect(quote.rate.pricePerBtcE8).toBe(4_850_000_000n);
});

test('the fixed source is a witness only where it is named', async () => {
  const sources = [marketSource('a'), fixedSource({ EUR: '100' })];
  const { rates } = world({ a: '100' }, { sources });
  await refusal(rates.quote('EUR', rule));
  const quote = await rates.quote('EUR', fixedRateRule);
  expect(quote).toMatchObject({ source: 'fixed', observedAtMs: START_MS, quotedAtMs: START_MS });
  const error = await refusal(rates.quote('USD', fixedRateRule));
  expect(error.reasons[0]).toEqual({ source: 'fixed', reason: 'has no price in USD' });
});

test('a rule that names an unknown source, or a currency nobody quotes, is refused with the reason', async () => {
  const { rates, asked } = world({ a: '100' });
  const unknown = { ...rule, sources: ['mtgox', 'a'] };
  expect((await refusal(rates.quote('EUR', unknown))).reasons[0]).toEqual({
    source: 'mtgox',
    reason: 'is not set up',
  });
  expect((await refusal(rates.quote('KES', rule))).reasons).toEqual([
    { source: 'all', reason: 'fewer than 2 sources have a fresh price' },
  ]);
  expect(asked).toEqual(['a:EUR']);
});

test('a stop ends what is under way, refuses later quotes and leaves no timer behind', async () => {
  const { rates, timersLeft, asked } = world({ a: never, b: never });
  rates.start();
  const quoting = refusal(rates.quote('EUR', rule));
  await settle();
  await rates.stop();
  expect((await quoting).message).toContain('the server is stopping');
  expect(timersLeft()).toBe(0);
  await refusal(rates.quote('EUR', rule));
  expect(asked).toHaveLength(2);
});

test('an operator sees for every source its last success, its last error and its age', async () => {
  const events: unknown[] = [];
  const metrics = {
    fetched: (event: object) => void events.push(event),
    quoted: (event: object) => void events.push(event),
  };
  const warnings: unknown[] = [];
  const log = { warn: (fields: object) => void warnings.push(fields) };
  const { rates, pass } = world(
    { a: '100', b: () => ({ status: 200, body: '<html>' }) },
    { metrics, log },
  );
  await rates.quote('EUR', { ...rule, minSources: 1 });
  await pass(5_000);
  const [good, bad] = rates.status();
  expect(good).toEqual({
    source: 'a',
    currency: 'EUR',
    state: 'ok',
    price: '100.00000000',
    lastSuccessAtMs: START_MS,
    ageMs: 5_000,
    lastError: null,
    failuresInRow: 0,
  });
  expect(bad).toEqual({
    source: 'b',
    currency: 'EUR',
    state: 'failing',
    price: null,
    lastSuccessAtMs: null,
    ageMs: null,
    lastError: { atMs: START_MS, reason: 'the answer is not JSON' },
    failuresInRow: 1,
  });
  expect(events).toContainEqual({ source: 'b', currency: 'EUR', ok: false, durationMs: 0 });
  expect(events).toContainEqual({ currency: 'EUR', ok: true });
  expect(warnings).toEqual([{ source: 'b', currency: 'EUR', reason: 'the answer is not JSON' }]);
});

test('over real HTTP: good sources make the price, the others are named with their faults', async () => {
  const server = createServer((request, response) => {
    const name = request.url?.split('/')[1];
    if (name === 'good') response.end('{"bid":"60000.01"}');
    else if (name === 'fine') response.end('{"bid":60000.03}');
    else if (name === 'broken') response.writeHead(500).end('{"bid":"1"}');
    else if (name === 'moved') response.writeHead(301, { location: '/good/EUR' }).end();
    else if (name === 'garbage') response.end('<html>we are down</html>');
    else if (name === 'huge') response.end(`{"bid":"${'9'.repeat(300_000)}"}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const names = ['good', 'fine', 'broken', 'moved', 'garbage', 'huge', 'silent'];
  const http = createHttpFetch();
  const rates = createRates({
    sources: names.map((name) => marketSource(name, base)),
    fetchText: http.fetchText,
    clock: { nowMs: () => Date.now() },
    random: (target) => target.fill(0),
  });
  try {
    const startedAtMs = Date.now();
    const quote = await rates.quote('EUR', rule);
    expect(Date.now() - startedAtMs).toBeLessThan(3_000);
    expect(quote.rate.pricePerBtcE8).toBe(6_000_002_000_000n);
    expect(Object.fromEntries(quote.rejected.map((r) => [r.source, r.reason]))).toEqual({
      broken: 'HTTP status 500',
      moved: 'HTTP status 301',
      garbage: 'the answer is not JSON',
      huge: 'the answer is larger than 262144 bytes',
      silent: 'has not answered in time',
    });
  } finally {
    await rates.stop();
    await http.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
