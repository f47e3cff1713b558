import { secp256k1 } from '@noble/curves/secp256k1.js';
import { decodeBolt11 } from '@quittance/bitcoin';
import { defaultComplianceSettings } from '@quittance/contract';
import { type Uuid, uuidV7Ids } from '@quittance/kernel';
import { createHash, randomFillSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { listed } from '../../../../../tests/support/customers.ts';
import { payOrder } from '../../../../../tests/support/pay-order.ts';
import {
  type LightningStore,
  type LightningWorld,
  never,
  startLightningWorld,
} from '../../paying/payouts/lightning/world.test-support.ts';
import { type ProcessorDeps, runDuePayouts } from '../../paying/payouts/index.ts';
import { type ListEntry, screenerOver, type Screener } from '../screening/index.ts';
import { travelRuleScreen } from '../travel-rule/index.ts';
import { payoutListener } from '../../wiring/paying/payout-listeners.ts';
import { checkWaitingPayouts, payoutScreen } from './index.ts';

/** Whose node the fake invoices are of. */
const PAYEE_KEY = new Uint8Array(32).fill(0x42);
const PAYEE = Buffer.from(secp256k1.getPublicKey(PAYEE_KEY)).toString('hex');
const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const VASP = {
  legalPerson: {
    name: { nameIdentifier: [{ legalPersonName: 'Shop', legalPersonNameIdentifierType: 'LEGL' }] },
    customerNumber: '1',
  },
};

let world: LightningWorld;
/** The lists in force; a test switches them. */
let screener: Screener;
/** The switch that the process has read. */
let epoch = 0n;
const lists = {
  lookupAddress: (asset: string, address: string) => screener.lookupAddress(asset, address),
  epoch: () => epoch,
  onSwitch: () => () => {},
};

beforeAll(async () => {
  world = await startLightningWorld();
  const { clock } = world;
  const screen = payoutScreen({
    ...{ clock, lists, epoch: lists.epoch },
    also: travelRuleScreen({ clock }),
  });
  Object.assign(world.deps, { screen, listener: payoutListener });
});
afterAll(async () => {
  expect(world.api.errors).toEqual([]);
  expect(world.logged.filter(({ level }) => level === 'error')).toEqual([]);
  await world.stop();
});
beforeEach(async () => {
  await switchLists();
  world.node.behaviour = { do: 'succeed' };
  world.node.given.length = 0;
});

async function switchLists(...entries: ListEntry[]): Promise<void> {
  screener = await screenerOver([{ list: 'ofac', purpose: 'sanctions', entries }]);
}

const onList = (asset: string, address: string) =>
  listed('entry-1', 'Nobody In Particular', { addresses: [{ asset, address }] });

type Store = LightningStore & { officer: string };

async function openStore(settings: object = { payoutScreening: true }): Promise<Store> {
  const store = await world.openStore();
  const officer = await world.api.keyFor(store.id as Uuid);
  const body = { ...defaultComplianceSettings, ...settings };
  await ok('PUT', '/v1/compliance/settings', store.key, body);
  await ok('POST', '/v1/payout-processors', store.key, { kind: 'lightning' });
  return { ...store, officer };
}

async function ok(method: string, path: string, key: string, body?: unknown) {
  const answer = await world.api.send(method, path, body === undefined ? { key } : { key, body });
  expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}

/** An approved payout of an invoice, or of another destination. */
async function approved(store: Store, destination?: string, more: object = {}): Promise<string> {
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs() });
  const made = await world.create(store, destination ?? bolt11, more);
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const decided = await world.decide(store, made.body.id, 'approve');
  expect(decided.status, JSON.stringify(decided.body)).toBe(200);
  return String(made.body.id);
}

/** What the worker does when something has changed. */
async function check(): Promise<void> {
  const { api, clock, deps } = world;
  const errors: unknown[] = [];
  const also = travelRuleScreen({ clock });
  const { ids } = deps;
  const { database } = api;
  const onError = (error: unknown) => void errors.push(error);
  await checkWaitingPayouts(
    { ...{ database, clock, ids, lists, also, onError }, listener: payoutListener },
    never,
  );
  expect(errors).toEqual([]);
}

async function casesAbout(store: Store, type: string, id: string) {
  const path = `/v1/compliance/cases?subject_type=${type}&subject_id=${id}`;
  return (await ok('GET', path, store.officer)).data as { id: string; state: string }[];
}

/** Two persons decide the one open case. */
async function decide(store: Store, caseId: string, outcome: string) {
  const path = `/v1/compliance/cases/${caseId}`;
  const proposed = await ok('POST', `${path}/proposal`, store.key, { outcome, reason: 'r' });
  const approval = { proposalId: proposed.proposal.id, outcome };
  return await ok('POST', `${path}/approve`, store.officer, approval);
}

async function theCase(store: Store, payoutId: string): Promise<string> {
  const cases = await casesAbout(store, 'payout', payoutId);
  expect(cases).toHaveLength(1);
  return cases[0]?.id ?? '';
}

async function dryRun(store: Store, kind: string) {
  const { data } = await ok('GET', '/v1/payout-processors', store.key);
  const processor = data.find((each: { kind: string }) => each.kind === kind);
  return await ok('POST', `/v1/payout-processors/${processor.id}/dry-run`, store.key);
}

const held = { state: 'approved', reason: { code: 'destination_held' } };

async function withTravelRule(): Promise<Store> {
  const store = await openStore({});
  const body = { enabled: true, regime: 'eu', vasp: VASP };
  await ok('PUT', '/v1/compliance/travel-rule/settings', store.key, body);
  return store;
}

/** As Lightning nodes sign messages (LND, Core Lightning, LDK). */
function signByNode(message: string): string {
  const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
  const digest = sha(sha(Buffer.from(`Lightning Signed Message:${message}`)));
  const signed = secp256k1.sign(digest, PAYEE_KEY, { prehash: false, format: 'recovered' });
  const bits = [31 + (signed[0] ?? 0), ...signed.subarray(1)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  const letters = 'ybndrfg8ejkmcpqxot1uwisza345h769';
  return (bits.match(/.{5}/g) ?? []).map((five) => letters[Number.parseInt(five, 2)]).join('');
}

test('a Lightning payout waits for the Travel Rule by processor and by hand, and the dry run says why', async () => {
  const store = await withTravelRule();
  const [byProcessor, byHand] = [await approved(store), await approved(store)];
  const before = await dryRun(store, 'lightning');
  const hold = { action: 'hold', reason: 'destination_held' };
  for (const payoutId of [byProcessor, byHand]) {
    expect(before.payouts).toContainEqual(expect.objectContaining({ payoutId, ...hold }));
  }
  await ok('POST', `/v1/payouts/${byHand}/pay`, store.key);
  await world.work();
  expect(await world.payout(store, byProcessor)).toMatchObject(held);
  expect(await world.payout(store, byHand)).toMatchObject(held);
  await check();
  // Held before or just now, a dry run says which and why.
  const after = await dryRun(store, 'lightning');
  expect(after.payouts).toHaveLength(2);
  expect(after.payouts[0].message).toContain('Travel Rule');
  expect(world.node.given).toEqual([]);

  // Whoever is paid proves that the node is his, by a signature for this very exchange.
  const transfers = '/v1/compliance/travel-rule/transfers';
  const asked = { payoutId: byProcessor, counterparty: { kind: 'self_hosted' } };
  const exchange = await ok('POST', transfers, store.key, asked);
  const proof = `${transfers}/${exchange.id}/proof`;
  const wrong = { signature: signByNode('another message') };
  const refused = await world.api.send('POST', proof, { key: store.key, body: wrong });
  expect(refused.status).toBe(400);
  await ok('POST', proof, store.key, { signature: signByNode(exchange.proofMessage) });
  await check();
  await world.work();
  expect(await world.payout(store, byProcessor)).toMatchObject({ state: 'final' });
  expect(await world.payout(store, byHand)).toMatchObject(held);
  expect(world.node.given).toHaveLength(1);
  // Nothing of it is a case: it is for the store's own people to tell who gets it.
  expect(await casesAbout(store, 'payout', byHand)).toEqual([]);
});

test('a Lightning payout to another provider waits until he agrees to its very invoice', async () => {
  const store = await withTravelRule();
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs() });
  const id = await approved(store, bolt11);
  const natural = { nameIdentifier: [{ primaryIdentifier: 'A', nameIdentifierType: 'LEGL' }] };
  const beneficiary = { naturalPerson: { name: natural, customerIdentification: '1' } };
  const counterparty = { kind: 'vasp', url: 'https://vasp.example/trp/x', beneficiary };
  const asked = { payoutId: id, counterparty };
  const exchange = await ok('POST', '/v1/compliance/travel-rule/transfers', store.key, asked);
  const invoice = decodeBolt11(bolt11);
  const account = exchange.message.beneficiary.accountNumber;
  expect(account).toEqual([invoice.ok ? invoice.invoice.paymentHash : '']);
  await world.work();
  expect(await world.payout(store, id)).toMatchObject(held);
  const callback = 'https://vasp.example/trp/confirm';
  const answer = async (address: string) => {
    const { token } = await world.api.database.asSystem((tx) =>
      tx.one<{ token: string }>(
        'SELECT callback_token AS token FROM travel_transfer WHERE id = $1',
        [exchange.id],
      ),
    );
    const headers = { 'api-version': '3.2.1', 'request-identifier': exchange.requestId };
    const body = { approved: { address, callback } };
    return await world.api.send('POST', `/trp/callbacks/${token}`, { body, headers });
  };
  const other = world.node.invoice({ nowMs: world.clock.nowMs() });
  expect((await answer(other.bolt11)).status).toBe(409);
  expect((await answer(bolt11.toUpperCase())).status).toBeLessThan(300);
  await check();
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({ state: 'final' });
  expect(world.node.given).toHaveLength(1);
});

test('a node on a list holds a waiting payout at the switch, neutrally, with a case; a release pays it once', async () => {
  const store = await openStore();
  const id = await approved(store);
  await check();
  expect(await world.payout(store, id)).toMatchObject({ state: 'approved', reason: null });
  await switchLists(onList('LNNODE', PAYEE.toUpperCase()));
  await check();
  const payout = await world.payout(store, id);
  expect(payout).toMatchObject(held);
  expect(JSON.stringify(payout)).not.toMatch(/ofac|sanction|list|case|screen/i);
  const dry = await dryRun(store, 'lightning');
  expect(JSON.stringify(dry)).not.toMatch(/ofac|sanction|case|screen/i);
  const caseId = await theCase(store, id);
  const { data: alerts } = await ok('GET', `/v1/compliance/alerts?case_id=${caseId}`, store.key);
  expect(alerts).toMatchObject([
    { rule: 'payout_held', severity: 'high', facts: { found: [{ list: 'ofac', text: PAYEE }] } },
  ]);
  // Told once, however often it is looked at, and held whoever tries.
  await check();
  await ok('POST', `/v1/payouts/${id}/pay`, store.key);
  await world.work();
  await check();
  expect(await world.payout(store, id)).toMatchObject(held);
  expect(world.node.given).toEqual([]);
  expect(await casesAbout(store, 'payout', id)).toHaveLength(1);

  await decide(store, caseId, 'release');
  await check();
  expect(await world.payout(store, id)).toMatchObject({ state: 'approved', reason: null });
  await world.work();
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({ state: 'final' });
  expect(world.node.given).toHaveLength(1);
});

test('the last gate asks anew: what a list hits between the approval and the sending is not sent', async () => {
  const store = await openStore();
  const id = await approved(store);
  // Nobody has looked since the switch: the attempt itself finds it.
  await switchLists(onList('LNNODE', PAYEE));
  await world.work();
  expect(await world.payout(store, id)).toMatchObject(held);
  expect(world.node.given).toEqual([]);
  await check();
  await decide(store, await theCase(store, id), 'freeze');
  await check();
  await switchLists();
  await check();
  world.advance(2 * 3_600_000);
  await world.work();
  expect(world.node.given).toEqual([]);
});

test('a frozen payout stays when the list names nobody any more; a case can give the money back', async () => {
  const store = await openStore();
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs(), expirySeconds: 86_400 });
  const [frozen, returned] = [await approved(store, bolt11), await approved(store)];
  const reserved = (await world.book(store)).reserved;
  await switchLists(onList('LNNODE', PAYEE));
  await check();
  await decide(store, await theCase(store, frozen), 'freeze');
  await decide(store, await theCase(store, returned), 'refund');
  expect(await world.payout(store, returned)).toMatchObject({ state: 'cancelled' });
  expect((await world.book(store)).reserved).toBeLessThan(reserved);
  await switchLists();
  await check();
  await world.work();
  expect(await world.payout(store, frozen)).toMatchObject(held);
  expect(world.node.given).toEqual([]);
});

test('what a list takes off again goes on by itself', async () => {
  const store = await openStore();
  const id = await approved(store);
  await switchLists(onList('LNNODE', PAYEE));
  await check();
  expect(await world.payout(store, id)).toMatchObject(held);
  await switchLists();
  await check();
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({ state: 'final' });
});

test('a listed domain is not even asked for an invoice, and an invoice that it gives is judged by its nodes', async () => {
  const store = await openStore();
  let asked = 0;
  world.world.resolve = async ({ amountMsat, nowMs }) => {
    asked++;
    const { bolt11, paymentHash } = world.node.invoice({ nowMs, amountMsat });
    const read = decodeBolt11(bolt11);
    if (!read.ok) throw new Error(read.reason);
    const { network, payee, expiresAtMs } = read.invoice;
    const facts = { network, payee, amountMsat, expiresAtMs };
    return { ok: true, invoice: { text: bolt11, paymentHash, facts } };
  };
  const amount = { amount: '0.0001', currency: 'BTC' };
  await switchLists(onList('DOMAIN', 'Evil.example.'), onList('LNNODE', PAYEE));
  const listedDomain = await approved(store, 'bob@pay.evil.example', amount);
  await world.work();
  expect(await world.payout(store, listedDomain)).toMatchObject(held);
  expect(asked).toBe(0);
  const listedNode = await approved(store, 'bob@good.example', amount);
  await world.work();
  expect(asked).toBe(1);
  expect(await world.payout(store, listedNode)).toMatchObject(held);
  // Whom the invoice named is remembered, so that looking again neither frees it nor asks again.
  for (let i = 0; i < 3; i++) {
    await check();
    await world.work();
  }
  expect(await world.payout(store, listedNode)).toMatchObject(held);
  expect(asked).toBe(1);
  expect(world.node.given).toEqual([]);
  await decide(store, await theCase(store, listedNode), 'release');
  await check();
  await world.work();
  expect(await world.payout(store, listedNode)).toMatchObject({ state: 'final' });
});

test('a store’s own list blocks nodes and domains; what it allows is not held but for sanctions', async () => {
  const store = await openStore();
  const own = async (asset: string, address: string, verdict: string) =>
    await ok('POST', '/v1/compliance/addresses', store.key, {
      ...{ asset, address, verdict, reason: 'We know him.' },
    });
  const blocked = await own('LNNODE', PAYEE.toUpperCase(), 'block');
  const id = await approved(store);
  const dry = await dryRun(store, 'lightning');
  expect(dry.payouts).toMatchObject([{ action: 'hold', reason: 'destination_held' }]);
  await check();
  expect(await world.payout(store, id)).toMatchObject(held);
  await ok('DELETE', `/v1/compliance/addresses/${blocked.id}`, store.key);
  await own('LNNODE', PAYEE, 'allow');
  await check();
  expect(await world.payout(store, id)).toMatchObject({ state: 'approved', reason: null });
  await switchLists(onList('LNNODE', PAYEE));
  await check();
  expect(await world.payout(store, id)).toMatchObject(held);
});

test('settings that leave payouts out leave them as they are', async () => {
  const { payoutScreening: _, ...others } = defaultComplianceSettings;
  const store = await openStore(others);
  const read = async () => (await ok('GET', '/v1/compliance/settings', store.key)).payoutScreening;
  expect(await read()).toBe(false);
  await ok('PUT', '/v1/compliance/settings', store.key, { ...others, payoutScreening: true });
  await ok('PUT', '/v1/compliance/settings', store.key, others);
  expect(await read()).toBe(true);
});

test('a store that has not asked for it has no payout held by lists', async () => {
  const store = await openStore({});
  await switchLists(onList('LNNODE', PAYEE));
  const id = await approved(store);
  await check();
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({ state: 'final' });
});

/** What a worker pays on chain with; no coin is there, so what is not held says so. */
function onchainDeps(): ProcessorDeps {
  const { api, clock, deps } = world;
  const { screen, ids, random, readAudience, log } = deps;
  return {
    ...{ database: api.database, random, clock, ids, approver: null, readAudience, log },
    listener: payoutListener,
    fees: {
      estimate: async ({ targetBlocks }) => ({
        ...{ feeRate: 2_000n, source: 'fixed', targetBlocks, atMs: 0 },
      }),
      floor: async () => 1_000n,
      longTerm: () => 5_000n,
    },
    ...(screen === undefined ? {} : { screen }),
  };
}

async function runOnchain(): Promise<void> {
  await runDuePayouts(onchainDeps(), never);
}

test('on chain the same: a processor and a person are stopped by a list, and the dry run says so', async () => {
  const store = await openStore();
  const walletId = await walletOf(store);
  await ok('POST', '/v1/payout-processors', store.key, { kind: 'onchain', walletId });
  const amount = { amount: '0.001', currency: 'BTC' };
  const [byProcessor, byHand] = [
    await approved(store, ADDRESS, amount),
    await approved(store, ADDRESS.toUpperCase(), amount),
  ];
  await ok('POST', `/v1/payouts/${byHand}/pay`, store.key);
  await switchLists(onList('XBT', ADDRESS));
  await runOnchain();
  expect(await world.payout(store, byProcessor)).toMatchObject(held);
  expect(await world.payout(store, byHand)).toMatchObject(held);
  await ok('POST', '/v1/compliance/addresses', store.key, {
    ...{ asset: 'XBT', address: ADDRESS, verdict: 'block', reason: 'r' },
  });
  const dry = await dryRun(store, 'onchain');
  for (const payoutId of [byProcessor, byHand]) {
    const refused = { payoutId, reason: 'destination_held' };
    expect(dry.refused).toContainEqual(expect.objectContaining(refused));
  }
  await check();
  const caseId = await theCase(store, byProcessor);
  await decide(store, caseId, 'release');
  await check();
  await runOnchain();
  expect(await world.payout(store, byProcessor)).toMatchObject({
    reason: { code: 'insufficient_funds' },
  });
  expect(await world.payout(store, byHand)).toMatchObject(held);
});

async function walletOf(store: Store): Promise<string> {
  return (await ok('GET', '/v1/wallets', store.key)).data[0].id;
}

test('a process that has not read the newest lists holds a payout rather than guess', async () => {
  const store = await openStore();
  const id = await approved(store);
  epoch = -1n;
  await world.work();
  expect(await world.payout(store, id)).toMatchObject(held);
  expect(world.node.given).toEqual([]);
  await check();
  expect(await world.payout(store, id)).toMatchObject(held);
  epoch = 0n;
  await check();
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({ state: 'final' });
  expect(await casesAbout(store, 'payout', id)).toEqual([]);
});

/** An order of a customer, paid, and its refund approved and waiting on chain. */
async function waitingRefund(store: Store) {
  const profile = { kind: 'person', names: [{ text: 'Anna Muster', kind: 'primary' }] };
  const customer = await ok('POST', '/v1/compliance/customers', store.key, profile);
  const priced = { amount: '0.001', currency: 'BTC', customerId: customer.id };
  const order = await ok('POST', '/v1/orders', store.key, priced);
  const { clock } = world;
  const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
  await payOrder(world.api.database, { id: order.id, amountSats: 100_000n }, ids);
  const wish = { mode: 'partial', amount: '0.0005', destination: 'address', address: ADDRESS };
  await ok('POST', `/v1/orders/${order.id}/refunds`, store.key, wish);
  const { data } = await ok('GET', '/v1/payouts', store.key);
  const payoutId = String(data[0].id);
  if (data[0].state === 'awaiting_approval') await world.decide(store, payoutId, 'approve');
  return { customerId: String(customer.id), payoutId };
}

const reason = { reason: 'r' };

test('a refund that waits is held when its customer is blocked, and goes on once two persons have unblocked', async () => {
  const store = await openStore({});
  const { customerId, payoutId } = await waitingRefund(store);
  await check();
  expect(await world.payout(store, payoutId)).toMatchObject({ state: 'approved', reason: null });
  await ok('POST', `/v1/compliance/customers/${customerId}/block`, store.key, reason);
  // The gate by itself, before anybody has looked.
  await ok('POST', `/v1/payouts/${payoutId}/pay`, store.key);
  await runOnchain();
  expect(await world.payout(store, payoutId)).toMatchObject(held);
  await check();
  const cases = await casesAbout(store, 'customer', customerId);
  expect(cases).toMatchObject([{ state: 'open' }]);
  // A release says nothing about the block: what holds it is told anew.
  await decide(store, cases[0]?.id ?? '', 'release');
  await check();
  expect(await world.payout(store, payoutId)).toMatchObject(held);
  await ok('POST', `/v1/compliance/customers/${customerId}/unblock`, store.officer, reason);
  await check();
  expect(await world.payout(store, payoutId)).toMatchObject({ state: 'approved', reason: null });
  await ok('POST', `/v1/payouts/${payoutId}/pay`, store.key);
  await runOnchain();
  expect(await world.payout(store, payoutId)).toMatchObject({
    reason: { code: 'insufficient_funds' },
  });
});

test('a rejected customer’s refund waits for two persons, who may let it be paid', async () => {
  const store = await openStore({});
  const { customerId, payoutId } = await waitingRefund(store);
  await ok('POST', `/v1/compliance/customers/${customerId}/reject`, store.key, reason);
  await check();
  expect(await world.payout(store, payoutId)).toMatchObject(held);
  const [open] = await casesAbout(store, 'customer', customerId);
  await decide(store, open?.id ?? '', 'release');
  await check();
  expect(await world.payout(store, payoutId)).toMatchObject({ state: 'approved', reason: null });
  await check();
  expect(await casesAbout(store, 'customer', customerId)).toHaveLength(1);
});

test('an undecided hit of the customer, and an expired verification, hold his refund', async () => {
  const store = await openStore({});
  const { customerId, payoutId } = await waitingRefund(store);
  const change = async (text: string, ...values: unknown[]) =>
    await world.api.database.asSystem((tx) => tx.query(text, values));
  await change(
    `INSERT INTO customer_hit (merchant_id, id, customer_id, list, entry_id, category, entry_digest,
            facts_digest, list_version, points, sealed_parts, state, found_at)
     VALUES ($1, gen_random_uuid(), $2, 'l', 'e', 'sanctions', $3, $3, 'v', 1, $3, 'open', now())`,
    ...[store.id, customerId, Buffer.alloc(32)],
  );
  await check();
  expect(await world.payout(store, payoutId)).toMatchObject(held);
  await change(
    `UPDATE customer_hit SET state = 'dismissed', decided_at = now(), decided_by = 'x'
                 WHERE customer_id = $1`,
    customerId,
  );
  await check();
  expect(await world.payout(store, payoutId)).toMatchObject({ state: 'approved', reason: null });
  await change(`UPDATE customer SET state = 'expired' WHERE id = $1`, customerId);
  await check();
  expect(await world.payout(store, payoutId)).toMatchObject(held);
});

test('the customer stays as he is while his refund is committed: a block waits, and finds it under way or held', {
  timeout: 60_000,
}, async () => {
  const store = await openStore({});
  const { customerId, payoutId } = await waitingRefund(store);
  const { database } = world.api;
  const { screen } = world.deps;
  let blocked = false;
  let blocking: Promise<unknown> = Promise.resolve();
  await database.asSystem(async (tx) => {
    const [payout] = await tx.query<{ merchantId: Uuid; id: Uuid }>(
      'SELECT merchant_id AS "merchantId", id FROM payout WHERE id = $1 FOR UPDATE',
      [payoutId],
    );
    const asked = { method: 'onchain', destination: ADDRESS, destinationKind: 'address' } as const;
    if (payout === undefined) throw new Error('the payout is there');
    const answers = await screen?.(tx, [{ ...payout, ...asked, amountMsat: 1_000n }]);
    expect(answers?.get(payoutId)).toBeUndefined();
    blocking = ok('POST', `/v1/compliance/customers/${customerId}/block`, store.key, reason).then(
      () => void (blocked = true),
    );
    // Until it waits for this transaction, as the database itself says.
    const endMs = performance.now() + 30_000;
    for (;;) {
      if (performance.now() > endMs) throw new Error('the block does not wait');
      const waiting = await tx.query(
        'SELECT 1 AS one FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))',
      );
      if (waiting.length > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(blocked).toBe(false);
  });
  await blocking;
  expect(blocked).toBe(true);
});
