import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyInvoiceEvent, type Invoice, type InvoiceEvent } from './invoice.ts';

const INVOICE: Invoice = {
  merchantId: '00000000-0000-7000-8000-000000000001',
  id: '00000000-0000-7000-8000-000000000002',
  lightningNodeId: '00000000-0000-7000-8000-000000000003',
  paymentHash: 'ab'.repeat(32),
  purpose: 'api',
  orderId: null,
  metadata: {},
  description: '',
  bolt11: 'lnbcrt1',
  amountMsat: 1_000n,
  hold: false,
  state: 'open',
  reason: null,
  receivedMsat: 0n,
  preimage: null,
  createdAtMs: 0,
  expiresAtMs: 1,
  settledAtMs: null,
  lookAtMs: 1,
  version: 1,
};

const events: fc.Arbitrary<InvoiceEvent> = fc.constantFrom<InvoiceEvent>(
  { type: 'cancel', reason: 'expired' },
  { type: 'settle', preimage: 'cd'.repeat(32) },
  { type: 'settled', receivedMsat: 1_001n, preimage: null, atMs: 5 },
  { type: 'held', receivedMsat: 1_001n },
  { type: 'node_cancelled' },
);

test('any history: what the node says is paid is paid, for good, and the same news twice is none', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(events, { maxLength: 12 }), (hold, history) => {
      let invoice: Invoice = { ...INVOICE, hold };
      let paid = false;
      for (const event of history) {
        const step = applyInvoiceEvent(invoice, event);
        if (step.outcome === 'changed') {
          expect(step.invoice.version).toBe(invoice.version + 1);
          invoice = step.invoice;
          expect(applyInvoiceEvent(invoice, event).outcome).not.toBe('changed');
        }
        if (event.type === 'settled') {
          paid = true;
          expect(step.outcome).not.toBe('rejected');
        }
        expect(invoice.state === 'settled').toBe(paid);
        if (paid) expect(invoice).toMatchObject({ receivedMsat: 1_001n, settledAtMs: 5 });
        // What waits for nobody's answer is not looked at any more, and what is given up says why.
        const isOver = invoice.state === 'settled' || invoice.state === 'cancelled';
        expect(invoice.lookAtMs === null).toBe(isOver);
        if (invoice.state === 'cancelled') expect(invoice.reason).not.toBeNull();
        if (invoice.state === 'held' || invoice.state === 'settling') expect(hold).toBe(true);
      }
    }),
  );
});

test('only a held payment can be taken, and what is being taken can not be sent back', () => {
  const settle: InvoiceEvent = { type: 'settle', preimage: 'cd'.repeat(32) };
  const cancel: InvoiceEvent = { type: 'cancel', reason: 'asked' };
  const outcome = (state: Invoice['state'], event: InvoiceEvent) =>
    applyInvoiceEvent({ ...INVOICE, hold: true, state }, event).outcome;
  expect(outcome('held', settle)).toBe('changed');
  expect(outcome('open', settle)).toBe('rejected');
  expect(outcome('cancelling', settle)).toBe('rejected');
  expect(outcome('cancelled', settle)).toBe('rejected');
  expect(outcome('settling', cancel)).toBe('rejected');
  expect(outcome('settled', cancel)).toBe('rejected');
  expect(outcome('held', cancel)).toBe('changed');
});
