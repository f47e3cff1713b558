import type { Uuid } from '@quittance/kernel';
import { signApproval } from '@quittance/signer/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPayer, type Payer, payoutSpendListener } from '../support/payer.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { type RealSigner, startSigner } from '../support/vault-signer.ts';

let regtest: Regtest;
let postgres: TestPostgres;
let signer: RealSigner;
let vault: Vault;
let payer: Payer;

beforeAll(async () => {
  [regtest, postgres, signer] = await Promise.all([
    startRegtest(),
    startTestPostgres(),
    startSigner({ policy: { perPayoutMaxSats: '500000' } }),
  ]);
  const ownerUrl = await postgres.createDatabase();
  vault = await openVault({ ownerUrl, regtest, signer, listener: payoutSpendListener });
  await vault.fund(10, 1_000_000n);
  const { id, publicKey } = signer.process.approver;
  const approve = (terms: Parameters<typeof signApproval>[1]) =>
    signApproval(signer.process.approver, terms);
  payer = openPayer(vault, { approver: { id, publicKey, approve } });
}, 120_000);
afterAll(async () => {
  await payer.stop();
  await vault.close();
  await signer.stop();
  await regtest.stop();
  await postgres.stop();
});

const stateOf = async (id: Uuid) => (await payer.read(id)).state;

test('the server approves to the signer what is approved here, and it is paid', async () => {
  await payer.processor();
  const address = await regtest.newAddress();
  const ids = [
    await payer.payout(address, 100_000n),
    await payer.payout(address, 100_000n, { feeFrom: 'recipient' }),
  ];
  await payer.round();
  const worker = vault.work();
  for (const id of ids) await payer.until(id, { state: 'broadcast' });
  await worker.stop();
  await regtest.mine(1);
  await vault.caughtUp();
  for (const id of ids) await payer.until(id, { state: 'confirmed' });
  const received = await vault.received(address);
  expect(received > 190_000n && received < 200_000n).toBe(true);
}, 60_000);

test('a signer that is away leaves payouts under way with the reason, and they go on with it', async () => {
  await payer.processor();
  await signer.process.kill();
  const id = await payer.payout(await regtest.newAddress(), 100_000n);
  await payer.round();
  const worker = vault.work();
  await payer.until(id, { state: 'in_progress', reason: 'signer_unavailable' });
  await signer.process.restart();
  await eventually('the signer is asked again', async () => {
    vault.shop.clock.move(5_000);
    return (await stateOf(id)) === 'broadcast' ? true : await payer.read(id);
  });
  await worker.stop();
  expect(await payer.read(id)).toMatchObject({ reason: null, attempts: 1 });
}, 60_000);

test('what the signer’s own policy refuses fails with the reason, and its amount is free again', async () => {
  await payer.processor();
  const before = await vault.shop.balances(vault.merchantId);
  const id = await payer.payout(await regtest.newAddress(), 600_000n);
  await payer.round();
  const worker = vault.work();
  await payer.until(id, { state: 'failed', reason: 'signer_refused', spend_id: null });
  await worker.stop();
  const after = await vault.shop.balances(vault.merchantId);
  expect(after['merchant.available']).toEqual(before['merchant.available']);
}, 60_000);
