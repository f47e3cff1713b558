import { expect, test } from 'vitest';
import { meaningOf } from './failures.ts';

test.each([
  ['RATE_LIMITED', '', 'node_unavailable'],
  ['UNAUTHORIZED', '', 'node_unavailable'],
  ['INSUFFICIENT_BALANCE', '', 'insufficient_local_balance'],
  ['QUOTA_EXCEEDED', '', 'amount_out_of_range'],
])('%s is said before anything is sent, and is %s', (code, words, failureClass) => {
  expect(meaningOf(code, words)).toEqual({ failureClass, isCertain: true });
});

test.each([
  ['invoice already paid', 'already_paid'],
  ['invoice expired', 'expired'],
  ['no path to the recipient', 'no_route'],
  ['FAILURE_REASON_NO_ROUTE', 'no_route'],
  ['FAILURE_REASON_INCORRECT_PAYMENT_DETAILS', 'recipient_rejected'],
  ['not enough balance for the fee reserve', 'insufficient_local_balance'],
  ['the fee limit is exceeded', 'fee_limit'],
  ['words that nobody knows', 'no_route'],
])('PAYMENT_FAILED "%s" has to be looked up, and is %s then', (words, failureClass) => {
  expect(meaningOf('PAYMENT_FAILED', words)).toEqual({ failureClass, isCertain: false });
});

test.each(['INTERNAL', 'OTHER', 'SOMETHING_NEW'])('%s is never certain', (code) => {
  expect(meaningOf(code, '').isCertain).toBe(false);
});
