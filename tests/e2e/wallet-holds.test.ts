import { formatBtc, type Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPaymentAdopter } from '../../apps/server/src/paying/payouts/index.ts';
import { readWalletHolds, release } from '../../apps/server/src/paying/guard/index.ts';
import { exportPsbt } from '../../apps/server/src/paying/spends/index.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { openPayer, type Payer, payoutSpendListener } from '../support/payer.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually, openShop, type Shop } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { nodeSigner } from '../support/vault-signer.ts';

const OWNER = 'owner';
/** Of each payout; the wallet's coins are a little larger. */
const SATS = 300_000n;

let regtest: Regtest;
let postgres: TestPostgres;
let shop: Shop;
let vault: Vault;
let payer: Payer;
let api: TestApi;
beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const ownerUrl = await postgres.createDatabase();
  shop = openShop({ ownerUrl, regtest });
  const signer = await nodeSigner(regtest, shop, OWNER);
  const readAudience = async () => ({ store: 'S', locale: 'en', emails: [] }) as const;
  const alerts = { clock: shop.clock, ids: shop.ids, readAudience };
  vault = await openVault({
    ...{ ownerUrl, regtest, shop, signer, listener: payoutSpendListener },
    adopter: createPaymentAdopter({ listener: { async payoutChanged() {} }, alerts }),
  });
  const fees = {
    ...vault.deps.fees,
    estimate: async ({ targetBlocks }: { targetBlocks: number }) => ({
      ...{ feeRate: 2_000n, source: 'node', targetBlocks, atMs: 0 },
    }),
  } as typeof vault.deps.fees;
  payer = openPayer(vault, { fees });
  api = await startTestApi({ ownerUrl });
}, 120_000);
afterAll(async () => {
  await api.close();
  await payer.stop();
  await vault.close();
  await shop.close();
  await regtest.stop();
  await postgres.stop();
});

/** What we paid after the backup and the database does not know: it pays these addresses. */
async function forgottenPayment(addresses: readonly string[]): Promise<string> {
  const outputs = addresses.map((address) => ({ [address]: formatBtc(SATS) }));
  const reserved = await shop.sql<{ txid: string; vout: number }>(
    `SELECT encode(r.txid, 'hex') AS txid, r.vout FROM coin_reservation r
       JOIN spend s ON s.id = r.spend_id WHERE s.state = 'planned'`,
  );
  const kept = reserved.map(({ txid, vout }) => ({
    ...{ vout, txid: Buffer.from(txid, 'hex').reverse().toString('hex') },
  }));
  await regtest.rpc.walletCall(OWNER, 'lockunspent', [false, kept]);
  type Sent = { txid: string };
  const sent = await regtest.rpc.walletCall<Sent>(OWNER, 'send', { outputs, fee_rate: 5 });
  return sent.txid;
}

/** Two payouts of which one is being paid already, and a transaction that pays both. */
async function holdTheWallet(): Promise<{ planned: Uuid; waiting: Uuid; plannedSpend: Uuid }> {
  const first = await regtest.newAddress();
  const second = await regtest.newAddress();
  const planned = await payer.payout(first, SATS);
  await payer.payNow(planned);
  await payer.round();
  const { spend_id: plannedSpend } = await payer.read(planned);
  const waiting = await payer.payout(second, SATS);
  await forgottenPayment([first, second]);
  await eventually('the wallet is held', async () => (await holds()).length === 1);
  if (plannedSpend === null) throw new Error('it is being paid');
  return { planned, waiting, plannedSpend };
}

const holds = () =>
  shop.database.asTenant(vault.merchantId, (tx) => readWalletHolds(tx, vault.merchantId));

const openAlerts = () =>
  shop.sql<{ kind: string }>('SELECT kind FROM alert WHERE resolved_at IS NULL');

test('a payment that fits open payouts only in part holds the wallet for processors, people and PSBTs', async () => {
  await vault.fund(6, 400_000n);
  const { planned, waiting, plannedSpend } = await holdTheWallet();
  expect(await openAlerts()).toEqual([{ kind: 'payouts_held' }]);

  // Nobody signs what is planned, whoever comes by.
  const worker = vault.work();
  await payer.processor();
  await payer.payNow(waiting);
  await payer.round();
  await vault.advance(plannedSpend);
  await worker.stop();
  expect(await payer.read(planned)).toMatchObject({ state: 'in_progress' });
  expect(await vault.read(plannedSpend)).toMatchObject({ state: 'planned' });
  expect(await payer.read(waiting)).toMatchObject({ state: 'approved', spend_id: null });
  const own = { merchantId: vault.merchantId, spendId: plannedSpend };
  const exported = shop.database.asTenant(own.merchantId, (tx) => exportPsbt(tx, vault.deps, own));
  await expect(exported).rejects.toMatchObject({ code: 'payouts_held' });

  // Settings of the processor that are written meanwhile do not let it go on.
  await shop.sql(`UPDATE payout_processor SET paused = false`);
  await payer.round();
  expect(await payer.read(waiting)).toMatchObject({ state: 'approved', spend_id: null });
});

test('only who may approve payouts lets a held wallet go on, and then everything does', async () => {
  const key = await api.keyFor(vault.merchantId);
  const narrow = await api.send('POST', '/v1/api-keys', {
    key,
    body: { name: 'asks', scopes: ['payouts:write', 'settings:write'] },
  });
  const path = `/v1/wallets/${vault.walletId}/release-hold`;
  const listed = await api.send('GET', '/v1/wallet-holds', { key: narrow.body.secret });
  expect(listed.body.data).toMatchObject([{ walletId: vault.walletId }]);
  expect(listed.body.data[0].reason).toMatch(/is not on record, and seems to pay/);
  const refused = await api.send('POST', path, { key: narrow.body.secret });
  expect(refused.status).toBe(403);
  const stranger = await api.createMerchant('Stranger');
  expect((await api.send('POST', path, { key: stranger.key })).status).toBe(404);
  expect(await holds()).toHaveLength(1);

  const once = { key, headers: { 'idempotency-key': 'release once' } };
  const released = await api.send('POST', path, once);
  expect(released.status).toBe(200);
  expect(await api.send('POST', path, once)).toMatchObject({ status: 200, body: released.body });
  expect(await holds()).toEqual([]);
  expect(await openAlerts()).toEqual([]);
  expect((await api.send('POST', path, { key })).status).toBe(404);
  await payer.round();
  const worker = vault.work();
  await eventually('all is paid', async () => {
    const [row] = await shop.sql<{ open: number }>(
      "SELECT count(*)::int AS open FROM payout WHERE state IN ('approved', 'in_progress')",
    );
    return row?.open === 0;
  });
  await worker.stop();
});

test('what the operator lets go on after a restore includes single wallets', async () => {
  await regtest.mine(1);
  await vault.caughtUp();
  await vault.fund(4, 400_000n);
  await holdTheWallet();
  await shop.database.asSystem(release);
  expect(await holds()).toEqual([]);
});

test('one payment by hand that can not even be planned holds up none of those behind it', async () => {
  await regtest.mine(1);
  await vault.caughtUp();
  // What was found is found again with its block, while its payouts are open.
  await shop.database.asSystem(release);
  await vault.fund(4, 400_000n);
  const broken = await payer.payout(await regtest.newAddress(), SATS);
  const behind = await payer.payout(await regtest.newAddress(), SATS);
  await shop.sql('UPDATE payout_processor SET paused = true');
  await payer.payNow(broken);
  await payer.payNow(behind);
  let asked = 0;
  const approver = {
    ...{ id: 'a', publicKey: 'a' },
    approve({ payoutId }: { payoutId: string }) {
      if (payoutId !== broken) return { approver: 'a', expiresAtMs: 0, signature: '' };
      asked++;
      throw new Error('nobody foresaw this');
    },
  };
  const deps = { ...payer.deps, approver } as unknown as typeof payer.deps;
  await expect(payer.round(deps)).rejects.toThrow('nobody foresaw this');
  expect(await payer.read(behind)).toMatchObject({ state: 'in_progress' });
  expect(await payer.read(broken)).toMatchObject({ state: 'approved', spend_id: null });

  // It waits a little longer each time, and is paid when it can be.
  await payer.round(deps);
  expect(asked).toBe(1);
  shop.clock.move(2_000);
  await expect(payer.round(deps)).rejects.toThrow('nobody foresaw this');
  shop.clock.move(2_000);
  await payer.round();
  expect(await payer.read(broken)).toMatchObject({ state: 'approved' });
  shop.clock.move(2_000);
  await payer.round();
  expect(await payer.read(broken)).toMatchObject({ state: 'in_progress' });
});
