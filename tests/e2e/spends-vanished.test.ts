import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { advanceSpend, type SpendDeps } from '../../apps/server/src/paying/spends/index.ts';
import { BitcoinRpcError } from '../../apps/server/src/platform/bitcoin-node/index.ts';
import { broadcast, makeCoins, mineWith, spend, takeBlocksOff } from '../support/coins.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually, openShop, type Shop } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { nodeSigner } from '../support/vault-signer.ts';

/** The node drops what has waited in its mempool longer than 336 hours (its `mempoolexpiry`). */
const BEYOND_EXPIRY_S = 15 * 24 * 60 * 60;
/** Coins that cost more to spend along than they bring on another day: none is taken in passing. */
const feeRate = 12_000n;
/** Less than it costs to spend at that rate. */
const WORTHLESS_SATS = 600n;

let regtest: Regtest;
let postgres: TestPostgres;
let shop: Shop;
let vault: Vault;
beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const ownerUrl = await postgres.createDatabase();
  shop = openShop({ ownerUrl, regtest });
  const signer = await nodeSigner(regtest, shop, 'owner');
  vault = await openVault({ ownerUrl, regtest, shop, signer });
});
afterAll(async () => {
  await vault.close();
  await shop.close();
  await regtest.stop();
  await postgres.stop();
});

/** A coin of the vault's, made of somebody else's, and both transactions that it hangs on. */
type Funded = { theirs: string; ours: string };

async function fund(amountSats: bigint): Promise<Funded> {
  // Not worth spending: it is there for its address.
  const [address = ''] = await vault.fund(1, WORTHLESS_SATS);
  const [coin] = await makeCoins(regtest, 1, amountSats * 2n);
  if (coin === undefined) throw new Error('a coin was made');
  const theirs = await regtest.rpc.call<string>('getrawtransaction', [coin.txid]);
  const paid = await spend(regtest, coin, [{ address, amountSats }]);
  await broadcast(regtest, paid);
  await regtest.mine(1);
  await vault.caughtUp();
  return { theirs, ours: paid.txid };
}

/**
 * The two newest blocks leave the chain, and what was in them leaves the mempool too. What has paid us
 * we could send again, but what it was paid from is nothing of ours.
 */
async function vanish({ ours }: Funded): Promise<void> {
  await takeBlocksOff(regtest, 2);
  const nowS = Math.floor(Date.now() / 1_000);
  await regtest.rpc.call('setmocktime', [nowS + BEYOND_EXPIRY_S]);
  // The node looks for what is too old whenever it takes something.
  await regtest.rpc.call('sendrawtransaction', [await selfPayment()]);
  await regtest.rpc.call('setmocktime', [0]);
  // As high as before, so that what is signed for that height is not too early.
  for (let n = 0; n < 2; n++) await mineWith(regtest, []);
  await eventually('the record says that it has vanished', async () => {
    const [row] = await shop.sql<{ state: string }>(
      'SELECT state FROM chain_transaction WHERE txid = $1',
      [Buffer.from(ours, 'hex').reverse()],
    );
    return row?.state !== 'mempool' && row?.state !== 'block' ? true : row;
  });
}

async function selfPayment(): Promise<string> {
  const to = await regtest.newAddress();
  type Hex = { hex: string };
  const raw = await regtest.rpc.call<string>('createrawtransaction', [[], [{ [to]: '0.1' }]]);
  // Of confirmed coins alone, so that it does not go with what expires.
  const options = { fee_rate: 20, include_unsafe: false, minconf: 1 };
  const funded = await regtest.walletRpc<Hex>('fundrawtransaction', [raw, options]);
  const signed = await regtest.walletRpc<Hex>('signrawtransactionwithwallet', [funded.hex]);
  return signed.hex;
}

async function coinsOf(spendId: Uuid): Promise<string[]> {
  const rows = await shop.sql<{ txid: Buffer }>(
    'SELECT DISTINCT txid FROM coin_reservation WHERE spend_id = $1',
    [spendId],
  );
  return rows.map(({ txid }) => Buffer.from(txid).reverse().toString('hex'));
}

/** A node that can not be asked about a transaction: it is signed, and nobody has the bytes. */
function unasked(deps: SpendDeps): SpendDeps {
  const call = (async (method: string, ...rest: unknown[]) => {
    if (method === 'testmempoolaccept') throw new BitcoinRpcError('unreachable', 'no answer');
    return await Reflect.apply(deps.node.call, undefined, [method, ...rest]);
  }) as typeof deps.node.call;
  return { ...deps, node: { call } };
}

test('what nobody has is given up when the coin that it spends vanishes, and may be paid anew', async () => {
  const funded = await fund(500_000n);
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 400_000n }], { feeRate });
  const after = await advanceSpend(unasked(vault.deps), spendId);
  expect(after?.spend).toMatchObject({ state: 'signed', reason: 'node_unavailable' });
  expect(after?.versions[0]?.exposed).toBe(false);
  expect(await coinsOf(spendId)).toEqual([funded.ours]);
  await vanish(funded);
  await vault.until(spendId, { state: 'failed', reason: 'coin_gone' });
  expect(vault.changes.at(-1)).toMatchObject({ spendId, state: 'failed', retry: true });
  expect(await coinsOf(spendId)).toEqual([]);
  expect(await vault.received(address)).toBe(0n);
  expect(await shop.journalIsSound(vault.merchantId)).toBe(true);
});

test('what may be out in the world waits for its coin, and is sent with it when that is possible again', async () => {
  const funded = await fund(600_000n);
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 500_000n }], { feeRate });
  expect(await vault.advance(spendId)).toBe('broadcast');
  expect(await coinsOf(spendId)).toEqual([funded.ours]);
  await vanish(funded);
  const worker = vault.work();
  await vault.until(spendId, { state: 'broadcast', reason: 'coin_gone' });
  expect(await coinsOf(spendId)).toEqual([funded.ours]);
  // Whoever made the first transaction sends it once more; the rest is given to the node by us.
  await regtest.rpc.call('sendrawtransaction', [funded.theirs]);
  const own = (await vault.read(spendId)).versions[0]?.txid ?? '';
  await eventually('both are in the mempool again', async () => {
    const waiting = await regtest.rpc.call<string[]>('getrawmempool');
    return [funded.ours, own].every((txid) => waiting.includes(txid)) ? true : waiting;
  });
  await regtest.mine(1);
  await vault.until(spendId, { state: 'confirmed', version: 1, reason: null });
  await worker.stop();
  expect(await vault.received(address)).toBe(500_000n);
  expect(await shop.journalIsSound(vault.merchantId)).toBe(true);
});
