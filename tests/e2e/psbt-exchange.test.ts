import { createClient } from '@quittance/client';
import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { psbtToBase64, writeBbqr } from '@quittance/bitcoin';
import { startTestApi, type TestApi } from '../support/api.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { openVault, type Vault } from '../support/vault.ts';

/** A store without a signer: what it pays is signed by bitcoind, as a hardware wallet would. */
let regtest: Regtest;
let postgres: TestPostgres;
let shop: Shop;
let vault: Vault;
let api: TestApi;
let key: string;
const WALLET = 'cold';
const FILE = 'application/octet-stream';

beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const ownerUrl = await postgres.createDatabase();
  shop = openShop({ ownerUrl, regtest });
  const descriptor = await shop.descriptor(WALLET);
  vault = await openVault({ ownerUrl, regtest, shop, signer: null, descriptor });
  await vault.fund(6, 1_000_000n);
  const { node, listener } = vault.deps;
  api = await startTestApi({ ownerUrl, spends: { node, listener } });
  key = await api.keyFor(vault.merchantId);
}, 120_000);
afterAll(async () => {
  await api.close();
  await vault.close();
  await shop.close();
  await regtest.stop();
  await postgres.stop();
});

async function plan(): Promise<{ spendId: Uuid; address: string; path: string }> {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 700_000n }]);
  expect(await vault.advance(spendId)).toBe('planned');
  return { spendId, address, path: `/v1/spends/${spendId}/psbt` };
}

async function sign(psbt: string): Promise<string> {
  type Processed = { psbt: string; complete: boolean };
  const params = [psbt, true, 'ALL', true, false];
  const done = await regtest.rpc.walletCall<Processed>(WALLET, 'walletprocesspsbt', params);
  return done.psbt;
}

async function paid(spendId: Uuid, address: string): Promise<void> {
  expect(await vault.advance(spendId)).toBe('broadcast');
  await regtest.mine(1);
  await vault.until(spendId, { state: 'confirmed' });
  expect(await vault.received(address)).toBe(700_000n);
}

const authorization = () => ({ authorization: `Bearer ${key}` });

async function download(path: string): Promise<{ bytes: Buffer; headers: Headers }> {
  const answer = await fetch(`${api.baseUrl}${path}.psbt`, { headers: authorization() });
  expect(answer.status).toBe(200);
  return { bytes: Buffer.from(await answer.arrayBuffer()), headers: answer.headers };
}

async function upload(path: string, body: Uint8Array | string, type = FILE) {
  const answer = await fetch(api.baseUrl + path, {
    ...{ method: 'PUT', headers: { ...authorization(), 'content-type': type } },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

const give = (path: string, body: unknown) => api.send('PUT', path, { key, body });

test('a spend is signed through files: binary out, binary or base64 back', async () => {
  for (const asText of [false, true]) {
    const { spendId, address, path } = await plan();
    const { bytes, headers } = await download(path);
    expect(headers.get('content-type')).toBe(FILE);
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="spend-${spendId}-1.psbt"`,
    );
    const json = await api.send('GET', path, { key });
    expect(json.body).toEqual({ version: 1, psbt: bytes.toString('base64') });
    const signed = await sign(bytes.toString('base64'));
    const file = asText ? `${signed}\n` : Buffer.from(signed, 'base64');
    const given = await upload(path, file);
    expect(given).toMatchObject({ status: 200, body: { isComplete: true } });
    await paid(spendId, address);
  }
});

test('a spend is signed through animated codes, through the typed client', async () => {
  const client = createClient({ baseUrl: api.baseUrl, apiKey: key });
  const { spendId, address, path } = await plan();
  const { bytes } = await download(path);
  const shown = await client.spends.exportPsbtQr(spendId, { density: 'low', images: 'svg' });
  expect(shown.images).toHaveLength(shown.parts.length);
  for (const image of shown.images ?? []) expect(image).toMatch(/^<svg [^]*<\/svg>\s*$/);
  for (const part of shown.parts) expect(part).toMatch(/^B\$[2Z]P/);
  // Giving back what was shown adds no signature, and is what was shown.
  const same = await client.spends.importPsbt(spendId, { parts: shown.parts });
  expect(same).toMatchObject({ added: 0, isComplete: false });
  const exported = await client.spends.exportPsbt(spendId);
  expect(exported.psbt).toBe(bytes.toString('base64'));
  expect(await client.spends.importPsbt(spendId, bytes)).toMatchObject({ added: 0 });
  const signed = Buffer.from(await sign(bytes.toString('base64')), 'base64');
  const parts = writeBbqr(signed, 200) ?? [];
  expect(parts.length).toBeGreaterThan(2);

  const missing = await give(path, { parts: parts.slice(1) });
  expect(missing).toMatchObject({ status: 422, body: { code: 'qr_parts_missing' } });
  expect(missing.body.detail).toContain('missing: 1.');
  const foreign = await give(path, { parts: [...parts.slice(1), shown.parts[0]] });
  expect(foreign).toMatchObject({ status: 422, body: { code: 'invalid_qr_parts' } });
  const garbage = await give(path, { parts: ['bitcoin:bcrt1q'] });
  expect(garbage).toMatchObject({ status: 422, body: { code: 'invalid_qr_parts' } });
  expect(await vault.read(spendId)).toMatchObject({ state: 'planned' });

  const twice = [...parts, ...parts].reverse();
  const given = await client.spends.importPsbt(spendId, { parts: twice });
  expect(given).toMatchObject({ added: 1, isComplete: true });
  await paid(spendId, address);
});

test('what is no PSBT, another’s or too large is refused with its code and changes nothing', async () => {
  const { spendId, path } = await plan();
  const { spendId: otherId } = await plan();
  const before = await vault.read(spendId);
  const { body: other } = await api.send('GET', `/v1/spends/${otherId}/psbt`, { key });
  const otherFile = Buffer.from(other.psbt, 'base64');
  const refused = { status: 422, body: { code: 'invalid_psbt' } };
  expect(await upload(path, otherFile)).toMatchObject(refused);
  expect(await upload(path, Buffer.from('no psbt'))).toMatchObject(refused);
  expect(await give(path, { parts: writeBbqr(otherFile, 500) })).toMatchObject(refused);
  expect(await give(path, { parts: writeBbqr(Buffer.from('no psbt'), 500) })).toMatchObject(
    refused,
  );
  expect(await give(path, { psbt: psbtToBase64(Buffer.from('no psbt')) })).toMatchObject(refused);

  const wrong = { status: 400, body: { code: 'invalid_request' } };
  expect(await upload(path, '')).toMatchObject(wrong);
  expect(await give(path, {})).toMatchObject(wrong);
  expect(await give(path, { psbt: 'x', parts: ['x'] })).toMatchObject(wrong);
  expect(await give(path, { parts: [] })).toMatchObject(wrong);

  const tooLarge = { status: 413, body: { code: 'payload_too_large' } };
  const largest = 8 * 1024 * 1024;
  expect(await upload(path, Buffer.alloc(largest + 3))).toMatchObject(tooLarge);
  expect(await upload(path, Buffer.alloc(2 * largest))).toMatchObject(tooLarge);
  expect(await give(path, { psbt: 'A'.repeat(2 * largest) })).toMatchObject(tooLarge);
  // Up to the bound the content is looked at, not the length.
  expect(await upload(path, Buffer.alloc(largest))).toMatchObject(refused);
  const text = psbtToBase64(Buffer.alloc(largest));
  expect(await give(path, { psbt: text })).toMatchObject(refused);

  const elsewhere = await upload('/v1/payouts', Buffer.from('x'));
  expect(elsewhere).toMatchObject({ status: 405 });
  expect((await upload(path, '<x/>', 'text/xml')).status).toBe(415);
  expect((await vault.read(spendId)).state).toBe(before.state);
  expect(api.errors).toEqual([]);
});

test('a file is taken on its route alone and told in the document', async () => {
  const answer = await fetch(`${api.baseUrl}/v1/orders`, {
    ...{ method: 'POST', headers: { ...authorization(), 'content-type': FILE } },
    body: new Uint8Array([1]),
  });
  expect(answer.status).toBe(415);
  const { body: document } = await api.send('GET', '/v1/openapi.json');
  const operation = document.paths['/v1/spends/{id}/psbt'].put;
  expect(Object.keys(operation.requestBody.content)).toEqual(['application/json', FILE]);
});
