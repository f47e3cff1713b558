import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isReserved,
  type LightningAddress,
  metadataOf,
  payRequest,
  readPayWish,
} from './lightning-address.ts';

const address: LightningAddress = {
  merchantId: '00000000-0000-7000-8000-000000000001',
  id: '00000000-0000-7000-8000-000000000002',
  name: 'till',
  description: 'Payment to “Tills” Café',
  minMsat: 1_000n,
  maxMsat: 5_000_000n,
  commentLength: 10,
  enabled: true,
  createdBy: 'key:a',
  createdAtMs: 0,
  updatedAtMs: 0,
};

test('a wallet reads what LUD-06, LUD-12 and LUD-16 want, in the very text that is hashed', () => {
  const request = payRequest(address, { publicUrl: 'https://pay.example:8443' });
  expect(request).toMatchObject({
    tag: 'payRequest',
    callback: 'https://pay.example:8443/lnurl/pay/till',
    minSendable: 1_000,
    maxSendable: 5_000_000,
    commentAllowed: 10,
  });
  expect(JSON.parse(request.metadata)).toEqual([
    ['text/plain', address.description],
    ['text/identifier', 'till@pay.example:8443'],
  ]);
  expect(request.metadata).toBe(metadataOf(address, 'pay.example:8443'));
  const silent = payRequest({ ...address, commentLength: 0 }, { publicUrl: 'https://pay.example' });
  expect(silent).not.toHaveProperty('commentAllowed');
});

test('an amount that is taken is within the bounds that were told, exact to the millisatoshi', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -10n, max: 10_000_000n }), (msat) => {
      const read = readPayWish(address, { amount: msat.toString(), comment: undefined });
      expect(read.ok).toBe(msat >= address.minMsat && msat <= address.maxMsat);
      if (read.ok) expect(read.wish).toEqual({ amountMsat: msat, comment: null });
    }),
  );
  for (const amount of [
    undefined,
    '',
    '1e6',
    '1000.0',
    ' 1000',
    '0x3e8',
    '01000',
    '9'.repeat(40),
  ]) {
    expect(readPayWish(address, { amount, comment: undefined }).ok, amount).toBe(false);
  }
});

test('a comment that is taken is as long as was told, can be stored and holds no control characters', () => {
  fc.assert(
    fc.property(fc.uint16Array({ maxLength: 20 }), (units) => {
      const comment = String.fromCharCode(...units);
      const read = readPayWish(address, { amount: '1000', comment });
      if (!read.ok) {
        expect([...comment].length).toBeGreaterThan(10);
        return;
      }
      const kept = read.wish.comment ?? '';
      expect([...kept].length).toBeLessThanOrEqual(10);
      expect(kept.isWellFormed()).toBe(true);
      // oxlint-disable-next-line no-control-regex
      expect(kept).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
    }),
  );
  const told = readPayWish(address, { amount: '1000', comment: '🍊'.repeat(10) });
  expect(told).toEqual({ ok: true, wish: { amountMsat: 1_000n, comment: '🍊'.repeat(10) } });
  expect(readPayWish(address, { amount: '1000', comment: '🍊'.repeat(11) }).ok).toBe(false);
  const none = readPayWish({ ...address, commentLength: 0 }, { amount: '1000', comment: 'x' });
  expect(none.ok).toBe(false);
});

test('names that look like the operator’s are nobody’s', () => {
  for (const name of ['admin', 'support', 'postmaster', 'lnurl'])
    expect(isReserved(name)).toBe(true);
  expect(isReserved('till')).toBe(false);
});
