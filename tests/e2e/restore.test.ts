import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Sats, Uuid } from '@quittance/kernel';
import { signApproval } from '@quittance/signer/client';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconcileAllStores } from '../../apps/server/src/accounting/reconciliation/index.ts';
import {
  createGate,
  markCaughtUp,
  readGuard,
  rememberingSigner,
} from '../../apps/server/src/paying/guard/index.ts';
import {
  createPaymentAdopter,
  noPayoutListener,
} from '../../apps/server/src/paying/payouts/index.ts';
import { bumpSpend, type SpendDeps } from '../../apps/server/src/paying/spends/index.ts';
import { openPayer, type Payer, payoutSpendListener } from '../support/payer.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { type RealSigner, startSigner } from '../support/vault-signer.ts';
import { coinFaults } from '../support/wallet-truth.ts';

const CLI = fileURLToPath(new URL('../../apps/server/src/cli.ts', import.meta.url));
/** A test's wallet; everybody knows these words (BIP39, test vectors). */
const WORDS = `${'abandon '.repeat(23)}art`;
/** More transactions than change addresses are watched ahead in everyday life. */
const SINGLES = 24;
const FINAL = 100;

let regtest: Regtest;
let postgres: TestPostgres;
let ownerUrl: string;
let signer: RealSigner;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  [regtest, postgres, signer] = await Promise.all([
    startRegtest(),
    startTestPostgres(),
    startSigner({ seed: WORDS }),
  ]);
  ownerUrl = await postgres.createDatabase();
}, 120_000);
afterAll(async () => {
  for (const close of closing.toReversed()) await close().catch(() => undefined);
  await signer.stop();
  await regtest.stop();
  await postgres.stop();
}, 60_000);

type Store = { vault: Vault; payer: Payer; close(): Promise<void> };
type Ids = { merchantId: Uuid; walletId: Uuid };

/** The parts of a server that pay, put together as the flow does. */
async function openStore(url: string, existing?: Ids): Promise<Store> {
  const current = signer;
  const vault = await openVault({
    ...{ ownerUrl: url, regtest, signer: current, listener: payoutSpendListener },
    adopter: createPaymentAdopter({ listener: noPayoutListener }),
    deps: (deps): SpendDeps => ({
      ...deps,
      signer: rememberingSigner(current.process.client, deps.database),
    }),
    ...(existing === undefined ? {} : { existing }),
  });
  const { id, publicKey } = current.process.approver;
  const approve = (terms: Parameters<typeof signApproval>[1]) =>
    signApproval(current.process.approver, terms);
  const payer = openPayer(vault, { approver: { id, publicKey, approve } });
  const close = async () => {
    await payer.stop();
    await vault.close();
  };
  closing.push(close);
  return { vault, payer, close };
}

/** Plans what is approved and pays it, until nothing is under way without a transaction. */
async function payAll({ vault, payer }: Store): Promise<void> {
  await payer.processor();
  await payer.round();
  const worker = vault.work();
  await eventually('everything is sent', async () => {
    const open = await vault.shop.sql(
      "SELECT id, state, reason FROM payout WHERE state IN ('approved', 'in_progress')",
    );
    return open.length === 0 ? true : open;
  });
  await worker.stop();
}

async function pauseProcessor({ vault }: Store, paused: boolean): Promise<void> {
  await vault.shop.sql('UPDATE payout_processor SET paused = $1', [paused]);
}

/** A copy of a database that nobody is connected to: stands in for a dump and its restore. */
async function copyDatabase(url: string, name: string): Promise<string> {
  const [from, to] = [new URL(url), new URL(url)];
  const admin = new URL(url);
  admin.pathname = '/postgres';
  to.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  await client.query(`CREATE DATABASE ${name} TEMPLATE ${from.pathname.slice(1)}`);
  await client.end();
  return to.href;
}

async function restoredCommand(url: string, ...args: string[]): Promise<void> {
  const env = { ...process.env, DATABASE_URL: url, QUITTANCE_NETWORK: 'regtest' };
  await promisify(execFile)(process.execPath, [CLI, 'restored', ...args], { env });
}

test('restore from backup: nothing is paid twice, everything is found, and the books fit to the satoshi', async () => {
  const before = await openStore(ownerUrl);
  const { vault } = before;
  const ids = { merchantId: vault.merchantId, walletId: vault.walletId };
  await vault.fund(SINGLES + 10, 1_000_000n);
  const expected = new Map<string, Sats>();
  const payouts = new Map<Uuid, string>();
  const promise = async (
    store: Store,
    amountSats: Sats,
    more: { approve?: boolean; feeFrom?: 'sender' | 'recipient'; to?: string } = {},
  ): Promise<Uuid> => {
    const { to = await regtest.newAddress(), ...options } = more;
    const id = await store.payer.payout(to, amountSats, options);
    expected.set(to, (expected.get(to) ?? 0n) + amountSats);
    payouts.set(id, to);
    return id;
  };

  // What the backup knows: one that is confirmed, one in the mempool, one that is only planned.
  await promise(before, 50_000n);
  await payAll(before);
  await regtest.mine(1);
  await vault.caughtUp();
  const bumped = await promise(before, 51_000n);
  await payAll(before);
  await before.payer.until(bumped, { state: 'broadcast' });
  await promise(before, 52_000n);
  await before.payer.processor();
  await before.payer.round();
  // What it knows as approved, or as waiting for approval.
  const waiting = await promise(before, 53_000n, { approve: false });
  const shared = await promise(before, 54_000n, { feeFrom: 'recipient' });
  const twins = await regtest.newAddress();
  await promise(before, 55_000n, { to: twins });
  const singles: Uuid[] = [];
  for (let i = 0; i < SINGLES; i++) singles.push(await promise(before, 20_000n + BigInt(i)));
  await before.close();
  const backup = await copyDatabase(ownerUrl, 'backup');

  // Life goes on after the backup.
  const after = await openStore(ownerUrl, ids);
  const { spend_id: bumpedSpend } = await after.payer.read(bumped);
  if (bumpedSpend === null) throw new Error('the payout has a spend');
  await after.vault.caughtUp();
  await after.vault.shop.database.asSystem((tx) =>
    bumpSpend(tx, after.vault.deps, {
      ...{ merchantId: ids.merchantId, spendId: bumpedSpend },
      ...{ feeRate: 9_000n, outbid: undefined },
    }),
  );
  const unknown = await after.payer.payout(await regtest.newAddress(), 77_000n);
  await pauseProcessor(after, true);
  const worker = after.vault.work();
  for (const id of [...singles, unknown]) {
    await after.payer.payNow(id);
    await after.payer.round();
    await after.payer.until(id, { state: 'broadcast' });
  }
  await worker.stop();
  await pauseProcessor(after, false);
  await payAll(after);
  await regtest.mine(3);
  await after.vault.caughtUp();
  // In one transaction with one that the backup does not know, and still in the mempool.
  await after.payer.approve(waiting);
  await after.payer.payout(await regtest.newAddress(), 78_000n);
  await payAll(after);
  await after.close();

  // The machine is gone: its database, and the signer's folder with the memory of what it signed.
  await postgres.dropDatabase(ownerUrl);
  await signer.stop();
  signer = await startSigner({ seed: WORDS });
  const restored = await copyDatabase(backup, 'restored');
  await restoredCommand(restored);

  const now = await openStore(restored, ids);
  const { database } = now.vault.shop;
  const gate = createGate(database, { info: () => undefined, warn: () => undefined });
  expect(await gate.closedBecause()).toMatch(/restored from a backup/);
  await now.vault.caughtUp();
  for (const id of payouts.keys()) {
    const { state } = await now.payer.read(id);
    expect([id, state]).toEqual([id, id === waiting ? 'broadcast' : 'confirmed']);
  }
  expect(await readFaults(now, ids)).toEqual([]);

  await restoredCommand(restored, '--release');
  expect(await gate.closedBecause()).toMatch(/read up to its tip/);
  await database.asSystem(markCaughtUp);
  expect(await gate.closedBecause()).toBeNull();

  // A payout made now to the twins' address is a new one: what was adopted does not pay it.
  const last = await promise(now, 55_000n, { to: twins });
  await promise(now, 58_000n);
  expect((await now.payer.read(last)).state).toBe('approved');
  await payAll(now);
  await regtest.mine(FINAL);
  await now.vault.caughtUp();
  for (const id of payouts.keys()) await now.payer.until(id, { state: 'final' });
  for (const [address, sats] of expected) {
    const got = await now.vault.received(address);
    const share = address === payouts.get(shared) ? sats - got : 0n;
    expect(share >= 0n && share < 5_000n).toBe(true);
    expect([address, got + share]).toEqual([address, sats]);
  }
  expect(await readFaults(now, ids)).toEqual([]);
  expect(await now.vault.shop.journalIsSound(ids.merchantId)).toBe(true);
  const [movement] = await now.vault.shop.sql<{ amount_sats: string }>(
    'SELECT amount_sats FROM wallet_movement WHERE amount_sats < 0 AND state = $1',
    ['booked'],
  );
  // What the backup never heard of is a withdrawal, for a person to look at.
  expect(Number(movement?.amount_sats)).toBeLessThan(-77_000);
}, 240_000);

async function readFaults({ vault }: Store, { merchantId }: Ids): Promise<string[]> {
  const { shop } = vault;
  const lines: string[] = [];
  const deps = {
    ...{ clock: shop.clock, ids: shop.ids, node: null },
    readAudience: async () => ({ store: 'S', locale: 'en', emails: [] }) as const,
  };
  const { ok } = await reconcileAllStores(shop.database, deps, (line) => lines.push(line));
  const [descriptor = ''] = signer.descriptor.split('#');
  const faults = await coinFaults(shop, regtest, { merchantId, descriptor });
  return [...(ok ? [] : lines), ...faults];
}

test('lost signer: one that has forgotten what it signed signs nothing until a person lets it', async () => {
  const url = await postgres.createDatabase();
  const store = await openStore(url);
  const ids = { merchantId: store.vault.merchantId, walletId: store.vault.walletId };
  await store.vault.fund(3, 1_000_000n);
  await store.payer.payout(await regtest.newAddress(), 60_000n);
  await payAll(store);
  await store.close();

  await signer.stop();
  signer = await startSigner({ seed: WORDS });
  const again = await openStore(url, ids);
  const id = await again.payer.payout(await regtest.newAddress(), 61_000n);
  await again.payer.processor();
  await again.payer.round();
  const worker = again.vault.work();
  await again.payer.until(id, { state: 'in_progress', reason: 'signer_unavailable' });
  await worker.stop();
  const { database } = again.vault.shop;
  const { heldReason } = await database.asSystem((tx) => readGuard(tx));
  expect(heldReason).toMatch(/has forgotten what it signed/);
  const gate = createGate(database, { info: () => undefined, warn: () => undefined });
  await database.asSystem(markCaughtUp);
  expect(await gate.closedBecause()).toBe(heldReason);

  await restoredCommand(url, '--release');
  again.vault.shop.clock.move(60_000);
  const next = again.vault.work();
  await again.payer.until(id, { state: 'broadcast' });
  await next.stop();
}, 120_000);
