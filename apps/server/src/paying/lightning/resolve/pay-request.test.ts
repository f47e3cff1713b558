import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failureTable } from './failures.ts';
import { callbackUrl, type PayRequest, readPayRequest, readServiceInvoice } from './pay-request.ts';
import { METADATA, payRequest } from './service.test-support.ts';

const domain = 'shop.example';
const origin = { domain, isAddress: true };
const answer = (body: string, status = 200) =>
  ({ ok: true, url: `https://${domain}/`, status, body }) as const;
const good = readPayRequest(answer(JSON.stringify(payRequest(1))), origin);
const request = (more: Partial<PayRequest> = {}): PayRequest => {
  if (!good.ok) throw new Error(good.failure.sentence);
  return { ...good.request, ...more };
};

test('any answer is an outcome: nothing throws, and each failure is in the table', () => {
  const keys = fc.constantFrom(
    'tag',
    'callback',
    'metadata',
    'status',
    'reason',
    'pr',
    'payerData',
  );
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .tuple(fc.dictionary(keys, fc.jsonValue()), fc.boolean())
      .map(([object, isBased]) => JSON.stringify({ ...(isBased && payRequest(1)), ...object })),
  );
  fc.assert(
    fc.property(body, fc.integer({ min: 100, max: 599 }), (text, status) => {
      const first = readPayRequest(answer(text, status), origin);
      const second = readServiceInvoice(answer(text, status), request());
      for (const each of [first, second]) {
        if (!each.ok) expect(failureTable).toHaveProperty(each.failure.code);
      }
      expect(second.ok).toBe(false);
      if (first.ok) expect(first.request.minMsat).toBeGreaterThan(0n);
    }),
    { numRuns: 1_000 },
  );
});

test('any metadata are an outcome', () => {
  const entries = fc.array(
    fc.tuple(
      fc.constantFrom('text/plain', 'text/identifier', 'text/long-desc', 'image/png;base64'),
      fc.jsonValue(),
    ),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(entries, (each) => {
      const read = readPayRequest(
        answer(JSON.stringify(payRequest(1, { metadata: JSON.stringify(each) }))),
        { domain, isAddress: false },
      );
      const plain = each.filter(([type]) => type === 'text/plain').map(([, value]) => value);
      expect(read.ok).toBe(plain.length === 1 && typeof plain[0] === 'string');
    }),
  );
});

test('the hash is of the metadata as they came, letter for letter', () => {
  const spaced = ` ${METADATA} `;
  const read = readPayRequest(answer(JSON.stringify(payRequest(1, { metadata: spaced }))), origin);
  expect(read).toMatchObject({ ok: true });
  expect(read.ok && read.request.metadataSha256).not.toBe(request().metadataSha256);
});

test('LUD-06: the amount joins the callback and leaves the rest of it as it is', () => {
  const url = (callback: string, comment: string | null = null) => {
    const made = callbackUrl(request({ callback }), 21_000n, comment);
    return made.ok ? made.url : made.failure.code;
  };
  expect(url('https://a.example/pay')).toBe('https://a.example/pay?amount=21000');
  expect(url('https://a.example/pay?')).toBe('https://a.example/pay?amount=21000');
  expect(url('https://a.example/pay?k=a%20b+c&s')).toBe(
    'https://a.example/pay?k=a%20b+c&s&amount=21000',
  );
  expect(url('https://a.example/pay#x')).toBe('https://a.example/pay?amount=21000');
  expect(url('https://a.example/pay', 'a&amount=1#')).toBe(
    'https://a.example/pay?amount=21000&comment=a%26amount%3D1%23',
  );
  expect(url('https://a.example/pay?amount=1')).toBe('bad_answer');
  expect(url('https://a.example/pay?%61mount=1')).toBe('bad_answer');
});

test('an upper limit beyond all bitcoin means any amount', () => {
  const read = readPayRequest(
    answer(
      JSON.stringify(payRequest(1, { maxSendable: 0 })).replace(
        /"maxSendable":0/,
        '"maxSendable":1e25',
      ),
    ),
    origin,
  );
  expect(read.ok && read.request.maxMsat > 2_100_000_000_000_000_000n).toBe(true);
  const endless = JSON.stringify(payRequest(1)).replace(/"maxSendable":\d+/, '"maxSendable":1e999');
  expect(readPayRequest(answer(endless), origin)).toMatchObject({
    failure: { code: 'bad_answer' },
  });
});
