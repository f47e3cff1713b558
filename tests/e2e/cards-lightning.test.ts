import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { invoiceResolver, openResolver } from '../../apps/server/src/paying/lightning/index.ts';
import { createEmbeddedNode } from '../../apps/server/src/receiving/lightning/backends/embedded/index.ts';
import type { TestMerchant } from '../support/api.ts';
import {
  availableMsat,
  eventsOf,
  giveLightning,
  issueCard,
  lnurlGet,
  tap,
} from '../support/drawing.ts';
import { type LightningNetwork, startLightning } from '../support/lightning.ts';
import { type LightningApi, startLightningApi } from '../support/lightning-api.ts';
import { startLightningPayer } from '../support/lightning-payer.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';

/** What a card's payment may take at most (paying/pull-payments), and the worker's own pace. */
const CARD_BUDGET_MS = 20_000;
const SLACK_MS = 5_000;
const START_MS = 180_000;
vi.setConfig({ testTimeout: 90_000 });

let regtest: Regtest;
let network: LightningNetwork;
let testDatabase: TestDatabase;
let api: LightningApi;
let store: TestMerchant;
let payer: ReturnType<typeof startLightningPayer>;
const resolver = openResolver();

beforeAll(async () => {
  [regtest, testDatabase] = await Promise.all([startRegtest(), createTestDatabase()]);
  // The issuer has a channel with the shop, and the shop one with somebody whom nobody else knows.
  network = await startLightning(regtest, { names: ['issuer', 'shop', 'hidden'] });
  const { socketPath } = network.get('issuer');
  api = await startLightningApi({
    ownerUrl: testDatabase.ownerUrl,
    nodeAt: () => createEmbeddedNode({ socketPath }),
  });
  store = await api.createMerchant('Issuer');
  const connected = await api.send('POST', '/v1/lightning/nodes', {
    key: store.key,
    body: { kind: 'embedded' },
  });
  expect(connected.status, JSON.stringify(connected.body)).toBe(201);
  await giveLightning(api.database, { merchantId: store.id, sats: 500_000n });
  payer = startLightningPayer(api, invoiceResolver(resolver));
}, START_MS);
afterAll(async () => {
  await payer.stop();
  await resolver.close();
  await api.close();
  await network.stop();
  await regtest.stop();
  await testDatabase.drop();
});

const read = async (path: string) => (await api.send('GET', path, { key: store.key })).body;

/** Taps a new card and gives its terminal's invoice. */
async function payWithCard(bolt11: string) {
  const { id, chip, pullPaymentId } = await issueCard(api, store, {
    balance: { amount: '1000', currency: 'SAT' },
    dailyLimitSats: '500',
  });
  const { k1 } = (await tap(api, chip)).body;
  const atMs = performance.now();
  const answer = await lnurlGet(api, '/lnurl/withdraw-callback', { k1, pr: bolt11 });
  expect(answer.body).toEqual({ status: 'OK' });
  return { id, pullPaymentId, atMs };
}

async function ended(pullPaymentId: string) {
  return await vi.waitFor(
    async () => {
      const [draw] = (await read(`/v1/pull-payments/${pullPaymentId}/draws`)).data;
      expect(draw.state).not.toBe('open');
      return draw;
    },
    { timeout: 60_000, interval: 50 },
  );
}

async function toldOf(cardId: string) {
  const events = await eventsOf(api.database, store.id, 'card.');
  return events
    .filter(({ data }) => data['cardId'] === cardId)
    .map(({ type, data }) => (data['reason'] === null ? type : `${type} ${data['reason']}`));
}

test('a card pays a real invoice over a real channel', async () => {
  const shop = network.get('shop');
  const { bolt11, paymentHash } = await shop.invoice({ amountMsat: 300_000n });
  const before = await availableMsat(api.database, store.id);
  const { id, pullPaymentId, atMs } = await payWithCard(bolt11);
  const draw = await ended(pullPaymentId);
  console.info(`the card had paid after ${(performance.now() - atMs).toFixed(0)} ms`);
  expect(draw).toMatchObject({ state: 'paid', amountMsat: '300000', reason: null });
  expect((await shop.node.lookupInvoice(paymentHash))?.state).toBe('settled');
  const payout = await read(`/v1/payouts/${draw.payoutId}`);
  expect(payout).toMatchObject({ state: 'final', source: 'card' });
  expect(before - (await availableMsat(api.database, store.id))).toBe(300_000n);
  expect(await read(`/v1/cards/${id}`)).toMatchObject({
    usedTodayMsat: '300000',
    pullPayment: { used: { amount: '0.00000300' } },
  });
  expect(await toldOf(id)).toEqual(['card.tapped', 'card.paid']);
});

test('stuck-boltcard: 100 sat to who is behind a private channel without hints come back within the budget', async () => {
  const hidden = network.get('hidden');
  const { bolt11 } = await hidden.invoice({ amountMsat: 100_000n, withHints: false });
  const before = await availableMsat(api.database, store.id);
  const { id, pullPaymentId, atMs } = await payWithCard(bolt11);
  const draw = await ended(pullPaymentId);
  const tookMs = performance.now() - atMs;
  console.info(`the balance was back after ${tookMs.toFixed(0)} ms (${draw.reason})`);
  expect(draw.state).toBe('failed');
  expect(tookMs).toBeLessThan(CARD_BUDGET_MS + SLACK_MS);
  expect(await availableMsat(api.database, store.id)).toBe(before);
  expect(await read(`/v1/cards/${id}`)).toMatchObject({
    usedTodayMsat: '0',
    pullPayment: { used: { amount: '0.00000000' }, remaining: { amount: '0.00001000' } },
  });
  const payout = await read(`/v1/payouts/${draw.payoutId}`);
  expect(payout.state).toBe('failed');
  expect(await toldOf(id)).toEqual(['card.tapped', `card.refused ${draw.reason}`]);
  expect(payer.errors).toEqual([]);
});
