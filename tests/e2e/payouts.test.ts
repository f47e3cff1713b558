import { defaultComplianceSettings } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  orderSettled,
  paymentConfirmed,
  paymentSeen,
  postTransfers,
} from '../../apps/server/src/accounting/ledger/index.ts';
import {
  payoutScreen,
  startPayoutChecks,
} from '../../apps/server/src/compliance/payout-holds/index.ts';
import { screenerOver } from '../../apps/server/src/compliance/screening/index.ts';
import { noPayoutListener, watchStuckPayouts } from '../../apps/server/src/paying/payouts/index.ts';
import {
  armFaultPointForTest,
  faultPointNames,
} from '../../apps/server/src/platform/fault-points.ts';
import { startTestApi } from '../support/api.ts';
import { listed as listedPerson } from '../support/customers.ts';
import { openPayer, type Payer, payoutSpendListener } from '../support/payer.ts';
import { startPayoutWorker } from '../support/payout-worker.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually, openShop } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { nodeSigner } from '../support/vault-signer.ts';

let regtest: Regtest;
let postgres: TestPostgres;
let ownerUrl: string;
let vault: Vault;
let payer: Payer;
/** An address of the vault that is watched. */
let deposit: string;

beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  ownerUrl = await postgres.createDatabase();
  const shop = openShop({ ownerUrl, regtest });
  const signer = await nodeSigner(regtest, shop, 'hot');
  const listener = payoutSpendListener;
  vault = await openVault({ ownerUrl, regtest, shop, signer, listener });
  // As many addresses as are derived with a wallet.
  [deposit = ''] = await vault.fund(20, 2_000_000n);
  payer = openPayer(vault);
}, 120_000);
afterAll(async () => {
  await payer.stop();
  await vault.close();
  await vault.shop.close();
  await regtest.stop();
  await postgres.stop();
});

/** Mines until everything that was sent is deep enough, and lets the watcher see it. */
async function mine(blocks: number): Promise<void> {
  await regtest.mine(blocks);
  await vault.caughtUp();
}

/** Works on due spends until none is left that only waits for a worker. */
async function sendAll(): Promise<void> {
  const worker = vault.work();
  await eventually('nothing is left to be sent', async () => {
    const open = await vault.shop.sql<{ id: Uuid; state: string }>(
      `SELECT id, state FROM spend WHERE state IN ('planned', 'signed')`,
    );
    return open.length === 0 ? true : open;
  });
  await worker.stop();
}

/** The ledger as far as payouts go: nothing is promised or on its way that no payout explains. */
async function expectBooksToFit(): Promise<void> {
  const [open] = await vault.shop.sql<{ reserved: string }>(
    `SELECT coalesce(sum(amount_sats), 0) AS reserved FROM payout
      WHERE state IN ('approved', 'in_progress')`,
  );
  const balances = await vault.shop.balances(vault.merchantId);
  expect(balances['payouts.in_transit']).toEqual({
    posted: 0n,
    pending: BigInt(open?.reserved ?? 0),
  });
  expect(await vault.shop.journalIsSound(vault.merchantId)).toBe(true);
}

test('a processor pays what is approved in one transaction, and it becomes final', async () => {
  await payer.processor();
  const addresses = await Promise.all(Array.from({ length: 5 }, () => regtest.newAddress()));
  const ids: Uuid[] = [];
  for (const [n, address] of addresses.entries()) {
    const feeFrom = n % 2 === 0 ? 'sender' : 'recipient';
    ids.push(await payer.payout(address, 100_000n, { feeFrom }));
  }
  const waiting = await payer.payout(await regtest.newAddress(), 100_000n, { approve: false });
  await payer.round();
  const views = await Promise.all(ids.map((id) => payer.read(id)));
  expect(new Set(views.map(({ spend_id }) => spend_id)).size).toBe(1);
  expect(
    views.every(({ state, origin }) => state === 'in_progress' && origin === 'processor_auto'),
  ).toBe(true);
  await sendAll();
  for (const id of ids) await payer.until(id, { state: 'broadcast' });
  await mine(1);
  for (const id of ids) await payer.until(id, { state: 'confirmed' });
  for (const [n, address] of addresses.entries()) {
    const received = await vault.received(address);
    if (n % 2 === 0) expect(received).toBe(100_000n);
    else expect(received > 99_000n && received < 100_000n).toBe(true);
  }
  expect(await payer.read(waiting)).toMatchObject({ state: 'awaiting_approval', spend_id: null });
  await mine(99);
  for (const id of ids) await payer.until(id, { state: 'final' });
  await expectBooksToFit();
  const events = await vault.shop.events(vault.merchantId);
  const types = events
    .filter(({ data }) => data['payoutId'] === ids[0])
    .map(({ type, data }) => [type, data['origin']]);
  expect(types).toEqual([
    ['payout.created', null],
    ['payout.approved', null],
    ['payout.in_progress', 'processor_auto'],
    ['payout.broadcast', 'processor_auto'],
    ['payout.confirmed', 'processor_auto'],
    ['payout.final', 'processor_auto'],
  ]);
}, 120_000);

test('payout-crash-while-paying: wherever it dies, each payout is paid once and its state says so', async () => {
  await payer.processor({ batchSize: 2 });
  const points = faultPointNames().filter(
    (name) =>
      (name.startsWith('spend-') && name !== 'spend-followed-uncommitted') ||
      name.startsWith('payout-plan') ||
      name === 'payout-told-uncommitted',
  );
  expect(points.length).toBeGreaterThan(8);
  const paid: { id: Uuid; address: string }[] = [];
  const struck: string[] = [];
  for (const name of points) {
    const both: typeof paid = [];
    for (let n = 0; n < 2; n++) {
      const address = await regtest.newAddress();
      both.push({ address, id: await payer.payout(address, 20_000n) });
    }
    paid.push(...both);
    armFaultPointForTest({
      name,
      strike: () => {
        struck.push(name);
        throw new Error(`died at ${name}`);
      },
    });
    // A worker dies; the next one finds what the first one left.
    await payer.round().catch(() => undefined);
    const [stored] = await vault.shop.sql<{ id: Uuid }>(
      `SELECT id FROM spend WHERE state IN ('planned', 'signed') ORDER BY created_at LIMIT 1`,
    );
    if (stored !== undefined) await vault.advance(stored.id).catch(() => undefined);
    armFaultPointForTest(null);
    vault.shop.clock.move(120_000);
    await payer.round();
    await sendAll();
    await mine(1);
  }
  // A point that is never reached would show nothing; the watcher has one of its own.
  expect(points.filter((name) => !struck.includes(name))).toEqual([]);
  for (const { id, address } of paid) {
    const view = await payer.until(id, { state: 'confirmed' });
    expect(await vault.received(address), view.txid ?? '').toBe(20_000n);
  }
  await expectBooksToFit();
}, 180_000);

test('payout-approve-and-pay-race: of processors and people on several servers one pays', async () => {
  await payer.processor({ batchSize: 3, retries: { maxAttempts: 10, delaySeconds: 1 } });
  // Two servers' workers in processes of their own, and one in this.
  const others = await Promise.all([startPayoutWorker(ownerUrl), startPayoutWorker(ownerUrl)]);
  const addresses = await Promise.all(Array.from({ length: 24 }, () => regtest.newAddress()));
  const ids: Uuid[] = [];
  for (const address of addresses)
    ids.push(await payer.payout(address, 15_000n, { approve: false }));
  const running = [payer.work(), ...others, vault.work(), vault.work()];
  onTestFinished(async () => {
    await Promise.all(running.map((each) => each.stop()));
  });
  await Promise.all(
    ids.flatMap((id) => [
      payer.approve(id).then(() => payer.payNow(id).catch(() => undefined)),
      payer.approve(id).catch(() => undefined),
      payer.payNow(id).catch(() => undefined),
    ]),
  );
  // Coins come back as change; whoever found none is tried again.
  await eventually('all are sent', async () => {
    vault.shop.clock.move(2_000);
    await regtest.mine(1);
    const views = await Promise.all(ids.map((id) => payer.read(id)));
    const open = views.filter(({ state }) => state === 'approved' || state === 'in_progress');
    return open.length === 0 ? true : open;
  });
  await vault.caughtUp();
  await mine(1);
  for (const [n, id] of ids.entries()) {
    await payer.until(id, { state: 'confirmed', attempts: 1 });
    expect(await vault.received(addresses[n] ?? '')).toBe(15_000n);
  }
  const twice = await vault.shop.sql(
    'SELECT payout_id FROM spend_output GROUP BY payout_id HAVING count(*) > 1',
  );
  expect(twice).toEqual([]);
  await expectBooksToFit();
}, 120_000);

test('busy-address-payout: two open payouts to one address are both paid, each once', async () => {
  await payer.processor();
  const address = await regtest.newAddress();
  const ids = [await payer.payout(address, 30_000n), await payer.payout(address, 30_000n)];
  await payer.round();
  await sendAll();
  await mine(1);
  for (const id of ids) await payer.until(id, { state: 'confirmed' });
  expect(await vault.received(address)).toBe(60_000n);
}, 60_000);

test('a payment by hand that can not even be planned keeps no processor from paying', async () => {
  await payer.processor({ limits: { perPayoutMaxSats: '50000', perDayMaxSats: null } });
  const broken = await payer.payout(await regtest.newAddress(), 90_000n);
  await payer.payNow(broken);
  const fine = await payer.payout(await regtest.newAddress(), 30_000n);
  const { fees } = payer.deps;
  let asked = 0;
  const brokenOnce = {
    ...fees,
    longTerm() {
      asked += 1;
      if (asked === 1) throw new Error('this one breaks the plan');
      return fees.longTerm();
    },
  };
  await expect(payer.round({ ...payer.deps, fees: brokenOnce })).rejects.toThrow(
    'this one breaks the plan',
  );
  expect(await payer.read(fine)).toMatchObject({ state: 'in_progress' });
  await vault.shop.sql('UPDATE payout SET pay_request = NULL, not_before = NULL WHERE id = $1', [
    broken,
  ]);
  await payer.processor();
  await payer.round();
  await sendAll();
  await mine(1);
  for (const id of [broken, fine]) await payer.until(id, { state: 'confirmed' });
}, 60_000);

async function openAlerts(kind: string): Promise<{ severity: string; subject: string }[]> {
  return await vault.shop.sql(
    'SELECT severity, subject FROM alert WHERE kind = $1 AND resolved_at IS NULL ORDER BY id',
    [kind],
  );
}

test('a fee above the policy leaves payouts approved with the reason, alerts, and goes on later', async () => {
  const feePolicy = { targetBlocks: 2, maxFeeRateSatPerVb: 1, maxFeeShareBps: 10_000 };
  const retries = { maxAttempts: 10, delaySeconds: 1 };
  await payer.processor({ feePolicy, retries });
  const id = await payer.payout(await regtest.newAddress(), 50_000n);
  await payer.round();
  expect(await payer.read(id)).toMatchObject({ state: 'approved', reason: 'fee_above_limit' });
  expect(await openAlerts('fee_above_policy')).toMatchObject([{ severity: 'warning' }]);
  await payer.processor({ retries });
  await payer.round();
  expect(await payer.read(id)).toMatchObject({ state: 'in_progress', reason: null });
  expect(await openAlerts('fee_above_policy')).toEqual([]);
  await sendAll();
  await mine(1);
  await payer.until(id, { state: 'confirmed' });
}, 60_000);

test('a wallet that is too poor pays the longest waiting, says why the others wait, and alerts', async () => {
  await payer.processor({ lowWalletSats: '1000', retries: { maxAttempts: 10, delaySeconds: 1 } });
  const [held] = await vault.shop.sql<{ sats: string }>(
    `SELECT sum(value_sats) AS sats FROM coin WHERE wallet_id = $1 AND live AND spent_by IS NULL`,
    [vault.walletId],
  );
  // Together more than there is; the merchant has earned more than the wallet holds.
  const each = (BigInt(held?.sats ?? 0) * 3n) / 4n;
  await earn(each * 4n);
  const first = await payer.payout(await regtest.newAddress(), each);
  const second = await payer.payout(await regtest.newAddress(), each);
  await payer.round();
  expect(await payer.read(first)).toMatchObject({ state: 'in_progress' });
  expect(await payer.read(second)).toMatchObject({
    state: 'approved',
    reason: 'insufficient_funds',
  });
  expect(await openAlerts('hot_wallet_low')).toMatchObject([{ severity: 'critical' }]);
  await sendAll();
  await regtest.sendTo(deposit, each * 2n);
  await mine(1);
  vault.shop.clock.move(60_000);
  await payer.round();
  await payer.until(second, { state: 'in_progress' });
  expect(await openAlerts('hot_wallet_low')).toEqual([]);
  await sendAll();
  await mine(1);
  for (const id of [first, second]) await payer.until(id, { state: 'confirmed' });
}, 60_000);

test('what stands still is alerted of, once for each, until it moves', async () => {
  await vault.shop.sql(`UPDATE payout SET state_since = now() WHERE stuck_at IS NULL`);
  const id = await payer.payout(await regtest.newAddress(), 10_000n, { approve: false });
  await watchStuckPayouts(payer.deps);
  expect((await openAlerts('payout_stuck')).map(({ subject }) => subject)).not.toContain(id);
  vault.shop.clock.move(25 * 3_600_000);
  await watchStuckPayouts(payer.deps);
  await watchStuckPayouts(payer.deps);
  const open = await openAlerts('payout_stuck');
  expect(open.filter(({ subject }) => subject === id)).toHaveLength(1);
  vault.shop.clock.move(1_000);
  await payer.approve(id);
  await watchStuckPayouts(payer.deps);
  expect((await openAlerts('payout_stuck')).map(({ subject }) => subject)).not.toContain(id);
}, 60_000);

/** What the store has earned elsewhere. */
async function earn(amountSats: bigint): Promise<void> {
  const { ids, clock } = payer.deps;
  const at = { paymentId: ids.next(), orderId: ids.next(), epoch: 0, atMs: clock.nowMs() };
  const args = { merchantId: vault.merchantId, amountSats, ...at };
  const settled = orderSettled({ ...args, dueSats: amountSats, excessSats: 0n });
  await vault.shop.database.asSystem((tx) =>
    postTransfers(tx, [paymentSeen(args), paymentConfirmed(args), settled]),
  );
}

test('a payout whose transaction is made impossible for good comes back, and is paid by another', async () => {
  await payer.processor({ retries: { maxAttempts: 10, delaySeconds: 1 } });
  const address = await regtest.newAddress();
  const id = await payer.payout(address, 40_000n);
  const before = await vault.shop.balances(vault.merchantId);
  await payer.round();
  await sendAll();
  const { spend_id } = await payer.until(id, { state: 'broadcast' });
  const inputs = await vault.shop.sql<{ txid: string; vout: number }>(
    `SELECT encode(txid, 'hex') AS txid, vout FROM coin_reservation WHERE spend_id = $1`,
    [spend_id],
  );
  // Somebody else with the same keys takes all its coins, and that is mined.
  const taken = inputs.map(({ txid, vout }) => ({
    txid: Buffer.from(txid, 'hex').reverse().toString('hex'),
    vout,
  }));
  const back = { [deposit]: '0.001' };
  const raw = await regtest.rpc.call<string>('createrawtransaction', [taken, [back]]);
  const signed = await regtest.rpc.walletCall<{ hex: string }>(
    'hot',
    'signrawtransactionwithwallet',
    [raw],
  );
  await regtest.rpc.call('generateblock', [await regtest.newAddress(), [signed.hex]]);
  await regtest.mine(99);
  await vault.caughtUp();
  await payer.until(id, { state: 'approved', reason: 'coin_gone', spend_id: null });
  const after = await vault.shop.balances(vault.merchantId);
  expect(after['payouts.in_transit']).toEqual(before['payouts.in_transit']);
  await regtest.sendTo(deposit, 500_000n);
  await mine(1);
  vault.shop.clock.move(10_000);
  await payer.round();
  await sendAll();
  await mine(1);
  await payer.until(id, { state: 'confirmed', attempts: 2 });
  expect(await vault.received(address)).toBe(40_000n);
  await expectBooksToFit();
}, 90_000);

test('a list that changes holds what waits and nothing that is under way; a release pays it once', async () => {
  await payer.processor();
  const { merchantId, shop } = vault;
  const { clock, ids, database } = shop;
  const api = await startTestApi({ ownerUrl, clock });
  onTestFinished(() => api.close());
  const [ann, bob] = [await api.keyFor(merchantId), await api.keyFor(merchantId)];
  const ok = async (method: string, path: string, key: string, body?: unknown) => {
    const answer = await api.send(method, `/v1/compliance${path}`, { key, body });
    expect(answer.status, `${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  await ok('PUT', '/settings', ann, { ...defaultComplianceSettings, payoutScreening: true });
  const listed = await regtest.newAddress();
  let hit = await screenerOver([]);
  const lists = {
    lookupAddress: (asset: string, address: string) => hit.lookupAddress(asset, address),
    epoch: () => 0n,
    onSwitch: () => () => {},
  };
  const also = async () => new Map();
  const screened = { ...payer.deps, screen: payoutScreen({ clock, lists, also }) };
  const checks = startPayoutChecks({
    ...{ database, clock, ids, lists, also, listener: noPayoutListener },
    onError: (error) => expect.fail(String(error)),
  });
  onTestFinished(() => checks.stop());

  // The first is being paid when the list changes, the second waits for the next run.
  const sent = await payer.payout(listed, 30_000n);
  await payer.round(screened);
  const waiting = await payer.payout(listed, 40_000n);
  const addresses = [{ asset: 'XBT', address: listed }];
  const entries = [listedPerson('e1', 'Nobody In Particular', { addresses })];
  hit = await screenerOver([{ list: 'ofac', purpose: 'sanctions', entries }]);
  await database.asSystem((tx) => tx.query(`SELECT pg_notify('quittance_payout_checks', '')`));
  await payer.until(waiting, { state: 'approved', reason: 'destination_held' });
  await payer.round(screened);
  await sendAll();
  await mine(1);
  await payer.until(sent, { state: 'confirmed', reason: null });
  expect(await payer.read(waiting)).toMatchObject({ state: 'approved', spend_id: null });
  expect(await vault.received(listed)).toBe(30_000n);
  await expectBooksToFit();

  const { data } = await ok('GET', `/cases?subject_type=payout&subject_id=${waiting}`, bob);
  const path = `/cases/${data[0].id}`;
  const proposed = await ok('POST', `${path}/proposal`, ann, { outcome: 'release', reason: 'r' });
  const approval = { proposalId: proposed.proposal.id, outcome: 'release' };
  await ok('POST', `${path}/approve`, bob, approval);
  await payer.until(waiting, { state: 'approved', reason: null });
  await payer.round(screened);
  await payer.round(screened);
  await sendAll();
  await mine(1);
  await payer.until(waiting, { state: 'confirmed' });
  expect(await vault.received(listed)).toBe(70_000n);
  await expectBooksToFit();
}, 120_000);
