import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  compareWithNode,
  reconcileStore,
} from '../../apps/server/src/accounting/reconciliation/index.ts';
import { createSpendsFollower } from '../../apps/server/src/paying/spends/index.ts';
import { mineWith, takeBlocksOff } from '../support/coins.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { type RealSigner, startSigner } from '../support/vault-signer.ts';

let regtest: Regtest;
let postgres: TestPostgres;
let signer: RealSigner;
let vault: Vault;
let funded: string[];
beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const ownerUrl = await postgres.createDatabase();
  signer = await startSigner();
  vault = await openVault({ ownerUrl, regtest, signer });
  funded = await vault.fund(5, 1_000_000n);
});
afterAll(async () => {
  await vault.close();
  await signer.stop();
  await regtest.stop();
  await postgres.stop();
});

/** What a thorough comparison says at this very moment, waiting for nothing. */
async function compared() {
  const { shop, merchantId } = vault;
  const deps = {
    clock: shop.clock,
    ids: shop.ids,
    readAudience: () => Promise.resolve({ store: 'Vault', locale: 'en' as const, emails: [] }),
  };
  return await shop.database.asTenant(merchantId, (tx) =>
    reconcileStore(tx, deps, merchantId, { node: null, thorough: true }),
  );
}

test('a spend breaks no equation at any moment: sent, seen, mined, taken off, mined again', async () => {
  expect(await compared()).toMatchObject({ state: 'ok', differenceSats: 0n });
  // One output goes to a stranger and one to an address of our own, which is a deposit.
  const own = funded[0] ?? '';
  const spendId = await vault.planned([
    { address: await regtest.newAddress(), amountSats: 300_000n },
    { address: own, amountSats: 200_000n },
  ]);
  expect(await compared()).toMatchObject({ state: 'ok', explained: [] });
  await vault.watcher.stop();
  await vault.advance(spendId);
  await vault.advance(spendId);
  await vault.until(spendId, { state: 'broadcast' });
  // The book has it and the record, which nobody keeps just now, has not: explained, not a break.
  const unseen = await compared();
  expect(unseen).toMatchObject({ state: 'ok', differenceSats: 0n });
  expect(unseen.explained).toMatchObject([{ kind: 'spend_not_on_record', spendId }]);

  vault.watcher = vault.shop.watch({ followers: [createSpendsFollower(vault.deps)] });
  await vault.caughtUp();
  expect(await compared()).toMatchObject({ state: 'ok', explained: [] });
  await regtest.mine(1);
  await vault.caughtUp();
  expect(await compared()).toMatchObject({ state: 'ok', explained: [] });
  await takeBlocksOff(regtest, 1);
  await mineWith(regtest, []);
  await mineWith(regtest, []);
  await vault.caughtUp();
  expect(await compared()).toMatchObject({ state: 'ok', differenceSats: 0n });
  await regtest.mine(1);
  await vault.caughtUp();
  expect(await compared()).toMatchObject({ state: 'ok', explained: [] });
  const { shop, merchantId } = vault;
  const node = await compareWithNode(
    { database: shop.database, network: 'regtest', node: regtest.rpc, sleep },
    merchantId,
  );
  expect(node).toEqual({ readable: true, nodeOnly: [], recordOnly: [] });
});
