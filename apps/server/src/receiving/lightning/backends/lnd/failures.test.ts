import { expect, test } from 'vitest';
import { classOfRefusal, failureOf } from './failures.ts';
import type { LndAttempt } from './shapes.ts';

const recipient = `03${'cc'.repeat(32)}`;
const hops = [
  { chan_id: (115n << 40n) | (2n << 16n), pub_key: `02${'bb'.repeat(32)}` },
  { chan_id: (800_000n << 40n) | (12n << 16n) | 1n, pub_key: recipient },
];
const failed = (code: string, failure_source_index: number, resolve_time_ns = 1n): LndAttempt => ({
  ...{ status: 'FAILED', resolve_time_ns, route: { hops } },
  failure: { code, failure_source_index },
});

test.each([
  [
    'a channel further on is empty',
    'TEMPORARY_CHANNEL_FAILURE',
    1,
    'insufficient_capacity',
    '800000x12x1',
  ],
  [
    'our own channel is empty',
    'TEMPORARY_CHANNEL_FAILURE',
    0,
    'insufficient_local_balance',
    '115x2x0',
  ],
  ['the next node is away', 'UNKNOWN_NEXT_PEER', 1, 'peer_offline', '800000x12x1'],
  ['a channel is switched off', 'CHANNEL_DISABLED', 1, 'peer_offline', '800000x12x1'],
  ['a fee was raised', 'FEE_INSUFFICIENT', 1, 'fee_limit', '800000x12x1'],
  [
    'it is below what a channel takes',
    'AMOUNT_BELOW_MINIMUM',
    1,
    'amount_out_of_range',
    '800000x12x1',
  ],
  ['other parts did not arrive', 'MPP_TIMEOUT', 2, 'insufficient_capacity', recipient],
  ['the recipient has a fault', 'TEMPORARY_NODE_FAILURE', 2, 'recipient_rejected', recipient],
  ['a code is new to us', 'SOMETHING_NEW', 1, 'no_route', '800000x12x1'],
] as const)('no route, because %s', (_why, code, index, failureClass, at) => {
  expect(failureOf('FAILURE_REASON_NO_ROUTE', [failed(code, index)])).toMatchObject({
    ...{ failureClass, at, code: `FAILURE_REASON_NO_ROUTE ${code}` },
  });
});

test.each([
  ['FAILURE_REASON_INCORRECT_PAYMENT_DETAILS', 'recipient_rejected'],
  ['FAILURE_REASON_INSUFFICIENT_BALANCE', 'insufficient_local_balance'],
  ['FAILURE_REASON_CANCELED', 'node_unavailable'],
  ['FAILURE_REASON_ERROR', 'invalid'],
  ['FAILURE_REASON_TIMEOUT', 'no_route'],
  ['FAILURE_REASON_NO_ROUTE', 'no_route'],
])('%s without any attempt is %s', (reason, failureClass) => {
  expect(failureOf(reason, [])).toMatchObject({ failureClass, code: reason, at: null });
});

test('the last attempt counts, in whatever order they are told', () => {
  const attempts = [
    failed('UNKNOWN_NEXT_PEER', 1, 30n),
    failed('TEMPORARY_CHANNEL_FAILURE', 1, 20n),
    failed('FEE_INSUFFICIENT', 1, 10n),
  ];
  for (const order of [attempts, attempts.toReversed()]) {
    expect(failureOf('FAILURE_REASON_NO_ROUTE', order).failureClass).toBe('peer_offline');
  }
});

test('the recipient’s refusal outweighs what single attempts met', () => {
  const attempts = [failed('TEMPORARY_CHANNEL_FAILURE', 1, 9n)];
  const reason = 'FAILURE_REASON_INCORRECT_PAYMENT_DETAILS';
  expect(failureOf(reason, attempts).failureClass).toBe('recipient_rejected');
});

test.each([
  ['invoice is already paid', 'already_paid'],
  ['invoice expired. Valid until 2026-11-21 16:47:01 +0000 UTC', 'expired'],
  ["invoice not for current active network 'regtest'", 'wrong_network'],
  ['amount must be specified when paying a zero amount invoice', 'amount_out_of_range'],
  ['checksum failed. Expected rj6t97, got rj6qqq.', 'invalid'],
  ['self-payments not allowed', 'invalid'],
])('"%s" is a certain refusal: %s', (words, failureClass) => {
  expect(classOfRefusal(`LND: ${words}`)).toBe(failureClass);
});

test.each(['payment is in transition', 'routerrpc server shutting down', 'context canceled'])(
  '"%s" is no certain refusal: the payment may be on its way',
  (words) => {
    expect(classOfRefusal(`LND: ${words}`)).toBeUndefined();
  },
);
