import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelSpend, planPayoutSpend } from '../../apps/server/src/paying/spends/index.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually, openShop, type Shop } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { nodeSigner } from '../support/vault-signer.ts';

const CHAINED = 30;
const SATS = 10_000n;
const feeRate = 2_000n;

let regtest: Regtest;
let postgres: TestPostgres;
let shop: Shop;
let vault: Vault;
beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const ownerUrl = await postgres.createDatabase();
  shop = openShop({ ownerUrl, regtest });
  vault = await openVault({
    ...{ ownerUrl, regtest, shop, signer: await nodeSigner(regtest, shop, 'owner') },
  });
}, 120_000);
afterAll(async () => {
  await vault.close();
  await shop.close();
  await regtest.stop();
  await postgres.stop();
});

type Entry = { ancestorcount: number };

test('of 30 payouts from one coin no transaction is ever too deep for the node, and all are paid', async () => {
  await vault.fund(1, 5_000_000n);
  const addresses: string[] = [];
  let deepest = 0;
  let waits = 0;
  while (addresses.length < CHAINED) {
    const address = await regtest.newAddress();
    const plan = await vault.plan([{ address, amountSats: SATS }], { feeRate });
    if (!plan.ok) {
      // Enough waits: the rest is paid with the next block.
      expect(plan.reason).toBe('insufficient_funds');
      waits++;
      await regtest.mine(1);
      await vault.caughtUp();
      continue;
    }
    addresses.push(address);
    const spendId = plan.spendId as Uuid;
    expect(await vault.advance(spendId)).toBe('broadcast');
    const txid = (await vault.read(spendId)).versions[0]?.txid;
    await eventually('the change is seen', async () => {
      const stored = Buffer.from(txid ?? '', 'hex').reverse();
      const coins = await shop.sql('SELECT FROM coin WHERE live AND txid = $1', [stored]);
      return coins.length > 0;
    });
    const { ancestorcount } = await regtest.rpc.call<Entry>('getmempoolentry', [txid]);
    deepest = Math.max(deepest, ancestorcount);
  }
  expect(waits).toBe(1);
  expect(deepest).toBeGreaterThan(10);
  expect(deepest).toBeLessThan(25);
  await regtest.mine(1);
  await vault.caughtUp();
  for (const address of addresses) expect(await vault.received(address)).toBe(SATS);
}, 120_000);

test('what was given up before anybody had it can be planned again as the very same transaction', async () => {
  const merchantId = vault.merchantId;
  const address = await regtest.newAddress();
  const [own] = await shop.sql<{ sats: string }>(
    'SELECT sum(value_sats)::text AS sats FROM coin WHERE live AND spent_by IS NULL',
  );
  // Everything there is, so that no change makes one transaction differ from the next.
  const output = {
    ...vault.output({ address, amountSats: BigInt(own?.sats ?? 0), feeFrom: 'recipient' }),
    maxFeeShareSats: 100_000n,
  };
  const plan = () =>
    shop.database.asSystem((tx) =>
      // The same throw of the dice, as it may come again.
      planPayoutSpend(
        tx,
        { ...vault.deps, random: (target) => target.fill(255) },
        {
          ...{ merchantId, walletId: vault.walletId, outputs: [output], feeRate, origin: 'manual' },
          limits: { maxFeeRate: 1_000_000n, maxFeeShareBps: null },
          longTermFeeRate: feeRate,
        },
      ),
    );
  const first = await plan();
  if (!first.ok || first.spendId === null) throw new Error(JSON.stringify(first));
  expect(first.changeSats).toBeNull();
  const { spendId } = first;
  await shop.database.asTenant(merchantId, (tx) =>
    cancelSpend(tx, vault.deps, { merchantId, spendId, feeRate, outbid: undefined }),
  );
  const second = await plan();
  if (!second.ok || second.spendId === null) throw new Error(JSON.stringify(second));
  expect(second.txid).toBe(first.txid);
  expect(await vault.advance(second.spendId)).toBe('broadcast');
  await regtest.mine(1);
  await vault.until(second.spendId, { state: 'confirmed' });
  expect(await vault.read(spendId)).toMatchObject({ state: 'failed', reason: 'cancelled' });
  expect(await shop.journalIsSound(merchantId)).toBe(true);
});
