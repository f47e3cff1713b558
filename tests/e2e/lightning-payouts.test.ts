import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  checkWaitingPayouts,
  payoutScreen,
} from '../../apps/server/src/compliance/payout-holds/index.ts';
import { travelRuleScreen } from '../../apps/server/src/compliance/travel-rule/index.ts';
import { noPayoutListener } from '../../apps/server/src/paying/payouts/index.ts';
import {
  type LightningStore,
  type LightningWorld,
  never,
  startLightningWorld,
} from '../../apps/server/src/paying/payouts/lightning/world.test-support.ts';
import {
  type LightningNetwork,
  startLightning,
  type TestLightningNode,
} from '../support/lightning.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';

// Real nodes and real channels: alice is the store's node, bob is public, carol hangs on bob by a
// private channel that nobody else knows.
const START_TIMEOUT_MS = 180_000;
const TIMEOUT_MS = 120_000;
const AVAILABLE = 10_000_000_000n;
/** The seed's payment by card: 100 sat. */
const CARD_MSAT = 100_000n;

let regtest: Regtest;
let network: LightningNetwork;
let world: LightningWorld;
let alice: TestLightningNode;
let bob: TestLightningNode;
let carol: TestLightningNode;
let store: LightningStore;

beforeAll(async () => {
  regtest = await startRegtest();
  network = await startLightning(regtest, { channels: { isPublic: true } });
  alice = network.get('alice');
  bob = network.get('bob');
  carol = await network.addNode('carol');
  await network.openChannel(bob, carol);
  world = await startLightningWorld({ node: alice.node, nodeId: alice.nodeId });
}, START_TIMEOUT_MS);
afterAll(async () => {
  expect(world.api.errors).toEqual([]);
  expect(world.logged.filter(({ level }) => level === 'error')).toEqual([]);
  await world.stop();
  await network.stop();
  await regtest.stop();
}, START_TIMEOUT_MS);

/** One attempt, so that its class decides. */
const once = { lightning: { strategy: { kind: 'immediate', maxAttempts: 1 } } };

/** Makes, approves and has it paid; resolves when it has one of the states. */
async function pay(destination: string, more: object = once, until = ['final', 'failed']) {
  store = await world.openStore(AVAILABLE / 1_000n);
  const made = await world.create(store, destination, more);
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const id = String(made.body.id);
  expect((await world.decide(store, id, 'approve')).status).toBe(200);
  await world.decide(store, id, 'pay');
  return await workUntil(id, until);
}

async function workUntil(id: string, states: readonly string[]) {
  const endMs = performance.now() + TIMEOUT_MS / 2;
  for (;;) {
    await world.work();
    const payout = await world.payout(store, id);
    if (states.includes(payout.state)) return payout;
    if (performance.now() > endMs) throw new Error(`still ${payout.state}: ${payout.reason?.code}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const freed = { available: AVAILABLE, reserved: 0n, inTransit: 0n, channels: 0n, isSound: true };

async function expectFailed(payout: { id: string; reason: unknown }, code: string) {
  expect(payout).toMatchObject({ state: 'failed', lightning: { lastFailure: { code } } });
  const attempts = await world.attempts(store, payout.id);
  expect(attempts.at(-1)).toMatchObject({ state: 'failed', failure_class: code });
  expect(await world.book(store)).toEqual(freed);
}

test('a payout arrives, and the book and the channels agree to the millisatoshi', {
  timeout: TIMEOUT_MS,
}, async () => {
  const before = (await alice.node.balances()).channelsMsat;
  for (const [to, amountMsat] of [
    [bob, 12_345_678n],
    [carol, 5_000_001n],
  ] as const) {
    const withHints = to === carol;
    const { bolt11, paymentHash } = await to.invoice({ amountMsat, withHints });
    const at = (await alice.node.balances()).channelsMsat;
    const payout = await pay(bolt11);
    expect(payout).toMatchObject({ state: 'final', lightning: { paymentHash } });
    const feeMsat = BigInt(payout.lightning.feeMsat);
    expect(feeMsat > 0n).toBe(to === carol);
    const left = at - (await alice.node.balances()).channelsMsat;
    expect(left).toBe(amountMsat + feeMsat);
    expect(await world.book(store)).toEqual({
      ...freed,
      available: AVAILABLE - left,
      channels: -left,
    });
  }
  expect((await alice.node.balances()).channelsMsat).toBeLessThan(before);
});

test('a payout over real channels waits for the Travel Rule, by hand and by a processor, and is paid once it may be', {
  timeout: TIMEOUT_MS,
}, async () => {
  store = await world.openStore(AVAILABLE / 1_000n);
  const { api, clock } = world;
  const also = travelRuleScreen({ clock });
  const lists = { lookupAddress: () => [], epoch: () => 0n, onSwitch: () => () => {} };
  Object.assign(world.deps, { screen: payoutScreen({ clock, lists, also }) });
  onTestFinished(() => void Object.assign(world.deps, { screen: undefined }));
  const ok = async (method: string, path: string, body?: unknown) => {
    const answer = await api.send(method, path, { key: store.key, body });
    expect(answer.status, `${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const legalPersonName = { legalPersonName: 'Shop', legalPersonNameIdentifierType: 'LEGL' };
  const name = { nameIdentifier: [legalPersonName] };
  const vasp = { legalPerson: { name, customerNumber: '1' } };
  const custom = {
    betweenProviders: { currency: 'EUR', amount: '0' },
    ...{ ownWalletProof: null, source: 'a store’s own rule' },
  };
  const rules = { enabled: true, regime: 'custom', custom, vasp };
  await ok('PUT', '/v1/compliance/travel-rule/settings', rules);
  const ids: string[] = [];
  for (let i = 0; i < 2; i++) {
    const { bolt11 } = await bob.invoice({ amountMsat: 2_000_000n });
    const { id } = (await world.create(store, bolt11, once)).body;
    await world.decide(store, id, 'approve');
    ids.push(id);
  }
  const [byProcessor = '', byHand = ''] = ids;
  await world.decide(store, byHand, 'pay');
  await ok('POST', '/v1/payout-processors', { kind: 'lightning' });
  const before = (await alice.node.balances()).channelsMsat;
  await world.work();
  for (const id of ids) {
    const held = { state: 'approved', reason: { code: 'destination_held' } };
    expect(await world.payout(store, id)).toMatchObject(held);
    expect(await world.attempts(store, id)).toEqual([]);
  }
  expect((await alice.node.balances()).channelsMsat).toBe(before);

  // Whose wallet it is has to be said; for a wallet of one's own this store's rule asks for no more.
  for (const payoutId of ids) {
    const counterparty = { kind: 'self_hosted' };
    await ok('POST', '/v1/compliance/travel-rule/transfers', { payoutId, counterparty });
  }
  const { database, ids: uuids } = world.deps;
  const onError = (error: unknown) => expect.fail(String(error));
  const checking = { database, clock, ids: uuids, lists, also, onError };
  await checkWaitingPayouts({ ...checking, listener: noPayoutListener }, never);
  expect(await workUntil(byProcessor, ['final', 'failed'])).toMatchObject({ state: 'final' });
  expect(await workUntil(byHand, ['final', 'failed'])).toMatchObject({ state: 'final' });
  const left = before - (await alice.node.balances()).channelsMsat;
  expect(left).toBe(4_000_000n);
  expect(await world.book(store)).toEqual({
    ...freed,
    available: AVAILABLE - left,
    channels: -left,
  });
});

test('boltcard-balance-stuck: 100 sat to a receiver behind a private channel, in real time', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { bolt11 } = await carol.invoice({ amountMsat: CARD_MSAT, withHints: false });
  const begunMs = performance.now();
  const budgetSeconds = 8;
  const strategy = { kind: 'fast_fail', budgetSeconds };
  const payout = await pay(bolt11, { lightning: { strategy } });
  const tookMs = performance.now() - begunMs;
  expect(payout.state).toBe('failed');
  expect(await world.book(store)).toEqual(freed);
  const attempts = await world.attempts(store, payout.id);
  expect(attempts.length).toBeGreaterThan(0);
  for (const { failure_class } of attempts) expect(failure_class).toBe('no_route');
  // Approved a moment after it was made; what is measured has both in it.
  expect(tookMs).toBeLessThan((budgetSeconds + 4) * 1_000);
});

test('payout-expired-bolt11: between attempts on real channels its money is free at the expiry, and it is told', {
  timeout: TIMEOUT_MS,
}, async () => {
  const expirySeconds = 30;
  const { bolt11 } = await carol.invoice({
    ...{ amountMsat: CARD_MSAT, withHints: false, expirySeconds },
  });
  // The strategy's own next attempt would be two minutes later.
  const payout = await pay(bolt11, {
    lightning: { strategy: { kind: 'tiered', expiryMarginSeconds: 10 } },
  });
  expect(payout).toMatchObject({ state: 'failed', reason: { code: 'expired' } });
  expect(payout.reason.message).toContain('destination invoice expired');
  expect(await world.attempts(store, payout.id)).toMatchObject([
    { number: 1, state: 'failed', failure_class: 'no_route', sends: 1 },
  ]);
  expect(await world.book(store)).toEqual(freed);
  expect((await world.events(store)).at(-1)).toMatchObject({
    ...{ type: 'payout.failed', data: { reason: 'expired' } },
  });
});

test('payout-lnurl-fetch-throws: a service that fails changes no money in the book or the channels', {
  timeout: TIMEOUT_MS,
}, async () => {
  const before = (await alice.node.balances()).channelsMsat;
  const more = { ...once, amount: '5000', currency: 'SAT' };
  const payout = await pay('anna@shop.example', more, ['approved', 'failed']);
  expect(payout).toMatchObject({
    ...{ state: 'failed', lightning: { lastFailure: { code: 'not_resolved' } } },
  });
  expect(payout.lightning.paymentHash).toBeNull();
  expect(await world.book(store)).toEqual(freed);
  expect((await alice.node.balances()).channelsMsat).toBe(before);
});

test('repaid-bolt11-success: an invoice that the node has paid before is never told as paid by us', {
  timeout: TIMEOUT_MS,
}, async () => {
  const amountMsat = 1_000_000n;
  const { bolt11, paymentHash } = await bob.invoice({ amountMsat });
  const outside = { maxFeeMsat: 0n, timeoutMs: 30_000, waitMs: 30_000 };
  const paid = await alice.node.pay({
    destination: { bolt11 },
    ...{ paymentHash, amountMsat, ...outside },
  });
  expect(paid.state).toBe('succeeded');
  const before = (await alice.node.balances()).channelsMsat;
  const payout = await pay(bolt11);
  expect(payout).toMatchObject({ state: 'failed', reason: { code: 'already_paid' } });
  expect(payout.lightning).toMatchObject({ preimage: null, feeMsat: '0' });
  expect(await world.book(store)).toEqual(freed);
  expect((await alice.node.balances()).channelsMsat).toBe(before);
});

test('each class of failure is seen for real, in its class, its state and the book', {
  timeout: 2 * TIMEOUT_MS,
}, async () => {
  const plain = await bob.invoice({ amountMsat: 1_500_000_000n });
  await expectFailedWithin(plain.bolt11, 'insufficient_local_balance');

  const hidden = await carol.invoice({ withHints: false });
  await expectFailed(await pay(hidden.bolt11), 'no_route');

  const dear = await carol.invoice({ amountMsat: 1_000_000n, withHints: true });
  const cheap = { lightning: { ...once.lightning, maxFeeMsat: '0' } };
  await expectFailed(await pay(dear.bolt11, cheap), 'fee_limit');

  await bob.behave({ incoming: 'reject' });
  const refused = await bob.invoice({ amountMsat: 1_000_000n });
  await expectFailed(await pay(refused.bolt11), 'recipient_rejected');
  await bob.behave({ incoming: 'accept' });

  // What bob had towards carol is carol's now: he can not forward so much any more.
  const emptied = await carol.invoice({ amountMsat: 900_000_000n });
  const { bolt11: toCarol, paymentHash } = emptied;
  const directly = { maxFeeMsat: 0n, timeoutMs: 30_000, waitMs: 30_000 };
  const moved = { paymentHash, amountMsat: 900_000_000n, ...directly };
  expect(await bob.node.pay({ destination: { bolt11: toCarol }, ...moved })).toMatchObject({
    state: 'succeeded',
  });
  const drained = await carol.invoice({ amountMsat: 200_000_000n, withHints: true });
  await expectFailed(await pay(drained.bolt11), 'insufficient_capacity');

  const behind = await carol.invoice({ amountMsat: 1_000_000n, withHints: true });
  await carol.setOnline(false);
  const payout = await pay(behind.bolt11);
  expect(['peer_offline', 'insufficient_capacity']).toContain(payout.lightning.lastFailure.code);
  expect(await world.book(store)).toEqual(freed);
  await carol.setOnline(true);

  const unreachable = await bob.invoice({ amountMsat: 1_000_000n });
  await bob.setOnline(false);
  await expectFailedWithin(unreachable.bolt11, 'peer_offline');
  await bob.setOnline(true);
  await alice.untilUsable();
});

/** Our own side is at fault: it waits for better times until its strategy ends. */
async function expectFailedWithin(bolt11: string, code: string) {
  const strategy = { kind: 'immediate', maxAttempts: 1, giveUpAfterSeconds: 10 };
  const payout = await pay(bolt11, { lightning: { strategy } });
  expect(payout).toMatchObject({ state: 'failed', reason: { code: 'time_over' } });
  const attempts = await world.attempts(store, payout.id);
  for (const attempt of attempts) expect(attempt.failure_class).toBe(code);
  expect(await world.book(store)).toEqual(freed);
}

test('payout-crash-while-paying: the node is killed in mid-payment; nothing is guessed, nothing is paid twice', {
  timeout: 2 * TIMEOUT_MS,
}, async () => {
  for (const end of ['accept', 'reject'] as const) {
    const preimage = randomBytes(32);
    const holdPaymentHash = createHash('sha256').update(preimage).digest('hex');
    const wanted = { amountMsat: 2_000_000n, description: 'held', expirySeconds: 3_600 };
    const { bolt11 } = await bob.node.createInvoice({ ...wanted, holdPaymentHash });
    const at = (await alice.node.balances()).channelsMsat;
    const strategy = { ...once.lightning.strategy, attemptTimeoutSeconds: 3 };
    const payout = await pay(bolt11, { lightning: { strategy } }, ['in_flight', 'unknown']);
    await alice.kill();
    const unknown = await workUntil(payout.id, ['unknown']);
    expect(unknown.reason.code).toBe('timeout_unknown');
    expect((await world.decide(store, payout.id, 'cancel')).status).toBe(409);
    expect((await world.book(store)).reserved).toBeGreaterThan(2_000_000n);
    await alice.restart();
    if (end === 'accept') await bob.node.settleInvoice(preimage.toString('hex'));
    else await bob.node.cancelInvoice(holdPaymentHash);
    const ended = await workUntil(payout.id, ['final', 'failed']);
    expect(await world.attempts(store, payout.id)).toHaveLength(1);
    const left = at - (await alice.node.balances()).channelsMsat;
    const { channels, reserved } = await world.book(store);
    expect(reserved).toBe(0n);
    expect(channels).toBe(-left);
    expect(ended.state === 'final').toBe(left > 0n);
  }
});
