import { randomUUID } from 'node:crypto';
import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../support/api.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { type RealSigner, startSigner } from '../support/vault-signer.ts';

/** The POST routes of spends need coins and a node: their part of "every POST" of http-api.test.ts. */
let regtest: Regtest;
let postgres: TestPostgres;
let signer: RealSigner;
let vault: Vault;
let api: TestApi;
let key: string;
let addresses: string[];
const tried = new Set<string>();

beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const ownerUrl = await postgres.createDatabase();
  signer = await startSigner();
  vault = await openVault({ ownerUrl, regtest, signer });
  const { node, listener } = vault.deps;
  api = await startTestApi({ ownerUrl, spends: { node, listener } });
  key = await api.keyFor(vault.merchantId);
}, 120_000);
beforeEach(async () => {
  // Also confirms what the test before has left in the mempool.
  addresses = await vault.fund(6, 1_000_000n);
});
afterAll(async () => {
  await api.close();
  await vault.close();
  await signer.stop();
  await regtest.stop();
  await postgres.stop();
});

async function waiting(): Promise<Uuid> {
  const address = await regtest.newAddress();
  // Much more than the coins around it are worth tidying up at: it has change.
  const spendId = await vault.planned([{ address, amountSats: 300_000n }], { feeRate: 6_000n });
  expect(await vault.advance(spendId)).toBe('broadcast');
  const [newest] = (await vault.read(spendId)).versions;
  await coinSeen(newest?.txid ?? '');
  return spendId;
}

/** The watcher has told the wallet of the coin that a transaction in the mempool gives it. */
async function coinSeen(txid: string): Promise<void> {
  const stored = Buffer.from(txid, 'hex').reverse();
  await eventually(`the coin of ${txid} is seen`, async () => {
    const rows = await vault.shop.sql('SELECT 1 FROM coin WHERE live AND txid = $1', [stored]);
    return rows.length > 0;
  });
}

/** Everything that a request could do twice, row by row. */
async function effects(): Promise<unknown> {
  return await vault.shop.sql(
    `SELECT 'spend', id::text AS what FROM spend
     UNION ALL SELECT 'version', spend_id || ' ' || version FROM spend_version
     UNION ALL SELECT 'coin', r::text FROM coin_reservation r
     UNION ALL SELECT 'audit', id::text FROM audit_entry
     UNION ALL SELECT 'answer', key FROM idempotency_key
     ORDER BY 1, 2`,
  );
}

async function versions(): Promise<number> {
  const [row] = await vault.shop.sql<{ count: string }>('SELECT count(*) FROM spend_version');
  return Number(row?.count);
}

/** Sends a request as twins, again later, again when the world has moved on, and with other words. */
async function once(route: string, id: string, body: object, other: object): Promise<void> {
  tried.add(route);
  const path = route.replace(':id', id);
  const idempotencyKey = { 'idempotency-key': randomUUID() };
  const send = (sent: object) =>
    api.send('POST', path, { key, body: sent, headers: idempotencyKey });
  const before = await versions();
  const twins = await Promise.all([send(body), send(body)]);
  for (const twin of twins) expect(twin.status, JSON.stringify(twin.body)).toBe(200);
  expect(twins[1].body).toEqual(twins[0].body);
  expect(twins.filter(replayed)).toHaveLength(1);
  expect(await versions()).toBe(before + 1);

  const state = await effects();
  const again = async () => {
    const retry = await send(body);
    expect(retry).toMatchObject({ status: 200, body: twins[0].body });
    expect(replayed(retry)).toBe(true);
    const mismatch = await send(other);
    expect(mismatch).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
  };
  await again();
  expect(await effects()).toEqual(state);

  const spendId = twins[0].body.id;
  expect(await vault.advance(spendId)).toBe('broadcast');
  await regtest.mine(1);
  await vault.caughtUp();
  const moved = await effects();
  await again();
  expect(await effects()).toEqual(moved);
  expect(await versions()).toBe(before + 1);
}

const replayed = ({ headers }: { headers: Headers }) =>
  headers.get('idempotency-replayed') === 'true';
const fee = (feeRateSatPerVb: string) => ({ feeRateSatPerVb });

test('a bump with one key makes one version', async () => {
  await once('/v1/spends/:id/bump', await waiting(), fee('12'), fee('13'));
});

test('a cancellation with one key makes one version', async () => {
  await once('/v1/spends/:id/cancel', await waiting(), fee('12'), fee('13'));
});

test('a child of a spend with one key is made once', async () => {
  await once('/v1/spends/:id/child', await waiting(), fee('20'), fee('21'));
});

test('a child of a payment to us with one key is made once', async () => {
  const [address = ''] = addresses;
  const txid = await regtest.sendTo(address, 500_000n);
  await coinSeen(txid);
  type Decoded = { vout: { n: number; scriptPubKey: { address?: string } }[] };
  const { vout } = await regtest.rpc.call<Decoded>('getrawtransaction', [txid, 1]);
  const coin = `${txid}:${vout.find(({ scriptPubKey }) => scriptPubKey.address === address)?.n}`;
  const body = { ...fee('20'), coin };
  await once('/v1/wallets/:id/lift-payment', vault.walletId, body, { ...body, ...fee('21') });
});

test('a consolidation with one key is made once', async () => {
  const body = { ...fee('1'), maxCoins: 3 };
  await once('/v1/wallets/:id/consolidate', vault.walletId, body, { ...body, maxCoins: 4 });
});

test('a fee above the wallet’s policy takes who may approve payouts, whatever it is paid for', async () => {
  const made = await api.send('POST', '/v1/api-keys', {
    ...{ key, body: { name: 'asks', scopes: ['payouts:write', 'settings:write'] } },
  });
  const asking = made.body.secret;
  const spendId = await waiting();
  const child = (feeRate: string, by: string) =>
    api.send('POST', `/v1/spends/${spendId}/child`, { key: by, body: fee(feeRate) });
  // Without a processor the defaults are the policy.
  const above = await child('101', asking);
  expect(above).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  expect(above.body.detail).toMatch(/more than the 100 sat\/vB.*payouts:approve/i);
  await api.send('POST', '/v1/payout-processors', {
    ...{ key, body: { kind: 'onchain', walletId: vault.walletId, paused: true } },
  });
  const [processor] = (await api.send('GET', '/v1/payout-processors', { key })).body.data;
  const feePolicy = { targetBlocks: 6, maxFeeRateSatPerVb: 20, maxFeeShareBps: 500 };
  const path = `/v1/payout-processors/${processor.id}`;
  await api.send('PATCH', path, { key, body: { feePolicy } });
  expect(await child('21', asking)).toMatchObject({ status: 403 });
  const consolidation = { ...fee('21'), maxCoins: 3 };
  const wallet = `/v1/wallets/${vault.walletId}`;
  for (const [route, body] of [
    ['consolidate', consolidation],
    ['lift-payment', { ...fee('21'), coin: `${'ab'.repeat(32)}:0` }],
  ] as const) {
    const answer = await api.send('POST', `${wallet}/${route}`, { key: asking, body });
    expect([route, answer.status]).toEqual([route, route === 'consolidate' ? 403 : 409]);
  }
  expect(await child('20', asking)).toMatchObject({ status: 200 });
  const other = await waiting();
  const lifted = await api.send('POST', `/v1/spends/${other}/child`, { key, body: fee('150') });
  expect(lifted.status, JSON.stringify(lifted.body)).toBe(200);
});

test('no other POST of spends is left out', () => {
  const posts = api.api.http.routes
    .filter(({ method, url }) => method === 'POST' && url.startsWith('/v1/spends'))
    .map(({ url }) => url);
  expect(posts.length).toBeGreaterThan(0);
  for (const url of posts) expect([...tried]).toContain(url);
  expect(api.errors).toEqual([]);
});
