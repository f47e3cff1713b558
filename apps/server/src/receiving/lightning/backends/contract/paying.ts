import { describe, expect, test } from 'vitest';
import {
  type ContractOptions,
  eventsAfter,
  eventually,
  hashOf,
  invoiceOf,
  type LightningWorld,
  newestCursor,
  outcomeOf,
  payInvoice,
  randomHash,
} from './world.ts';

export function payingCases(world: () => LightningWorld, { without }: ContractOptions): void {
  describe('a payment', () => {
    test('arrives whole, with the proof of it, and is told', async () => {
      const { node, peer } = world();
      const cursor = await newestCursor(node);
      const before = await node.balances();
      const invoice = await invoiceOf(peer.node);
      const outcome = await payInvoice(node, invoice);
      const { paymentHash, amountMsat } = invoice;
      expect(outcome).toMatchObject({ state: 'succeeded', amountMsat, feeMsat: 0n });
      if (outcome.state === 'succeeded') expect(hashOf(outcome.preimage)).toBe(paymentHash);
      expect(await node.trackPayment(paymentHash)).toEqual(outcome);
      expect(await peer.node.lookupInvoice(paymentHash)).toMatchObject({
        ...{ state: 'settled', receivedMsat: amountMsat },
      });
      await eventually(
        () => node.balances(),
        (after) => {
          expect(before.channelsMsat - after.channelsMsat).toBe(amountMsat);
          expect(after.inFlightMsat).toBe(0n);
        },
      );
      const told = { type: 'payment_ended', paymentHash, outcome };
      await eventually(
        () => eventsAfter(node, cursor),
        (events) => expect(events).toContainEqual(told),
      );
    });

    test('of a hash that the node never heard of is not found', async () => {
      const { paymentHash } = randomHash();
      expect(await world().node.trackPayment(paymentHash)).toEqual({ state: 'not_found' });
    });

    test('is made once, however often it is asked for', async () => {
      const { node, peer } = world();
      const invoice = await invoiceOf(peer.node);
      const before = await node.balances();
      const together = await Promise.all([payInvoice(node, invoice), payInvoice(node, invoice)]);
      const again = await payInvoice(node, invoice);
      const first = await outcomeOf(node, invoice.paymentHash);
      expect(first.state).toBe('succeeded');
      // Each answer is the one payment's outcome, or says that it is (being) made already.
      for (const outcome of [...together, again]) {
        if (outcome.state === 'failed') {
          expect(outcome.failure.failureClass).toBe('already_paid');
        } else if (outcome.state === 'succeeded') expect(outcome).toEqual(first);
        else expect(['in_flight', 'unknown']).toContain(outcome.state);
      }
      await eventually(
        () => node.balances(),
        (after) => expect(before.channelsMsat - after.channelsMsat).toBe(invoice.amountMsat),
      );
    });

    test('of an invoice without an amount is what the payer chooses', async () => {
      const { node, peer } = world();
      const invoice = await invoiceOf(peer.node, { amountMsat: null });
      const outcome = await payInvoice(node, invoice, { amountMsat: 1_234_000n });
      expect(outcome).toMatchObject({ state: 'succeeded', amountMsat: 1_234_000n });
      expect(await peer.node.lookupInvoice(invoice.paymentHash)).toMatchObject({
        ...{ state: 'settled', receivedMsat: 1_234_000n },
      });
    });

    test('through another node costs what that takes, within the limit', async () => {
      const { node, far } = world();
      const invoice = await invoiceOf(far.node, { amountMsat: 2_000_000n });
      const before = await node.balances();
      const outcome = await payInvoice(node, invoice, { maxFeeMsat: 10_000n });
      expect(outcome).toMatchObject({ state: 'succeeded', amountMsat: 2_000_000n });
      if (outcome.state !== 'succeeded') return;
      expect(outcome.feeMsat).toBeGreaterThan(0n);
      expect(outcome.feeMsat).toBeLessThanOrEqual(10_000n);
      await eventually(
        () => node.balances(),
        (after) =>
          expect(before.channelsMsat - after.channelsMsat).toBe(2_000_000n + outcome.feeMsat),
      );
    });

    test('without an invoice arrives (keysend)', async () => {
      const { node, peer } = world();
      if (!node.capabilities.keysend) return;
      const cursor = await newestCursor(peer.node);
      const { preimage, paymentHash } = randomHash();
      const outcome = await node.pay({
        destination: { keysendTo: peer.nodeId, preimage },
        ...{ paymentHash, amountMsat: 99_000n, maxFeeMsat: 0n, timeoutMs: 20_000, waitMs: 20_000 },
      });
      expect(outcome).toMatchObject({ state: 'succeeded', preimage, amountMsat: 99_000n });
      const told = { type: 'invoice_settled', paymentHash, receivedMsat: 99_000n };
      expect(await eventsAfter(peer.node, cursor)).toContainEqual(expect.objectContaining(told));
    });
  });

  describe('a payment that the recipient holds', () => {
    const held = test.skipIf(without?.includes('held'));
    held('is in flight, through a crash of the node, until it is taken', async () => {
      const { node, peer } = world();
      const { preimage, paymentHash } = randomHash();
      const cursor = await newestCursor(node);
      const before = await node.balances();
      const invoice = await invoiceOf(peer.node, { holdPaymentHash: paymentHash });
      const early = await payInvoice(node, invoice, { waitMs: 200 });
      expect(early.state).toBe('in_flight');
      await eventually(
        () => peer.node.lookupInvoice(paymentHash),
        (found) => expect(found).toMatchObject({ state: 'held' }),
      );
      const during = await node.balances();
      expect(during.inFlightMsat).toBe(invoice.amountMsat);
      expect(before.channelsMsat - during.channelsMsat).toBe(invoice.amountMsat);
      await world().kill();
      await world().start();
      expect(await node.trackPayment(paymentHash)).toEqual({ state: 'in_flight' });
      await peer.node.settleInvoice(preimage);
      const outcome = await outcomeOf(node, paymentHash);
      expect(outcome).toMatchObject({ state: 'succeeded', preimage });
      await eventually(
        () => eventsAfter(node, cursor),
        (events) => expect(events).toContainEqual({ type: 'payment_ended', paymentHash, outcome }),
      );
      await eventually(
        () => node.balances(),
        (after) => expect(after).toMatchObject({ inFlightMsat: 0n }),
      );
    });

    const refused = test.skipIf(without?.includes('refused while away'));
    refused('comes back whole when it is refused while the node is away', async () => {
      const { node, peer } = world();
      const { paymentHash } = randomHash();
      const before = await node.balances();
      const invoice = await invoiceOf(peer.node, { holdPaymentHash: paymentHash });
      await payInvoice(node, invoice, { waitMs: 200 });
      await eventually(
        () => peer.node.lookupInvoice(paymentHash),
        (found) => expect(found).toMatchObject({ state: 'held' }),
      );
      await world().kill();
      await peer.node.cancelInvoice(paymentHash);
      await world().start();
      expect(await outcomeOf(node, paymentHash)).toMatchObject({
        ...{ state: 'failed', failure: { failureClass: 'recipient_rejected' } },
      });
      await eventually(
        () => node.balances(),
        (after) => expect(after.channelsMsat).toBe(before.channelsMsat),
      );
    });
  });
}
