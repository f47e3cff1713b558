import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { type RealSigner, startSigner } from '../support/vault-signer.ts';

let regtest: Regtest;
let postgres: TestPostgres;
let signer: RealSigner;
let vault: Vault;
beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const ownerUrl = await postgres.createDatabase();
  signer = await startSigner();
  vault = await openVault({ ownerUrl, regtest, signer });
  await vault.fund(12, 1_000_000n);
});
afterAll(async () => {
  await vault.close();
  await signer.stop();
  await regtest.stop();
  await postgres.stop();
});

test('a spend goes from its plan over the signer and the node into the chain', async () => {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 1_500_000n }]);
  expect(await vault.read(spendId)).toMatchObject({ state: 'planned' });
  expect(await vault.advance(spendId)).toBe('broadcast');
  await regtest.mine(1);
  await vault.caughtUp();
  await vault.until(spendId, { state: 'confirmed', reason: null });
  expect(await vault.received(address)).toBe(1_500_000n);
});
