import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeBolt11, type LightningNetwork } from '@quittance/bitcoin';
import type { LightningFailureClass } from '@quittance/contract';
import { describe, expect, test } from 'vitest';
import type { PaymentOutcome } from '../../lightning-node.ts';
import {
  type ContractOptions,
  eventually,
  type FailureCase,
  failureCases,
  invoiceOf,
  type LightningWorld,
  payInvoice,
  randomHash,
} from './world.ts';

/** Each way to fail, produced for real; nothing may be gone afterwards. */
export function failingCases(world: () => LightningWorld, options: ContractOptions): void {
  const failing = (name: FailureCase, run: () => Promise<PaymentOutcome>): void => {
    const given = options.failures?.[name];
    const wanted: LightningFailureClass = given ?? failureCases[name];
    const title = `${name} fails as ${wanted}, and costs nothing`;
    test.skipIf(given === null)(title, async () => {
      const before = await world().node.balances();
      const outcome = await run();
      expect(outcome).toMatchObject({ state: 'failed', failure: { failureClass: wanted } });
      await eventually(
        () => world().node.balances(),
        (after) => {
          expect(after.channelsMsat).toBe(before.channelsMsat);
          expect(after.inFlightMsat).toBe(0n);
        },
      );
    });
  };

  describe('a payment with', () => {
    failing('an expired invoice', async () => {
      const { node, peer } = world();
      const invoice = await invoiceOf(peer.node, { expirySeconds: 1 });
      await sleep(Math.max(0, invoice.expiresAtMs - Date.now()) + 100);
      return payInvoice(node, invoice);
    });

    failing('an invoice of another chain', () =>
      payInvoice(world().node, strangeInvoice('mainnet')),
    );

    failing('something that is no invoice', () => {
      const { paymentHash } = randomHash();
      return payInvoice(world().node, {
        bolt11: 'lnbcrt1garbage',
        paymentHash,
        amountMsat: 1_000n,
      });
    });

    failing('another amount than the invoice asks for', async () => {
      const invoice = await invoiceOf(world().peer.node, { amountMsat: 5_000n });
      return payInvoice(world().node, invoice, { amountMsat: 6_000n });
    });

    failing('more than the own channels can send', async () => {
      const { node, peer } = world();
      const { sendableMsat } = await node.balances();
      const invoice = await invoiceOf(peer.node, { amountMsat: sendableMsat + 1_000_000n });
      return payInvoice(node, invoice);
    });

    failing('more than a channel further on can forward', async () => {
      const { node, far } = world();
      const { receivableMsat } = await far.node.balances();
      const { sendableMsat } = await node.balances();
      const amountMsat = receivableMsat + 50_000_000n;
      // The case is the channel further on only if the own one could send it.
      expect(amountMsat).toBeLessThan(sendableMsat - 10_000_000n);
      return payInvoice(node, await invoiceOf(far.node, { amountMsat }));
    });

    failing('a fee limit below the cheapest route', async () => {
      const invoice = await invoiceOf(world().far.node, { amountMsat: 3_000_000n });
      return payInvoice(world().node, invoice, { maxFeeMsat: 0n });
    });

    failing('a recipient whom no channel leads to', () =>
      payInvoice(world().node, strangeInvoice('regtest')),
    );

    failing('a recipient who refuses', async () => {
      const { node, peer } = world();
      const invoice = await invoiceOf(peer.node);
      await peer.behave({ incoming: 'reject' });
      const outcome = await payInvoice(node, invoice);
      await peer.behave({ incoming: 'accept' });
      return outcome;
    });

    failing('an own peer who is not connected', async () => {
      const { node, peer } = world();
      const invoice = await invoiceOf(peer.node, { amountMsat: 1_000_000n });
      await peer.setOnline(false);
      await eventually(
        () => node.channels(),
        (channels) => expect(channels.some(({ isActive }) => isActive)).toBe(false),
      );
      const outcome = await payInvoice(node, invoice);
      await peer.setOnline(true);
      await eventually(
        () => node.channels(),
        (channels) => expect(channels.some(({ isActive }) => isActive)).toBe(true),
      );
      return outcome;
    });
  });

  test('a payment whose time is over is not given to the node any more', async () => {
    const { node, peer } = world();
    const invoice = await invoiceOf(peer.node);
    expect(await payInvoice(node, invoice, { notAfterMs: Date.now() - 1 })).toMatchObject({
      ...{ state: 'failed', failure: { failureClass: 'node_unavailable' } },
    });
    expect(await node.trackPayment(invoice.paymentHash)).toEqual({ state: 'not_found' });
    // Nothing is left of it: in its time it is paid like any other.
    expect(await payInvoice(node, invoice, { notAfterMs: Date.now() + 60_000 })).toMatchObject({
      state: 'succeeded',
    });
  });

  describe('a node that is down', () => {
    test('is unreachable, and was certainly given no payment', async () => {
      const { node, peer } = world();
      const invoice = await invoiceOf(peer.node);
      await world().kill();
      await expect(node.info()).rejects.toMatchObject({ code: 'unreachable' });
      expect(await payInvoice(node, invoice)).toMatchObject({
        ...{ state: 'failed', failure: { failureClass: 'node_unavailable' } },
      });
      await world().start();
      expect(await node.trackPayment(invoice.paymentHash)).toEqual({ state: 'not_found' });
      expect((await node.info()).network).toBe('regtest');
    });
  });
}

/** An invoice of a node that nobody knows. */
function strangeInvoice(network: LightningNetwork) {
  const { paymentHash } = randomHash();
  const amountMsat = 10_000n;
  const bolt11 = encodeBolt11(
    {
      ...{ network, amountMsat, createdAtMs: Date.now(), paymentHash, description: 'nobody' },
      paymentSecret: randomBytes(32).toString('hex'),
    },
    randomBytes(32),
  );
  return { bolt11, paymentHash, amountMsat };
}
