import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { scriptToAddress } from '@quittance/bitcoin';
import { manualClock, type Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  scriptOfKey,
  signBip322,
} from '../../../../../packages/bitcoin/src/testing/sign-message.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../../../../../tests/support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { travelRuleScreen } from './index.ts';

const clock = manualClock(Date.UTC(2026, 10, 21, 12));
const key = new Uint8Array(32).fill(7);
const destination = scriptToAddress(scriptOfKey(key, 'wpkh'), 'regtest') ?? '';
const vasp = {
  legalPerson: {
    name: {
      nameIdentifier: [{ legalPersonName: 'Our Shop', legalPersonNameIdentifierType: 'LEGL' }],
    },
    nationalIdentification: {
      nationalIdentifier: '506700T7Z685VUOZL877',
      nationalIdentifierType: 'LEIX',
    },
  },
};
const beneficiary = {
  naturalPerson: {
    name: {
      nameIdentifier: [
        { primaryIdentifier: 'Müller', secondaryIdentifier: 'Jörg', nameIdentifierType: 'LEGL' },
      ],
    },
  },
};

type Received = {
  url: string;
  headers: Record<string, unknown>;
  body: ReturnType<typeof JSON.parse>;
};
let testDatabase: TestDatabase;
let api: TestApi;
let shop: TestMerchant;
/** The other provider: keeps what it is sent and answers as told. */
let other: Server;
let otherUrl: string;
let received: Received[];
let answer: { status: number; body: string };

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({
    ownerUrl: testDatabase.ownerUrl,
    clock,
    urlPolicy: { allowPrivateAddresses: true, allowInsecureHttp: true },
  });
  other = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      received.push({ url: request.url ?? '', headers: request.headers, body: JSON.parse(text) });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  otherUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
});
afterAll(async () => {
  other.close();
  await api.close();
  await testDatabase.drop();
});
beforeEach(async () => {
  received = [];
  answer = { status: 200, body: '{"version":"3.2.1"}' };
  shop = await api.createMerchant('Shop');
  await settings({});
});

const ROOT = '/v1/compliance/travel-rule';

async function settings(changed: object) {
  const body = { enabled: true, regime: 'eu', vasp, ...changed };
  const set = await api.send('PUT', `${ROOT}/settings`, { key: shop.key, body });
  expect(set.status, JSON.stringify(set.body)).toBe(200);
  return set.body;
}

async function makePayout(amount = '0.05') {
  const body = { destination, amount, currency: 'BTC' };
  const made = await api.send('POST', '/v1/payouts', { key: shop.key, body });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body.id as string;
}

async function makeTransfer(payoutId: string, counterparty?: object) {
  const toVasp = { kind: 'vasp', url: `${otherUrl}/travel?t=i`, beneficiary };
  const body = { payoutId, counterparty: counterparty ?? toVasp };
  const made = await api.send('POST', `${ROOT}/transfers`, { key: shop.key, body });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body;
}

async function act(id: string, action: string, body: object = {}) {
  return await api.send('POST', `${ROOT}/transfers/${id}/${action}`, { key: shop.key, body });
}

/** Our own address as the other side was given it, at the port of this test. */
function local(url: string): string {
  return new URL(url).pathname;
}

async function mayPay(payoutId: string) {
  const screen = travelRuleScreen({ clock });
  const merchantId = shop.id as Uuid;
  const payout = {
    ...{ merchantId, id: payoutId as Uuid, method: 'onchain', destination },
    amountMsat: 5_000_000_000n,
  };
  const found = await api.database.asSystem((tx) => screen(tx, [payout]));
  return found.get(payoutId);
}

test('a payout to another provider waits until the provider agrees to its very address', async () => {
  const payoutId = await makePayout();
  expect(await mayPay(payoutId)).toMatchObject({ ok: false });
  const { id, state } = await makeTransfer(payoutId);
  expect(state).toBe('draft');
  expect((await act(id, 'send')).body.state).toBe('sent');
  const [inquiry] = received;
  expect(inquiry).toMatchObject({
    url: '/travel?t=i',
    headers: { 'api-version': '3.2.1', 'request-identifier': id },
    body: {
      asset: { slip0044: 0 },
      amount: 0.05,
      IVMS101: {
        originator: { originatorPersons: [vasp] },
        beneficiary: { beneficiaryPersons: [beneficiary], accountNumber: [destination] },
      },
    },
  });
  expect(await mayPay(payoutId)).toMatchObject({ ok: false });
  const callback = local(inquiry?.body.callback);
  const wrong = { approved: { address: `${destination}x`, callback: `${otherUrl}/confirm` } };
  expect((await api.send('POST', callback, { body: wrong })).status).toBe(409);
  const approved = { approved: { address: destination, callback: `${otherUrl}/confirm` } };
  for (let times = 0; times < 2; times++) {
    const told = await api.send('POST', callback, { body: approved });
    expect([told.status, told.body]).toEqual([200, { version: '3.2.1' }]);
  }
  expect(await mayPay(payoutId)).toEqual({ ok: true });
  const txid = 'ab'.repeat(32);
  const done = await act(id, 'confirm', { txid });
  expect(done.body).toMatchObject({ state: 'confirmed', txid });
  expect(received.at(-1)).toMatchObject({ url: '/confirm', body: { txid } });
});

test('an inquiry that can not be sent says why and is sent again under the same number', async () => {
  const { id } = await makeTransfer(await makePayout());
  answer = { status: 500, body: 'oops' };
  expect((await act(id, 'send')).body).toMatchObject({ state: 'draft', reason: 'it answers 500' });
  answer = { status: 200, body: '"what?"' };
  expect((await act(id, 'send')).body).toMatchObject({ state: 'draft' });
  answer = { status: 200, body: '{"rejected":"we do not know him"}' };
  const rejected = await act(id, 'send');
  expect(rejected.body).toMatchObject({ state: 'rejected', reason: 'we do not know him' });
  const numbers = received.map(({ headers }) => headers['request-identifier']);
  expect(numbers).toEqual([id, id, id]);
  expect((await act(id, 'send')).status).toBe(409);
});

test('an inquiry of another provider waits for a person, and is one however often it is sent', async () => {
  const { inquiryUrl } = await settings({});
  const inquiry = {
    asset: { slip0044: 0 },
    amount: 0.0021,
    callback: `${otherUrl}/resolution`,
    IVMS101: {
      originator: { originatorPersons: [vasp] },
      beneficiary: { beneficiaryPersons: [beneficiary] },
    },
  };
  const headers = { 'api-version': '3.2.1', 'request-identifier': 'r-1' };
  for (let times = 0; times < 2; times++) {
    const told = await api.send('POST', local(inquiryUrl), { headers, body: inquiry });
    expect([told.status, told.body]).toEqual([200, { version: '3.2.1' }]);
  }
  const list = await api.send('GET', `${ROOT}/transfers?state=received`, { key: shop.key });
  expect(list.body.data).toHaveLength(1);
  const [found] = list.body.data;
  expect(found).toMatchObject({ direction: 'in', amountSats: '210000', message: inquiry.IVMS101 });
  const decided = await act(found.id, 'decide', { accept: true, address: destination });
  expect(decided.body.state).toBe('approved');
  const [resolution] = received;
  expect(resolution).toMatchObject({
    url: '/resolution',
    headers: { 'request-identifier': 'r-1' },
    body: { approved: { address: destination } },
  });
  const confirmation = local(resolution?.body.approved.callback);
  const told = await api.send('POST', confirmation, { body: { txid: 'CD'.repeat(32) } });
  expect(told.status).toBe(200);
  const read = await api.send('GET', `${ROOT}/transfers/${found.id}`, { key: shop.key });
  expect(read.body).toMatchObject({ state: 'confirmed', txid: 'cd'.repeat(32) });
});

test('what is no inquiry is refused with its places and leaves nothing', async () => {
  const path = local((await settings({})).inquiryUrl);
  const good = {
    asset: { slip0044: 0 },
    amount: 1,
    callback: 'https://them.example/cb',
    IVMS101: {
      originator: { originatorPersons: [vasp] },
      beneficiary: { beneficiaryPersons: [beneficiary] },
    },
  };
  const headers = { 'request-identifier': 'r-2' };
  const tries: [object, Record<string, string>, string, number][] = [
    [good, {}, path, 400],
    [{ ...good, amount: -1 }, headers, path, 400],
    [{ ...good, asset: { slip0044: 60 } }, headers, path, 400],
    [{ ...good, IVMS101: { originator: {}, beneficiary: {} } }, headers, path, 400],
    [{ ...good, callback: 'file:///etc/passwd' }, headers, path, 400],
    [good, headers, `/trp/${'0'.repeat(32)}/inquiry`, 404],
  ];
  for (const [body, sent, to, status] of tries) {
    const refused = await api.send('POST', to, { headers: sent, body });
    expect([refused.status, JSON.stringify(refused.body)], JSON.stringify(body)).toEqual([
      ...[status, expect.stringContaining('"code"')],
    ]);
  }
  const list = await api.send('GET', `${ROOT}/transfers`, { key: shop.key });
  expect(list.body.data).toEqual([]);
});

test('a wallet of one’s own is paid once its owner has signed for this very exchange (BIP-322)', async () => {
  const payoutId = await makePayout();
  const { id, proofMessage, state } = await makeTransfer(payoutId, { kind: 'self_hosted' });
  expect(state).toBe('awaiting_proof');
  expect(await mayPay(payoutId)).toMatchObject({ ok: false });
  const sign = (message: string) => signBip322(key, { kind: 'wpkh', message });
  const refused = await act(id, 'proof', { signature: sign('another message') });
  expect(refused.body).toMatchObject({
    code: 'invalid_request',
    fields: [{ pointer: '/signature' }],
  });
  const proven = await act(id, 'proof', { signature: sign(proofMessage) });
  expect(proven.body).toMatchObject({ state: 'proven', provenAt: expect.any(String) });
  expect(await mayPay(payoutId)).toEqual({ ok: true });
});

test('a small payout to a wallet of one’s own needs no proof where a fresh price says that it is', async () => {
  await settings({ regime: 'us' });
  const payoutId = await makePayout();
  // 0.05 BTC at an unknown price: nobody can say that it is below the threshold.
  expect(await mayPay(payoutId)).toMatchObject({ ok: false });
  const order = { amount: '10.00', currency: 'USD' };
  await api.send('POST', '/v1/orders', { key: shop.key, body: order });
  // At 65,000 a bitcoin these are 3,250 dollars: above 3,000.
  expect(await mayPay(payoutId)).toMatchObject({ ok: false });
  const custom = {
    betweenProviders: { currency: 'USD', amount: '4000' },
    ownWalletProof: null,
    source: 'a test',
  };
  await settings({ regime: 'custom', custom });
  expect(await mayPay(payoutId)).toEqual({ ok: true });
});

test('a store that has the rule off is not looked at', async () => {
  await settings({ enabled: false });
  expect(await mayPay(await makePayout())).toBeUndefined();
});

test('only one exchange is under way for a payout', async () => {
  const payoutId = await makePayout();
  await makeTransfer(payoutId);
  const body = { payoutId, counterparty: { kind: 'self_hosted' } };
  const again = await api.send('POST', `${ROOT}/transfers`, { key: shop.key, body });
  expect(again.body.code).toBe('conflict');
});
