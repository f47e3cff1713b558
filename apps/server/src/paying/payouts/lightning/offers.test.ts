import { bech32 } from '@scure/base';
import { fromHex } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OfferInvoice, OfferRefusal } from '../../../receiving/lightning/index.ts';
import {
  type LightningStore,
  type LightningWorld,
  startLightningWorld,
} from './world.test-support.ts';

// Payouts to an offer (BOLT 12). With a real node: tests/interop/cln-offers.test.ts.
const AMOUNT_MSAT = 7_000_000n;
const BOOK = { available: 1_000_000_000n, reserved: 0n, inTransit: 0n, channels: 0n };
/** Any point of the curve: here its generator (SEC 2, secp256k1). */
const ISSUER = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const REGTEST_GENESIS = '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206';
const OFFER = offerFor({ issuerId: ISSUER });

let world: LightningWorld;
beforeAll(async () => {
  world = await startLightningWorld();
});
afterAll(async () => {
  await world.stop();
});

/** An offer without an amount, on regtest. */
function offerFor({ issuerId }: { issuerId: string }): string {
  const chain = fromHex(REGTEST_GENESIS).toReversed();
  const bytes = [2, 32, ...chain, 10, 5, ...Buffer.from('wages'), 22, 33, ...fromHex(issuerId)];
  const letters = bech32.toWords(Uint8Array.from(bytes));
  return `lno1${letters.map((word) => 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'[word]).join('')}`;
}

/** The issuer makes a fresh invoice for each that asks. */
function issuing(change: Partial<OfferInvoice> = {}): () => OfferInvoice {
  return () => {
    const { bolt11, paymentHash } = world.node.invoice({ nowMs: world.clock.nowMs() });
    const expiresAtMs = world.clock.nowMs() + 3_600_000;
    const invoice = { bolt12Invoice: bolt11, paymentHash, amountMsat: AMOUNT_MSAT, expiresAtMs };
    return { ...invoice, description: 'wages', ...change };
  };
}

async function approved(store: LightningStore, lightning: object = {}): Promise<string> {
  const more = { amount: '7000', currency: 'SAT', lightning };
  const made = await world.create(store, OFFER, more);
  expect(made, JSON.stringify(made.body)).toMatchObject({
    ...{ status: 201, body: { destinationKind: 'bolt12' } },
  });
  expect((await world.decide(store, made.body.id, 'approve')).status).toBe(200);
  return made.body.id;
}

async function paid(store: LightningStore, id: string) {
  await world.decide(store, id, 'pay');
  await world.work();
  return await world.payout(store, id);
}

test('an offer is paid by an invoice of its own, whose hash is durable before anything is sent', async () => {
  world.node.issuer = issuing();
  const store = await world.openStore();
  const id = await approved(store);
  let known: unknown[] = [];
  world.node.beforePay = async () => {
    known = await world.api.database.asSystem((tx) =>
      tx.query(
        `SELECT encode(payment_hash, 'hex') AS hash, offer FROM lightning_attempt
          WHERE payout_id = $1`,
        [id],
      ),
    );
  };
  const payout = await paid(store, id);
  world.node.beforePay = async () => {};
  expect(payout).toMatchObject({ state: 'final', amountMsat: String(AMOUNT_MSAT) });
  const given = world.node.given.at(-1);
  expect(given).toMatchObject({ destination: { offer: OFFER }, amountMsat: AMOUNT_MSAT });
  expect(known).toEqual([{ hash: given?.paymentHash, offer: OFFER }]);
});

test('each attempt asks for a fresh invoice', async () => {
  world.node.issuer = issuing();
  world.node.given.length = 0;
  world.node.behaviour = { do: 'fail', failureClass: 'no_route' };
  const store = await world.openStore();
  const id = await approved(store, { strategy: { kind: 'immediate', maxAttempts: 2 } });
  expect(await paid(store, id)).toMatchObject({ state: 'approved' });
  world.node.behaviour = { do: 'succeed' };
  world.advance(60_000);
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({ state: 'final', attempts: 2 });
  expect(new Set(world.node.given.map(({ paymentHash }) => paymentHash)).size).toBe(2);
});

test.each([
  ['asks for another amount', () => issuing({ amountMsat: AMOUNT_MSAT + 1n }), 'not_resolved'],
  [
    'says that its time is over',
    () => () => new OfferRefusal({ failureClass: 'expired', nodeCode: '1002' }, 'it has expired'),
    'expired',
  ],
] as const)(
  'an issuer who %s is sent nothing, and the money is free',
  async (_what, make, code) => {
    world.node.issuer = make();
    world.node.given.length = 0;
    const store = await world.openStore();
    const id = await approved(store);
    expect(await paid(store, id)).toMatchObject({
      ...{ state: 'failed', lightning: { lastFailure: { code } } },
    });
    expect(world.node.given).toEqual([]);
    expect(await world.book(store)).toMatchObject(BOOK);
  },
);

test('an issuer who gives no invoice now is asked again', async () => {
  const away = { failureClass: 'not_resolved', nodeCode: '1005' } as const;
  world.node.issuer = () => new OfferRefusal(away, 'it does not answer');
  const store = await world.openStore();
  const id = await approved(store);
  expect(await paid(store, id)).toMatchObject({
    ...{ state: 'approved', lightning: { lastFailure: { code: 'not_resolved' } } },
  });
  world.node.issuer = issuing();
  world.advance(10 * 60_000);
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({ state: 'final' });
});

test('a node without offers says so, and the money is free', async () => {
  world.node.issuer = null;
  const store = await world.openStore();
  const id = await approved(store);
  const payout = await paid(store, id);
  expect(payout).toMatchObject({ state: 'failed' });
  const [attempt] = await world.attempts(store, id);
  expect(attempt).toMatchObject({ failure_class: 'not_resolved', sends: 0 });
  expect(await world.book(store)).toMatchObject(BOOK);
});
