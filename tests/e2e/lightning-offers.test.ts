import { randomFillSync } from 'node:crypto';
import { parseBip21 } from '@quittance/bitcoin';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  createMemoryNode,
  type MemoryNode,
} from '../../apps/server/src/receiving/lightning/memory-node.test-support.ts';
import type { TestMerchant } from '../support/api.ts';
import { type LightningApi, startLightningApi } from '../support/lightning-api.ts';
import { payOrder } from '../support/pay-order.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Offers (BOLT 12) on orders, on a node in memory; on a real one in tests/interop/cln-offers.test.ts. */
let testDatabase: TestDatabase;
let api: LightningApi;
const nodes = new Map<string, MemoryNode>();

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startLightningApi({
    ownerUrl: testDatabase.ownerUrl,
    nodeAt: (host) => nodes.get(host),
  });
  api.startWorker();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function shop(options: { offers: boolean }): Promise<TestMerchant & { node: MemoryNode }> {
  const merchant = await api.createMerchant('Shop');
  const host = `offers${nodes.size}.example`;
  const node = createMemoryNode(options);
  nodes.set(host, node);
  const body = { kind: 'lnd', url: `https://${host}:8080`, macaroon: '0201036c6e64' };
  const answer = await api.send('POST', '/v1/lightning/nodes', { key: merchant.key, body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return { ...merchant, node };
}

const order = async ({ key }: TestMerchant) => {
  const body = { amount: '0.001', currency: 'BTC' };
  return (await api.send('POST', '/v1/orders', { key, body })).body;
};
const view = async (id: string) => (await api.send('GET', `/i/${id}/view`)).body;
const read = async ({ key }: TestMerchant, id: string) =>
  (await api.send('GET', `/v1/orders/${id}`, { key })).body;
const until = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 20_000, interval: 20 });
const untilStatus = (merchant: TestMerchant, id: string, status: string) =>
  until(async () => {
    const now = await read(merchant, id);
    expect(now.status).toBe(status);
    return now;
  });
const untilWithdrawn = (node: MemoryNode, offer: string) =>
  until(async () => expect(node.isOfferOpen(offer)).toBe(false));

test('an order has an offer beside its invoice, in the one code, and is paid by it at once', async () => {
  const store = await shop({ offers: true });
  const { id } = await order(store);
  const { lightning, bip21 } = await view(id);
  expect(lightning.offer).toMatch(/^lno1/);
  expect(parseBip21(bip21)).toMatchObject({
    request: { lightning: lightning.bolt11, lno: lightning.offer },
  });
  const { paymentHash: invoiceHash } = (await read(store, id)).lightning;
  const paymentHash = store.node.receiveByOffer(lightning.offer);
  const paid = await untilStatus(store, id, 'CONFIRMED');
  expect(paid.payments).toMatchObject([
    { method: 'lightning', paymentHash, amountSats: '100000', state: 'final' },
  ]);
  expect(paid.lightning).toBeNull();
  // The other way to pay is closed.
  await until(async () => expect(store.node.invoiceOf(invoiceHash).state).toBe('cancelled'));
  await untilWithdrawn(store.node, lightning.offer);
});

test('who pays the invoice leaves no offer behind', async () => {
  const store = await shop({ offers: true });
  const { id } = await order(store);
  const { lightning } = await view(id);
  store.node.receive((await read(store, id)).lightning.paymentHash);
  await untilStatus(store, id, 'CONFIRMED');
  await untilWithdrawn(store.node, lightning.offer);
});

test('a part that is paid on chain replaces the offer by one for the rest', async () => {
  const store = await shop({ offers: true });
  const { id } = await order(store);
  const first = (await view(id)).lightning.offer;
  const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
  await payOrder(api.database, { id, amountSats: 40_000n }, ids);
  await untilWithdrawn(store.node, first);
  const second = (await view(id)).lightning.offer;
  expect(second).not.toBe(first);
  store.node.receiveByOffer(second);
  expect((await untilStatus(store, id, 'CONFIRMED')).receivedSats).toBe('100000');
});

test('late-payment-lost: invoice and offer of an order that are both paid are both credited', async () => {
  const store = await shop({ offers: true });
  const { id } = await order(store);
  const { lightning } = await view(id);
  const { paymentHash } = (await read(store, id)).lightning;
  store.node.receiveByOffer(lightning.offer);
  store.node.receive(paymentHash);
  const paid = await untilStatus(store, id, 'OVERPAID');
  expect(paid).toMatchObject({ receivedSats: '200000', payments: { length: 2 } });
});

test('a node whose credentials allow no offers gives the invoice all the same', async () => {
  const store = await shop({ offers: true });
  store.node.setOffersAway(true);
  const { id } = await order(store);
  const { lightning, bip21 } = await view(id);
  expect(lightning).toMatchObject({ offer: null });
  expect(bip21).toContain('lightning=');
  expect(bip21).not.toContain('lno=');
});

test('a node without offers is asked for none', async () => {
  const store = await shop({ offers: false });
  const { id } = await order(store);
  expect((await view(id)).lightning).toMatchObject({ offer: null });
});

test('an order that is cancelled takes its offer back', async () => {
  const store = await shop({ offers: true });
  const { id } = await order(store);
  const { offer } = (await view(id)).lightning;
  await api.send('POST', `/v1/orders/${id}/cancel`, { key: store.key });
  await untilWithdrawn(store.node, offer);
});
