import { createHash } from 'node:crypto';
import { decodeBolt11 } from '@quittance/bitcoin';
import { describe, expect, test } from 'vitest';
import type { LightningCapabilities } from '../../lightning-node.ts';
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

export function receivingCases(world: () => LightningWorld, { without }: ContractOptions): void {
  describe('an invoice', () => {
    test('says what was asked for, in our time', async () => {
      const beforeMs = Date.now();
      const invoice = await invoiceOf(world().node, {
        ...{ amountMsat: 123_456n, description: 'two coffees', expirySeconds: 90 },
      });
      const read = decodeBolt11(invoice.bolt11);
      expect(read).toMatchObject({
        ok: true,
        invoice: {
          ...{ network: 'regtest', amountMsat: 123_456n, description: 'two coffees' },
          ...{ paymentHash: invoice.paymentHash, expiresAtMs: invoice.expiresAtMs },
          payee: (await world().node.info()).nodeId,
        },
      });
      expect(invoice).toMatchObject({ state: 'open', receivedMsat: 0n, preimage: null });
      expect(invoice.expiresAtMs).toBeGreaterThan(beforeMs + 88_000);
      expect(invoice.expiresAtMs).toBeLessThan(Date.now() + 92_000);
      expect(await world().node.lookupInvoice(invoice.paymentHash)).toEqual(invoice);
    });

    test('of an unknown hash is null', async () => {
      expect(await world().node.lookupInvoice(randomHash().paymentHash)).toBeNull();
    });

    test('can have a hash of its description', async () => {
      if (!world().node.capabilities.descriptionHash) return;
      const sha256 = createHash('sha256').update('a long story').digest('hex');
      const description = { sha256, text: 'a long story' };
      const { bolt11 } = await invoiceOf(world().node, { description });
      expect(decodeBolt11(bolt11)).toMatchObject({ invoice: { descriptionHash: sha256 } });
    });

    test('that is paid is settled, with its preimage and an event', async () => {
      const { node, peer } = world();
      const cursor = await newestCursor(node);
      const invoice = await invoiceOf(node, { amountMsat: 4_321_000n });
      const outcome = await payInvoice(peer.node, invoice);
      expect(outcome).toMatchObject({ state: 'succeeded', amountMsat: 4_321_000n });
      const settled = await eventually(
        () => node.lookupInvoice(invoice.paymentHash),
        (found) => expect(found).toMatchObject({ state: 'settled', receivedMsat: 4_321_000n }),
      );
      expect(hashOf(settled?.preimage ?? '')).toBe(invoice.paymentHash);
      expect(Math.abs((settled?.settledAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
      const { paymentHash } = invoice;
      const told = { type: 'invoice_settled', paymentHash, receivedMsat: 4_321_000n };
      const events = await eventually(
        () => eventsAfter(node, cursor),
        (found) => expect(found).toContainEqual(expect.objectContaining(told)),
      );
      expect(await eventsAfter(node, cursor)).toEqual(events);
    });

    const open = test.skipIf(without?.includes('no amount'));
    open('without an amount takes what the payer chooses', async () => {
      const { node, peer } = world();
      const invoice = await invoiceOf(node, { amountMsat: null });
      expect(invoice.amountMsat).toBeNull();
      await payInvoice(peer.node, invoice, { amountMsat: 777_000n });
      await eventually(
        () => node.lookupInvoice(invoice.paymentHash),
        (found) => expect(found).toMatchObject({ state: 'settled', receivedMsat: 777_000n }),
      );
    });

    test('that is cancelled can not be paid any more', async () => {
      const { node, peer } = world();
      const invoice = await invoiceOf(node);
      await node.cancelInvoice(invoice.paymentHash);
      expect(await payInvoice(peer.node, invoice)).toMatchObject({
        ...{ state: 'failed', failure: { failureClass: 'recipient_rejected' } },
      });
      expect(await node.lookupInvoice(invoice.paymentHash)).toMatchObject({
        ...{ state: 'cancelled', receivedMsat: 0n },
      });
    });

    test('that is paid stays paid when it is cancelled', async () => {
      const { node, peer } = world();
      const invoice = await invoiceOf(node);
      await payInvoice(peer.node, invoice);
      // Whether it says no or nothing is the node's own affair.
      await node.cancelInvoice(invoice.paymentHash).catch(() => undefined);
      await eventually(
        () => node.lookupInvoice(invoice.paymentHash),
        (found) => expect(found).toMatchObject({ state: 'settled' }),
      );
    });

    test('rings when it is paid', async () => {
      const { node, peer } = world();
      let rings = 0;
      const stop = node.onEvent(() => {
        rings += 1;
      });
      // The first ring says that somebody listens now.
      const invoice = await invoiceOf(node, { amountMsat: 1_000n });
      const before = rings;
      await payInvoice(peer.node, invoice);
      await eventually(
        () => Promise.resolve(rings),
        (heard) => expect(heard).toBeGreaterThan(before),
      );
      stop();
    });
  });

  describe('a hold invoice', () => {
    const skipUnless = (can: LightningCapabilities): boolean => can.holdInvoices;

    test('is the same one when it is asked for twice', async () => {
      const { node } = world();
      if (!skipUnless(node.capabilities)) return;
      const { paymentHash } = randomHash();
      const first = await invoiceOf(node, { holdPaymentHash: paymentHash });
      const second = await invoiceOf(node, { holdPaymentHash: paymentHash });
      expect(second).toEqual(first);
      expect(first.paymentHash).toBe(paymentHash);
    });

    test('holds the payment until it is settled, and through a restart', async () => {
      const { node, peer } = world();
      if (!skipUnless(node.capabilities)) return;
      const { preimage, paymentHash } = randomHash();
      const cursor = await newestCursor(node);
      const invoice = await invoiceOf(node, { holdPaymentHash: paymentHash });
      const early = await payInvoice(peer.node, invoice, { waitMs: 0 });
      expect(early.state).toBe('in_flight');
      await eventually(
        () => node.lookupInvoice(paymentHash),
        (found) => expect(found).toMatchObject({ state: 'held', preimage: null }),
      );
      const held = { type: 'invoice_held', paymentHash, receivedMsat: invoice.amountMsat };
      const events = await eventsAfter(node, cursor);
      expect(events).toContainEqual(expect.objectContaining(held));
      await world().kill();
      await world().start();
      expect(await node.lookupInvoice(paymentHash)).toMatchObject({ state: 'held' });
      await node.settleInvoice(preimage);
      expect(await outcomeOf(peer.node, paymentHash)).toMatchObject({
        ...{ state: 'succeeded', preimage },
      });
      await eventually(
        () => node.lookupInvoice(paymentHash),
        (found) => expect(found).toMatchObject({ state: 'settled', preimage }),
      );
      // Settled is settled: the same again is no error, and changes nothing.
      await node.settleInvoice(preimage);
    });

    test('gives the payment back when it is cancelled', async () => {
      const { node, peer } = world();
      if (!skipUnless(node.capabilities)) return;
      const { preimage, paymentHash } = randomHash();
      const invoice = await invoiceOf(node, { holdPaymentHash: paymentHash });
      await payInvoice(peer.node, invoice, { waitMs: 0 });
      await eventually(
        () => node.lookupInvoice(paymentHash),
        (found) => expect(found).toMatchObject({ state: 'held' }),
      );
      await node.cancelInvoice(paymentHash);
      expect(await outcomeOf(peer.node, paymentHash)).toMatchObject({
        ...{ state: 'failed', failure: { failureClass: 'recipient_rejected' } },
      });
      await eventually(
        () => node.lookupInvoice(paymentHash),
        (found) => expect(found).toMatchObject({ state: 'cancelled' }),
      );
      await expect(node.settleInvoice(preimage)).rejects.toMatchObject({ code: 'refused' });
    });
  });
}
