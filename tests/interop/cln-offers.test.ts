import { parseBip21 } from '@quittance/bitcoin';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startLightningWorld } from '../../apps/server/src/paying/payouts/lightning/world.test-support.ts';
import type { PaymentOutcome } from '../../apps/server/src/receiving/lightning/index.ts';
import { startLightningApi } from '../support/lightning-api.ts';
import { findLightningd } from '../support/lightningd.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { twoCln } from './cln-worlds.ts';

/** Offers (BOLT 12) between two real Core Lightning nodes, in and out. */
const lightningd = await findLightningd();
if ('missing' in lightningd) {
  console.warn(`skipped, offers on a real Core Lightning: ${lightningd.missing}`);
}

const START_MS = 180_000;
const PATIENCE_MS = 60_000;
const AMOUNT_MSAT = 25_000_000n;

describe.skipIf('missing' in lightningd)('Core Lightning', { timeout: 2 * PATIENCE_MS }, () => {
  let world: Awaited<ReturnType<typeof twoCln>>;
  beforeAll(async () => {
    if ('path' in lightningd) world = await twoCln(lightningd);
  }, START_MS);
  afterAll(() => world?.stop(), START_MS);

  /** Whoever borrows it may close what it was given. */
  const shared = () => ({ ...world.node, close: async () => {} });
  const offer = (change: { expiresAtMs?: number } = {}) => {
    const wish = { amountMsat: AMOUNT_MSAT, description: 'two coffees' };
    const make = world.node.createOffer;
    if (make === undefined) throw new Error('it declares offers and makes none');
    return make({ ...wish, expiresAtMs: Date.now() + 600_000, ...change });
  };
  const fetch = async (bolt12: string) => {
    const fetched = await world.payer.fetchInvoice?.({ offer: bolt12, amountMsat: AMOUNT_MSAT });
    if (fetched === undefined) throw new Error('it declares offers and fetches none');
    return fetched;
  };
  const pay = (
    bolt12: string,
    { bolt12Invoice, paymentHash }: { bolt12Invoice: string; paymentHash: string },
  ): Promise<PaymentOutcome> =>
    world.payer.pay({
      destination: { bolt12Invoice, offer: bolt12 },
      ...{ paymentHash, amountMsat: AMOUNT_MSAT, maxFeeMsat: 10_000n },
      ...{ timeoutMs: 30_000, waitMs: PATIENCE_MS },
    });
  const settledSince = async (cursor: string | null) => {
    const { events } = await world.node.eventsSince(cursor, 100);
    return events.filter(({ type }) => type === 'invoice_settled');
  };

  test('declares offers', () => {
    expect(world.node.capabilities.offers).toBe(true);
  });

  test('is paid by an offer, and tells of which', async () => {
    const { cursor } = await world.node.eventsSince(null, 100);
    const { bolt12, offerId } = await offer();
    const invoice = await fetch(bolt12);
    expect(invoice.amountMsat).toBe(AMOUNT_MSAT);
    expect(invoice.expiresAtMs).toBeGreaterThan(Date.now());
    expect(await pay(bolt12, invoice)).toMatchObject({
      ...{ state: 'succeeded', amountMsat: AMOUNT_MSAT },
    });
    const { paymentHash } = invoice;
    await vi.waitFor(
      async () =>
        expect(await settledSince(cursor)).toMatchObject([
          { paymentHash, receivedMsat: AMOUNT_MSAT, offerId },
        ]),
      { timeout: PATIENCE_MS, interval: 100 },
    );
    // It was to be paid once.
    await expect(fetch(bolt12)).rejects.toMatchObject({ code: 'refused' });
  });

  test('gives two offers that say the same a life of their own', async () => {
    const expiresAtMs = Date.now() + 600_000;
    const [first, second] = [await offer({ expiresAtMs }), await offer({ expiresAtMs })];
    expect(second.offerId).not.toBe(first.offerId);
  });

  test('withdraws an offer with the invoices that were got for it, twice without harm', async () => {
    const { bolt12, offerId } = await offer();
    const invoice = await fetch(bolt12);
    await world.node.withdrawOffer?.(offerId);
    await world.node.withdrawOffer?.(offerId);
    await expect(fetch(bolt12)).rejects.toMatchObject({ code: 'refused' });
    expect(await pay(bolt12, invoice)).toMatchObject({
      ...{ state: 'failed', failure: { failureClass: 'recipient_rejected' } },
    });
  });

  test('gives no invoice for an offer whose time is over', async () => {
    const { bolt12 } = await offer({ expiresAtMs: Date.now() - 1_000 });
    await expect(fetch(bolt12)).rejects.toMatchObject({ code: 'refused' });
  });

  test('an order is paid by its offer, which then is gone', async () => {
    const database = await createTestDatabase();
    const api = await startLightningApi({
      ownerUrl: database.ownerUrl,
      nodeAt: shared,
    });
    try {
      api.startWorker();
      const { key } = await api.createMerchant('Café');
      const connection = { kind: 'lnd', url: 'https://cln.example', macaroon: '0201036c6e64' };
      await api.send('POST', '/v1/lightning/nodes', { key, body: connection });
      const price = { amount: '0.00025', currency: 'BTC' };
      const { id } = (await api.send('POST', '/v1/orders', { key, body: price })).body;
      // The page does not wait for a slow node, and shows the offer when it is there.
      const lno = await vi.waitFor(
        async () => {
          const link = parseBip21((await api.send('GET', `/i/${id}/view`)).body.bip21);
          if (!link.ok || link.request.lno === undefined) throw new Error('no offer yet');
          return link.request.lno;
        },
        { timeout: PATIENCE_MS, interval: 100 },
      );
      const invoice = await fetch(lno);
      expect(await pay(lno, invoice)).toMatchObject({ state: 'succeeded' });
      const read = async () => (await api.send('GET', `/v1/orders/${id}`, { key })).body;
      await vi.waitFor(async () => expect((await read()).status).toBe('CONFIRMED'), {
        ...{ timeout: PATIENCE_MS, interval: 100 },
      });
      const { paymentHash } = invoice;
      expect((await read()).payments).toMatchObject([{ method: 'lightning', paymentHash }]);
      const listed = async () =>
        z
          .object({
            offers: z.array(
              z.object({ bolt12: z.string(), active: z.boolean(), used: z.boolean() }),
            ),
          })
          .parse(await world.ours.call('listoffers'));
      const ours = (await listed()).offers.find(({ bolt12 }) => bolt12 === lno);
      expect(ours).toMatchObject({ active: false, used: true });
    } finally {
      await api.close();
      await database.drop();
    }
  });

  describe('pays out to an offer', () => {
    let payouts: Awaited<ReturnType<typeof startLightningWorld>>;
    beforeAll(async () => {
      payouts = await startLightningWorld({ node: shared(), nodeId: world.ours.publicKey });
    }, START_MS);
    afterAll(() => payouts.stop());

    const once = { lightning: { strategy: { kind: 'immediate', maxAttempts: 1 } } };
    async function payout(destination: string, more: object) {
      const store = await payouts.openStore(10_000_000n);
      const made = await payouts.create(store, destination, { ...once, ...more });
      expect(made.status, JSON.stringify(made.body)).toBe(201);
      const id = String(made.body.id);
      expect((await payouts.decide(store, id, 'approve')).status).toBe(200);
      await payouts.decide(store, id, 'pay');
      const ended = await vi.waitFor(
        async () => {
          await payouts.work();
          const now = await payouts.payout(store, id);
          expect(['final', 'failed']).toContain(now.state);
          return now;
        },
        { timeout: PATIENCE_MS, interval: 100 },
      );
      return { ended, attempts: await payouts.attempts(store, id) };
    }
    const theirOffer = async (params: object) =>
      z
        .object({ bolt12: z.string(), offer_id: z.string() })
        .parse(await world.theirs.call('offer', { description: 'wages', ...params }));

    test('that leaves the amount open, by a fresh invoice for each payout', async () => {
      const { bolt12 } = await theirOffer({ amount: 'any' });
      const proofs = new Set<unknown>();
      for (let i = 0; i < 2; i++) {
        const { ended, attempts } = await payout(bolt12, { amount: '7000', currency: 'SAT' });
        expect(ended).toMatchObject({ state: 'final', destinationKind: 'bolt12' });
        expect(attempts).toHaveLength(1);
        proofs.add(ended.lightning?.preimage);
      }
      expect(proofs.size).toBe(2);
    });

    test('that says its amount', async () => {
      const { bolt12 } = await theirOffer({ amount: '9000sat' });
      expect((await payout(bolt12, {})).ended).toMatchObject({ state: 'final' });
    });

    test('that was withdrawn fails, with what the issuer says, and costs nothing', async () => {
      const { bolt12, offer_id } = await theirOffer({ amount: '9000sat' });
      await world.theirs.call('disableoffer', { offer_id });
      const before = await world.node.balances();
      const { ended } = await payout(bolt12, {});
      expect(ended).toMatchObject({
        ...{ state: 'failed', lightning: { lastFailure: { code: 'not_resolved' } } },
      });
      expect((await world.node.balances()).channelsMsat).toBe(before.channelsMsat);
    });
  });
});
