import { randomBytes } from 'node:crypto';
import { encodeBolt11 } from '@quittance/bitcoin';
import { expect, test } from 'vitest';
import { faultOf } from './check-payment.ts';

const createdAtMs = 1_795_000_000_000;
const paymentHash = 'ab'.repeat(32);

function request(change: { amountMsat?: bigint | null; network?: 'regtest' | 'mainnet' } = {}) {
  const { amountMsat = 5_000n, network = 'regtest' } = change;
  const bolt11 = encodeBolt11(
    {
      ...{ network, amountMsat, createdAtMs, paymentHash, description: 'x' },
      ...{ expirySeconds: 60, paymentSecret: 'cd'.repeat(32) },
    },
    randomBytes(32),
  );
  return { destination: { bolt11 }, paymentHash, amountMsat: 5_000n };
}
const inTime = createdAtMs + 59_999;

test('a payment that fits its invoice has no fault', () => {
  expect(faultOf(request(), 'regtest', inTime)).toBeNull();
  expect(faultOf(request({ amountMsat: null }), 'regtest', inTime)).toBeNull();
});

test.each([
  ['the time of the invoice is over', request(), inTime + 1, 'expired'],
  ['it is of another chain', request({ network: 'mainnet' }), inTime, 'wrong_network'],
  [
    'another amount is to be paid',
    { ...request(), amountMsat: 5_001n },
    inTime,
    'amount_out_of_range',
  ],
  ['another hash was stored', { ...request(), paymentHash: '00'.repeat(32) }, inTime, 'invalid'],
  ['it is no invoice', { ...request(), destination: { bolt11: 'lnbcrt1' } }, inTime, 'invalid'],
] as const)('nothing is sent when %s', (_why, payment, nowMs, failureClass) => {
  expect(faultOf(payment, 'regtest', nowMs)).toMatchObject({ failureClass, code: 'not_sent' });
});
