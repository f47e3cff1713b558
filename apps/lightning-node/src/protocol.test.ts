import { expect, test } from 'vitest';
import { requests } from './protocol.ts';

const invoice = { amountMsat: '1000', description: 'tea', expirySeconds: 60 };
const create = (change: object) =>
  requests['create-invoice'].safeParse({ ...invoice, ...change }).success;

test('what would end the process inside the library is refused before', () => {
  // 02 00…00 has the form of a key, and is on no curve.
  const noPoint = `02${'00'.repeat(32)}`;
  const point = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
  const connect = (nodeId: string) =>
    requests['connect-peer'].safeParse({ nodeId, address: '127.0.0.1:9735' }).success;
  expect(connect(noPoint)).toBe(false);
  expect(connect(point)).toBe(true);
});

test('an invoice is for something, of at most what there is, with a description that fits', () => {
  expect(create({})).toBe(true);
  expect(create({ amountMsat: null })).toBe(true);
  expect(create({ amountMsat: '0' })).toBe(false);
  expect(create({ amountMsat: '-1' })).toBe(false);
  expect(create({ amountMsat: '1e3' })).toBe(false);
  expect(create({ amountMsat: '2100000000000000000' })).toBe(true);
  expect(create({ amountMsat: '2100000000000000001' })).toBe(false);
  expect(create({ description: 'é'.repeat(319) })).toBe(true);
  expect(create({ description: 'é'.repeat(320) })).toBe(false);
  expect(create({ description: '\ud800' })).toBe(false);
  expect(create({ expirySeconds: 0 })).toBe(false);
  expect(create({ expirySeconds: 1.5 })).toBe(false);
});
