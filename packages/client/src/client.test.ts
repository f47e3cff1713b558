import type { Problem } from '@quittance/contract';
import { expect, test } from 'vitest';
import {
  ConflictError,
  createClient,
  everyItem,
  type FetchLike,
  InvalidRequestError,
  KeyError,
  NotFoundError,
  TemporaryError,
} from './index.ts';

type Seen = { url: string; method: string | undefined; headers: Headers; body: unknown };

function answering(answers: ((seen: Seen) => Response)[]) {
  const seen: Seen[] = [];
  const slept: number[] = [];
  const fetch: FetchLike = async (url, init) => {
    const { method, body } = init;
    const one = { url, method, headers: new Headers(init.headers), body };
    seen.push(one);
    const answer = answers[Math.min(seen.length, answers.length) - 1];
    if (answer === undefined) throw new Error('no answer is prepared');
    return answer(one);
  };
  const sleep = async (ms: number) => {
    slept.push(ms);
  };
  const client = createClient({ baseUrl: 'https://pay.example/', apiKey: 'qt_k', fetch, sleep });
  return { client, seen, slept };
}

const ok = (body: unknown) => () => new Response(JSON.stringify(body));
function problem(status: number, code: Problem['code'], headers = {}) {
  const body: Problem = { type: 'urn:x', title: 't', status, code, detail: 'd', requestId: 'r' };
  return () => new Response(JSON.stringify(body), { status, headers });
}

test('a POST that is retried carries one idempotency key at every try', async () => {
  const down = () => {
    throw new TypeError('fetch failed');
  };
  const { client, seen } = answering([down, problem(503, 'rate_unavailable'), ok({ id: 'o' })]);
  expect(await client.orders.create({ amount: '1', currency: 'EUR' })).toEqual({ id: 'o' });
  const keys = seen.map(({ headers }) => headers.get('idempotency-key'));
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(seen[0]?.headers.get('authorization')).toBe('Bearer qt_k');
  expect(seen[0]?.url).toBe('https://pay.example/v1/orders');
});

test("the caller's own idempotency key is sent as it is", async () => {
  const { client, seen } = answering([ok({})]);
  await client.orders.create({ amount: '1', currency: 'EUR' }, { idempotencyKey: 'cart-1' });
  expect(seen[0]?.headers.get('idempotency-key')).toBe('cart-1');
});

test('the server says how long to wait, within a limit', async () => {
  const limited = problem(429, 'rate_limited', { 'retry-after': '2' });
  const { client, slept } = answering([limited, ok({})]);
  await client.merchant.read();
  expect(slept).toEqual([2_000]);
  const long = answering([problem(429, 'rate_limited', { 'retry-after': '60' })]);
  await expect(long.client.merchant.read()).rejects.toBeInstanceOf(TemporaryError);
  expect(long.seen).toHaveLength(1);
});

test.each([
  [400, 'invalid_request', InvalidRequestError],
  [422, 'idempotency_mismatch', InvalidRequestError],
  [401, 'unauthorized', KeyError],
  [403, 'forbidden', KeyError],
  [404, 'not_found', NotFoundError],
  [409, 'conflict', ConflictError],
] as const)(
  'a %i is thrown at once as the error that names the reaction',
  async (status, code, kind) => {
    const { client, seen } = answering([problem(status, code)]);
    const error = await client.orders.read('x').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ code, problem: { status } });
    expect(seen).toHaveLength(1);
  },
);

test('tries are limited, and an answer that is not from Quittance is an error', async () => {
  const { client, seen } = answering([() => new Response('<html>', { status: 502 })]);
  await expect(client.orders.read('x')).rejects.toBeInstanceOf(TemporaryError);
  expect(seen).toHaveLength(3);
  const odd = answering([() => new Response('<html>', { status: 200 })]);
  await expect(odd.client.orders.read('x')).rejects.toThrow('answered 200');
});

test('an id can not reach another route', async () => {
  const { client, seen } = answering([ok({})]);
  await client.orders.read('../merchants?x=1');
  expect(seen[0]?.url).toBe('https://pay.example/v1/orders/..%2Fmerchants%3Fx%3D1');
});

test('every item of all pages comes once', async () => {
  const pages = [
    { data: [{ id: 'a' }, { id: 'b' }], has_more: true },
    { data: [{ id: 'c' }], has_more: false },
  ];
  const { client, seen } = answering(pages.map((page) => ok(page)));
  const ids: string[] = [];
  for await (const order of everyItem(client.orders.list)) ids.push(order.id);
  expect(ids).toEqual(['a', 'b', 'c']);
  expect(seen[1]?.url).toBe('https://pay.example/v1/orders?starting_after=b');
});
