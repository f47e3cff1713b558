import { formatBtc, type Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  advanceSpend,
  bumpSpend,
  readFeesToOutbid,
} from '../../apps/server/src/paying/spends/index.ts';
import { BitcoinRpcError } from '../../apps/server/src/platform/bitcoin-node/index.ts';
import { mineWith, takeBlocksOff } from '../support/coins.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually, openShop, type Shop } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { nodeSigner } from '../support/vault-signer.ts';

/** The same keys are in other software too, which spends the coins that we mean to spend. */
const OWNER = 'owner';
const FINAL_DEPTH = 100;

let regtest: Regtest;
let postgres: TestPostgres;
let shop: Shop;
let vault: Vault;
beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const ownerUrl = await postgres.createDatabase();
  shop = openShop({ ownerUrl, regtest });
  const signer = await nodeSigner(regtest, shop, OWNER);
  vault = await openVault({ ownerUrl, regtest, shop, signer });
});
afterAll(async () => {
  await vault.close();
  await shop.close();
  await regtest.stop();
  await postgres.stop();
});

type Raw = { txid: string; hex: string };

/** What a spend of ours takes. */
async function coinsOf(spendId: Uuid): Promise<{ txid: string; vout: number; anchor: boolean }[]> {
  const rows = await shop.sql<{ txid: string; vout: number; anchor: boolean }>(
    `SELECT encode(r.txid, 'hex') AS txid, r.vout,
            r.txid = s.anchor_txid AND r.vout = s.anchor_vout AS anchor
       FROM coin_reservation r JOIN spend s ON s.id = r.spend_id WHERE s.id = $1`,
    [spendId],
  );
  return rows.map((row) => ({
    ...row,
    txid: Buffer.from(row.txid, 'hex').reverse().toString('hex'),
  }));
}

/** A transaction of the other software that takes these coins. */
async function takenByOwner(coins: readonly { txid: string; vout: number }[]): Promise<Raw> {
  let sats = -2_000n;
  for (const { txid, vout } of coins) {
    type Out = { value: string };
    const out = await regtest.rpc.call<Out>('gettxout', [txid, vout, false]);
    sats += BigInt(Math.round(Number(out.value) * 100_000_000));
  }
  const to = await regtest.newAddress();
  const raw = await regtest.rpc.call<string>('createrawtransaction', [
    coins.map(({ txid, vout }) => ({ txid, vout })),
    [{ [to]: formatBtc(sats) }],
  ]);
  const { hex } = await regtest.rpc.walletCall<{ hex: string }>(
    OWNER,
    'signrawtransactionwithwallet',
    [raw],
  );
  const { txid } = await regtest.rpc.call<{ txid: string }>('decoderawtransaction', [hex]);
  return { txid, hex };
}

/** The node never gets it, and never says so: from here on the bytes may be anywhere. */
async function sendIntoTheDark(spendId: Uuid): Promise<void> {
  const node = {
    call: (async (method: string, ...rest: unknown[]) => {
      if (method !== 'sendrawtransaction') {
        return await Reflect.apply(vault.deps.node.call, undefined, [method, ...rest]);
      }
      throw new BitcoinRpcError('timeout', 'no answer');
    }) as typeof vault.deps.node.call,
  };
  const after = await advanceSpend({ ...vault.deps, node }, spendId);
  expect(after?.spend).toMatchObject({ state: 'signed', reason: 'node_unavailable' });
}

/** Coins that cost more to spend along than they bring on another day: none is taken in passing. */
const feeRate = 12_000n;

test('a coin that somebody else takes before anything was signed frees the payouts at once', async () => {
  await vault.fund(1, 500_000n);
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 400_000n }], { feeRate });
  const taken = await takenByOwner(await coinsOf(spendId));
  await mineWith(regtest, [taken]);
  await vault.until(spendId, { state: 'failed', reason: 'coin_gone' });
  expect(vault.changes.at(-1)).toMatchObject({ spendId, state: 'failed', retry: true });
  expect(await coinsOf(spendId)).toEqual([]);
  expect(await vault.advance(spendId)).toBe('failed');
});

test('a foreign transaction that takes the only coin is waited for until it is final', async () => {
  await vault.fund(1, 500_000n);
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 400_000n }], { feeRate });
  await sendIntoTheDark(spendId);
  const taken = await takenByOwner(await coinsOf(spendId));
  await mineWith(regtest, [taken]);
  await vault.until(spendId, { state: 'signed', reason: 'conflict_not_final' });
  await vault.advance(spendId);
  expect((await vault.read(spendId)).versions).toHaveLength(1);
  await regtest.mine(FINAL_DEPTH - 2);
  await vault.caughtUp();
  expect(await vault.read(spendId)).toMatchObject({ reason: 'conflict_not_final' });
  await regtest.mine(1);
  await vault.until(spendId, { state: 'failed', reason: 'coin_gone' });
  expect(vault.changes.at(-1)).toMatchObject({ spendId, state: 'failed', retry: true });
  expect(await vault.received(address)).toBe(0n);
});

test('with another coin in common the payouts are paid by a new version, and once', async () => {
  await vault.fund(3, 500_000n);
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 800_000n }], { feeRate });
  await sendIntoTheDark(spendId);
  const coins = await coinsOf(spendId);
  expect(coins).toHaveLength(2);
  const other = coins.find(({ anchor }) => !anchor);
  await mineWith(regtest, [await takenByOwner(coins.filter(({ anchor }) => anchor))]);
  await vault.until(spendId, { reason: 'conflict_not_final' });
  const worker = vault.work();
  await vault.until(spendId, { state: 'broadcast', version: 2 });
  await worker.stop();
  const [anchored] = (await coinsOf(spendId)).filter(({ anchor }) => anchor);
  expect(anchored).toMatchObject({ txid: other?.txid, vout: other?.vout });
  await regtest.mine(1);
  await vault.until(spendId, { state: 'confirmed', version: 2 });
  expect(await vault.received(address)).toBe(800_000n);
  // The first bytes can not be mined any more, whoever has them.
  const [first] = await shop.sql<{ raw: Buffer }>(
    'SELECT raw FROM spend_version WHERE spend_id = $1 AND version = 1',
    [spendId],
  );
  const hex = first?.raw.toString('hex');
  await expect(regtest.rpc.call('sendrawtransaction', [hex])).rejects.toThrow(/missing/);
});

test('a coin that a bump has added and somebody else takes is done without, though older bytes are possible', async () => {
  const { merchantId } = vault;
  await vault.fund(3, 500_000n);
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 498_000n }], { feeRate: 9_000n });
  expect(await vault.advance(spendId)).toBe('broadcast');
  const [first] = await coinsOf(spendId);
  const { id: own, outbid } = await shop.database.asTenant(merchantId, async (tx) => ({
    id: { merchantId, spendId },
    outbid: await readFeesToOutbid(tx, vault.deps, { merchantId, spendId }),
  }));
  // The fee that it pays now is more than what the first coin leaves.
  await shop.database.asTenant(merchantId, (tx) =>
    bumpSpend(tx, vault.deps, { ...own, feeRate: 25_000n, outbid }),
  );
  expect(await vault.advance(spendId)).toBe('broadcast');
  const added = (await coinsOf(spendId)).filter(
    (coin) => coin.vout !== first?.vout || coin.txid !== first?.txid,
  );
  expect(added).toHaveLength(1);
  await mineWith(regtest, [await takenByOwner(added)]);
  await vault.until(spendId, { state: 'broadcast', reason: 'conflict_not_final' });
  const worker = vault.work();
  await vault.until(spendId, { state: 'broadcast', version: 3 });
  await worker.stop();
  await regtest.mine(1);
  await vault.until(spendId, { state: 'confirmed', version: 3 });
  expect(await vault.received(address)).toBe(498_000n);
  expect(await shop.journalIsSound(merchantId)).toBe(true);
});

test('a coin that somebody else takes ends all that builds on it, however long that chain is', async () => {
  await vault.fund(1, 900_000n);
  const chain: Uuid[] = [];
  let taken: Raw | undefined;
  for (let n = 0; n < 3; n++) {
    const address = await regtest.newAddress();
    // The wallet has other coins: this one is made to build on the change before it.
    const amountSats = 880_000n - 20_000n * BigInt(n);
    const frozen = await freezeAllBut(n === 0 ? 900_000n : undefined);
    const spendId = await vault.planned([{ address, amountSats: amountSats / 4n }], { feeRate });
    await frozen.thaw();
    if (n === 0) taken = await takenByOwner(await coinsOf(spendId));
    expect(await vault.advance(spendId)).toBe('broadcast');
    const txid = (await vault.read(spendId)).versions[0]?.txid ?? '';
    await eventually('its change is seen', async () => {
      const stored = Buffer.from(txid, 'hex').reverse();
      return (await shop.sql('SELECT FROM coin WHERE live AND txid = $1', [stored])).length > 0;
    });
    chain.push(spendId);
  }
  if (taken === undefined) throw new Error('the first coin is taken');
  await mineWith(regtest, [taken]);
  for (const spendId of chain) await vault.until(spendId, { reason: 'conflict_not_final' });
  await regtest.mine(FINAL_DEPTH - 1);
  for (const spendId of chain) {
    await vault.until(spendId, { state: 'failed', reason: 'coin_gone' });
    expect(await coinsOf(spendId)).toEqual([]);
  }
  expect(await shop.journalIsSound(vault.merchantId)).toBe(true);
});

/** Leaves only coins of that value to choose from, or only change that waits. */
async function freezeAllBut(valueSats: bigint | undefined): Promise<{ thaw(): Promise<void> }> {
  const rows = await shop.sql<{ txid: string; vout: number; sats: string; waits: boolean }>(
    `SELECT encode(txid, 'hex') AS txid, vout, value_sats AS sats, height IS NULL AS waits FROM coin
      WHERE live AND spent_by IS NULL`,
  );
  for (const { txid, vout, sats, waits } of rows) {
    if (valueSats === undefined ? waits : BigInt(sats) === valueSats) continue;
    const ref = `${Buffer.from(txid, 'hex').reverse().toString('hex')}:${vout}`;
    await shop.sql(
      `INSERT INTO wallet_label (merchant_id, type, ref, label, rest, spendable)
       VALUES ($1, 'output', $2, '', '{}', false)`,
      [vault.merchantId, ref],
    );
  }
  return { thaw: async () => void (await shop.sql('DELETE FROM wallet_label')) };
}

test('a branch on which somebody else takes the coins takes the payment back', async () => {
  await vault.fund(1, 500_000n);
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 400_000n }], { feeRate });
  const coins = await coinsOf(spendId);
  const taken = await takenByOwner(coins);
  await vault.advance(spendId);
  await regtest.mine(1);
  await vault.until(spendId, { state: 'confirmed' });
  await takeBlocksOff(regtest, 1);
  await mineWith(regtest, [taken]);
  await regtest.mine(1);
  await vault.until(spendId, { state: 'broadcast', height: null, reason: 'conflict_not_final' });
  expect(vault.changes.at(-1)).toMatchObject({ before: 'broadcast', state: 'broadcast' });
  await regtest.mine(FINAL_DEPTH - 2);
  await vault.until(spendId, { state: 'failed', reason: 'coin_gone' });
  const [booked] = await shop.sql('SELECT booked_version FROM spend WHERE id = $1', [spendId]);
  expect(booked).toEqual({ booked_version: null });
  expect(await shop.journalIsSound(vault.merchantId)).toBe(true);
});
