import { expect, test } from 'vitest';
import { BitcoinRpcError } from '../../platform/bitcoin-node/index.ts';
import { classifyFailure, classifyRefusal } from './node-answers.ts';

const rpc = (code: number, message: string) => new BitcoinRpcError('rpc', message, { code });

test('what the node has already is a success', () => {
  for (const words of [
    ...['txn-already-in-mempool', 'txn-already-known', 'txn-same-nonwitness-data-in-mempool'],
    'Transaction outputs already in utxo set',
  ]) {
    expect(classifyRefusal(words)).toEqual({ type: 'has-it' });
  }
  const sent = rpc(-27, 'sendrawtransaction: Transaction outputs already in utxo set');
  expect(classifyFailure(sent, true)).toEqual({ type: 'has-it' });
});

test('refusals lead to a higher fee, to the chain’s record, to later, or to the end', () => {
  const verdicts = {
    'min relay fee not met, 50 < 141': 'fee_too_low',
    'mempool min fee not met, 141 < 300': 'fee_too_low',
    'insufficient fee, rejecting replacement': 'fee_too_low',
    'bad-txns-inputs-missingorspent': 'inputs_gone',
    'txn-mempool-conflict': 'inputs_gone',
    'too-long-mempool-chain, too many unconfirmed ancestors': 'later',
    'non-final': 'later',
    dust: 'never',
    'mandatory-script-verify-flag-failed (Signature must be zero)': 'never',
    'bad-txns-in-belowout': 'never',
  };
  for (const [detail, verdict] of Object.entries(verdicts)) {
    expect(classifyRefusal(detail)).toEqual({ type: 'refused', verdict, detail });
  }
});

test('words that nobody has understood end nothing', () => {
  const detail = 'a rule of tomorrow';
  expect(classifyRefusal(detail)).toEqual({ type: 'refused', verdict: 'later', detail });
});

test('without an answer of its own it is unknown whether the node has what it was sent', () => {
  for (const kind of ['timeout', 'unreachable', 'malformed'] as const) {
    const error = new BitcoinRpcError(kind, 'gone');
    expect(classifyFailure(error, true)).toMatchObject({ type: 'unknown' });
    expect(classifyFailure(error, false)).toMatchObject({ type: 'not-asked' });
  }
  expect(classifyFailure(rpc(-1, 'a bug'), true)).toMatchObject({ type: 'unknown' });
  const warming = new BitcoinRpcError('warming_up', 'Loading', { code: -28 });
  expect(classifyFailure(warming, true)).toMatchObject({ type: 'not-asked' });
});
