import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { InvoiceRecord, Settings } from '../state/records.ts';
import { decideIncoming } from './decide-incoming.ts';

const NOW_MS = 1_700_000_000_000;
const settings: Settings = {
  ...{ incoming: 'accept', acceptKeysend: true, online: true, listenPort: null },
};
const open: InvoiceRecord = {
  ...{ paymentHash: '00', bolt11: 'lnbcrt', amountMsat: '1000', expiresAtMs: NOW_MS + 1 },
  ...{ isHold: false, state: 'open', receivedMsat: '0', settledAtMs: null, preimage: null },
  ...{ heldUntilHeight: null, heldUntilMs: null },
};
const decide = (record: InvoiceRecord | null, amountMsat = 1_000n, nowMs = NOW_MS) =>
  decideIncoming({ kind: 'invoice', amountMsat }, { record, settings, nowMs }).do;

test('an open invoice takes its amount or more until the moment of its expiry, not later', () => {
  expect(decide(open)).toBe('claim');
  expect(decide(open, 1_500n)).toBe('claim');
  expect(decide(open, 999n)).toBe('refuse');
  expect(decide(open, 1_000n, open.expiresAtMs - 1)).toBe('claim');
  expect(decide(open, 1_000n, open.expiresAtMs)).toBe('refuse');
});

test('what is cancelled, paid, being paid or unknown takes nothing, whatever the amount', () => {
  const states = fc.constantFrom('claiming' as const, 'settled' as const, 'cancelled' as const);
  const amounts = fc.bigInt({ min: 0n, max: 10n ** 12n });
  fc.assert(
    fc.property(states, fc.boolean(), amounts, (state, isHold, amountMsat) => {
      expect(decide({ ...open, state, isHold }, amountMsat)).toBe('refuse');
    }),
  );
  expect(decide(null)).toBe('refuse');
});

test('a hold invoice waits, and goes on waiting when it is told of twice', () => {
  expect(decide({ ...open, isHold: true })).toBe('hold');
  expect(decide({ ...open, isHold: true, state: 'held' })).toBe('hold');
  expect(decide({ ...open, isHold: true, state: 'held' }, 1_000n, open.expiresAtMs)).toBe('hold');
});

test('a payment without invoice is taken or refused as set', () => {
  const keysend = (acceptKeysend: boolean) =>
    decideIncoming(
      { kind: 'keysend', amountMsat: 1n },
      { record: null, settings: { ...settings, acceptKeysend }, nowMs: NOW_MS },
    ).do;
  expect(keysend(true)).toBe('claim');
  expect(keysend(false)).toBe('refuse');
});

test('the bad recipients of tests refuse or keep everything', () => {
  const as = (incoming: Settings['incoming']) =>
    decideIncoming(
      { kind: 'invoice', amountMsat: 1_000n },
      { record: open, settings: { ...settings, incoming }, nowMs: NOW_MS },
    ).do;
  expect(as('reject')).toBe('refuse');
  expect(as('hold')).toBe('ignore');
});
