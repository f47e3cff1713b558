import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  orderSettled,
  paymentConfirmed,
  paymentSeen,
  postTransfers,
} from '../../apps/server/src/accounting/ledger/index.ts';
import { watchStuckPayouts } from '../../apps/server/src/paying/payouts/index.ts';
import {
  armFaultPointForTest,
  faultPointNames,
} from '../../apps/server/src/platform/fault-points.ts';
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
  const running = [payer.work(), ...others];
  const senders = [vault.work(), vault.work()];
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
  await Promise.all([...running, ...senders].map((each) => each.stop()));
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
