import { psbtToBase64 } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createPaymentAdopter,
  noPayoutListener,
} from '../../apps/server/src/paying/payouts/index.ts';
import { exportPsbt, importSignedPsbt } from '../../apps/server/src/paying/spends/index.ts';
import { openPayer, payoutSpendListener } from '../support/payer.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';

/** Wallets whose keys are in other software: bitcoind signs, as a hardware wallet would. */
let regtest: Regtest;
let postgres: TestPostgres;
let ownerUrl: string;
let shop: Shop;
const vaults: Vault[] = [];
beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  ownerUrl = await postgres.createDatabase();
  shop = openShop({ ownerUrl, regtest });
});
afterAll(async () => {
  for (const vault of vaults) await vault.close();
  await shop.close();
  await regtest.stop();
  await postgres.stop();
});

type Listed = { descriptors: { desc: string; internal: boolean }[] };

/** A wallet of the node; gives its private descriptors as the node lists them. */
async function newWallet(name: string, isPrivate: boolean): Promise<string[]> {
  await regtest.rpc.call('createwallet', { wallet_name: name });
  return await descriptorsOf(name, isPrivate);
}

async function descriptorsOf(name: string, isPrivate: boolean): Promise<string[]> {
  const { descriptors } = await regtest.rpc.walletCall<Listed>(name, 'listdescriptors', [
    isPrivate,
  ]);
  return descriptors.filter(({ internal }) => !internal).map(({ desc }) => desc);
}

/** The account's key of the single-key descriptor of a kind, with its origin. */
function keyOf(descriptors: readonly string[], opening: string): string {
  const found = descriptors.find((desc) => desc.startsWith(opening));
  const key = /(?:\[[0-9a-f]{8}[^\]]*\])?[tx]p(?:ub|rv)[1-9A-HJ-NP-Za-km-z]+(?:\/\d+[h'])*/.exec(
    found ?? '',
  )?.[0];
  if (key === undefined) throw new Error(`no key in ${found}`);
  return key;
}

async function openElsewhere(descriptor: string): Promise<Vault> {
  for (const vault of vaults.splice(0)) await vault.close();
  const vault = await openVault({ ownerUrl, regtest, shop, signer: null, descriptor });
  vaults.push(vault);
  await vault.fund(2, 1_000_000n);
  return vault;
}

async function exported(vault: Vault, spendId: Uuid): Promise<string> {
  const { merchantId } = vault;
  const { psbt } = await shop.database.asTenant(merchantId, (tx) =>
    exportPsbt(tx, vault.deps, { merchantId, spendId }),
  );
  return psbtToBase64(psbt);
}

async function imported(vault: Vault, spendId: Uuid, psbt: string) {
  const { merchantId } = vault;
  return await shop.database.asTenant(merchantId, (tx) =>
    importSignedPsbt(tx, vault.deps, { merchantId, spendId, psbt }),
  );
}

type Processed = { psbt: string; complete: boolean };
const sign = async (wallet: string, psbt: string) =>
  await regtest.rpc.walletCall<Processed>(wallet, 'walletprocesspsbt', [psbt, true]);

async function plan(vault: Vault): Promise<{ spendId: Uuid; address: string }> {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 1_200_000n }]);
  expect(await vault.advance(spendId)).toBe('planned');
  expect(await vault.read(spendId)).toMatchObject({ reason: 'awaiting_signature' });
  return { spendId, address };
}

async function finished(vault: Vault, spendId: Uuid, address: string): Promise<void> {
  expect(await vault.advance(spendId)).toBe('broadcast');
  await regtest.mine(1);
  await vault.until(spendId, { state: 'confirmed' });
  expect(await vault.received(address)).toBe(1_200_000n);
}

for (const [kind, opening] of [
  ['wpkh', 'wpkh('],
  ['tr', 'tr('],
  ['sh(wpkh', 'sh(wpkh('],
] as const) {
  test(`a ${kind} wallet pays with a PSBT that bitcoind signs`, async () => {
    const name = `single ${kind}`;
    const key = keyOf(await newWallet(name, false), opening);
    const closing = opening.startsWith('sh') ? '))' : ')';
    const vault = await openElsewhere(`${opening}${key}/<0;1>/*${closing}`);
    const { spendId, address } = await plan(vault);
    const given = await exported(vault, spendId);
    const signed = await sign(name, given);
    expect(signed.complete).toBe(true);
    expect(await imported(vault, spendId, signed.psbt)).toMatchObject({ isComplete: true });
    await finished(vault, spendId, address);
  });
}

test('a multisig wallet pays when two of three have signed, one after the other', async () => {
  const names = ['first', 'second', 'third'];
  const publics: string[] = [];
  const privates: string[] = [];
  for (const name of names) {
    publics.push(keyOf(await newWallet(name, false), 'wpkh('));
    privates.push(keyOf(await descriptorsOf(name, true), 'wpkh('));
  }
  const text = (keys: readonly string[]) =>
    `wsh(sortedmulti(2,${keys.map((key) => `${key}/<0;1>/*`).join(',')}))`;
  for (const [at, name] of names.entries()) {
    const own = publics.map((key, i) => (i === at ? (privates[at] ?? key) : key));
    const wallet = `${name} of three`;
    await regtest.rpc.call('createwallet', { wallet_name: wallet, blank: true });
    const { checksum } = await regtest.rpc.call<{ checksum: string }>('getdescriptorinfo', [
      text(own),
    ]);
    const desc = `${text(own)}#${checksum}`;
    const request = [{ desc, active: true, timestamp: 'now', range: 100 }];
    const [result] = await regtest.rpc.walletCall<{ success: boolean }[]>(
      wallet,
      'importdescriptors',
      [request],
    );
    expect(result, JSON.stringify(result)).toMatchObject({ success: true });
  }
  const vault = await openElsewhere(text(publics));
  const { spendId, address } = await plan(vault);
  const given = await exported(vault, spendId);
  const one = await sign('first of three', given);
  expect(one.complete).toBe(false);
  expect(await imported(vault, spendId, one.psbt)).toMatchObject({ isComplete: false });
  expect(await vault.advance(spendId)).toBe('planned');
  // The third has seen the PSBT as it was given out at first: signatures are put together here.
  const three = await sign('third of three', given);
  expect(await imported(vault, spendId, three.psbt)).toMatchObject({ isComplete: true });
  await finished(vault, spendId, address);
});

test('what was given out to be signed and is sent by somebody else is recognised as ours', async () => {
  const name = 'sender';
  const key = keyOf(await newWallet(name, false), 'sh(wpkh(');
  const vault = await openElsewhere(`sh(wpkh(${key}/<0;1>/*))`);
  const { spendId, address } = await plan(vault);
  const { psbt } = await sign(name, await exported(vault, spendId));
  const { hex } = await regtest.rpc.call<{ hex: string }>('finalizepsbt', [psbt]);
  await regtest.rpc.call('sendrawtransaction', [hex]);
  await vault.until(spendId, { state: 'broadcast' });
  await regtest.mine(1);
  await vault.until(spendId, { state: 'confirmed' });
  expect(await vault.received(address)).toBe(1_200_000n);
});

test('a payout whose PSBT is signed and sent by somebody else is paid once, and the watcher goes on', async () => {
  const name = 'sender of payouts';
  const key = keyOf(await newWallet(name, false), 'sh(wpkh(');
  for (const vault of vaults.splice(0)) await vault.close();
  const vault = await openVault({
    ...{ ownerUrl, regtest, shop, signer: null, descriptor: `sh(wpkh(${key}/<0;1>/*))` },
    // As the flow has it: every transaction of ours passes by who looks for forgotten ones.
    ...{ listener: payoutSpendListener },
    adopter: createPaymentAdopter({ listener: noPayoutListener }),
  });
  vaults.push(vault);
  await vault.fund(2, 1_000_000n);
  const payer = openPayer(vault);
  const address = await regtest.newAddress();
  const id = await payer.payout(address, 1_200_000n);
  await payer.processor();
  await payer.round();
  const { spend_id: spendId } = await payer.until(id, { state: 'in_progress' });
  if (spendId === null) throw new Error('a payout in progress has a spend');
  // The node tells in whole seconds when it first saw a transaction.
  await shop.sql("UPDATE payout SET created_at = created_at - interval '1 minute'");
  const { psbt } = await sign(name, await exported(vault, spendId));
  const { hex } = await regtest.rpc.call<{ hex: string }>('finalizepsbt', [psbt]);
  await regtest.rpc.call('sendrawtransaction', [hex]);
  await payer.until(id, { state: 'broadcast' });
  await regtest.mine(1);
  await vault.until(spendId, { state: 'confirmed', version: 1 });
  expect(await payer.read(id)).toMatchObject({ state: 'confirmed', spend_id: spendId });
  expect((await vault.read(spendId)).versions).toHaveLength(1);
  expect(await vault.received(address)).toBe(1_200_000n);
});

test('a PSBT of another transaction, or with a broken signature, is refused and changes nothing', async () => {
  const name = 'careful';
  const key = keyOf(await newWallet(name, false), 'wpkh(');
  const vault = await openElsewhere(`wpkh(${key}/<0;1>/*)`);
  const { spendId } = await plan(vault);
  const given = await exported(vault, spendId);
  const to = await regtest.newAddress();
  const other = await regtest.walletRpc<{ psbt: string }>('walletcreatefundedpsbt', [
    [],
    [{ [to]: '0.1' }],
  ]);
  await expect(imported(vault, spendId, other.psbt)).rejects.toMatchObject({
    code: 'invalid_psbt',
  });
  await expect(imported(vault, spendId, 'no psbt')).rejects.toMatchObject({ code: 'invalid_psbt' });
  expect(await imported(vault, spendId, given)).toMatchObject({ added: 0, isComplete: false });
  expect(await vault.read(spendId)).toMatchObject({ state: 'planned' });
});
