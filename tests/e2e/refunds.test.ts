import { randomFillSync } from 'node:crypto';
import {
  parseTransaction,
  paymentSource,
  scriptToAddress,
  verifyMessage,
} from '@quittance/bitcoin';
import { type CreateRefundInput, createRefundSchema, type Order } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { coinsFollower } from '../../apps/server/src/paying/coins/index.ts';
import { approvePayout, createPayoutListener } from '../../apps/server/src/paying/payouts/index.ts';
import {
  type ClaimDeps,
  claimRefund,
  createRefund,
  createRefundsFollower,
  payByPayouts,
  refundsListener,
} from '../../apps/server/src/paying/refunds/index.ts';
import { createSpendsFollower } from '../../apps/server/src/paying/spends/index.ts';
import { readMerchant } from '../../apps/server/src/tenancy/merchants/index.ts';
import { openPayer, type Payer } from '../support/payer.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually, openShop } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { openVault, type Vault } from '../support/vault.ts';
import { nodeSigner } from '../support/vault-signer.ts';

const ORDER_SATS = 200_000n;

let regtest: Regtest;
let postgres: TestPostgres;
let vault: Vault;
let payer: Payer;
let deps: ClaimDeps;

beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const ownerUrl = await postgres.createDatabase();
  const shop = openShop({ ownerUrl, regtest });
  const signer = await nodeSigner(regtest, shop, 'hot');
  const listener = createPayoutListener({ listener: refundsListener });
  vault = await openVault({ ownerUrl, regtest, shop, signer, listener });
  deps = {
    ...{ clock: shop.clock, ids: shop.ids, random: (target) => randomFillSync(target) },
    network: 'regtest',
    payouts: payByPayouts({ network: 'regtest', listener: refundsListener }),
    readSettings: async (tx, id) => (await readMerchant(tx, id)).settings,
    verifyProof: (signed) => verifyMessage({ ...signed, network: 'regtest' }).ok,
  };
  await vault.watcher.stop();
  vault.watcher = shop.watch({
    followers: [createSpendsFollower(vault.deps), coinsFollower, createRefundsFollower(deps)],
  });
  await vault.fund(20, 1_000_000n);
  payer = openPayer(vault);
  await payer.processor();
}, 120_000);
afterAll(async () => {
  await payer.stop();
  await vault.close();
  await vault.shop.close();
  await regtest.stop();
  await postgres.stop();
});

async function mine(blocks: number): Promise<void> {
  await regtest.mine(blocks);
  await vault.caughtUp();
}

/** An order that was paid and confirmed on the real chain, with the payment's txid. */
async function paidOrder(amountSats = ORDER_SATS): Promise<{ order: Order; txid: string }> {
  const order = await vault.shop.order(vault.merchantId, '0.002');
  const txid = await regtest.sendTo(order.address, amountSats);
  await mine(1);
  return { order: await vault.shop.until(order, { confirmedSats: String(amountSats) }), txid };
}

async function refund(order: Order, wish: CreateRefundInput) {
  const of = { merchantId: order.merchantId, orderId: order.id };
  const input = { of, wish: createRefundSchema.parse(wish), currentRate: null, by: 'key:maker' };
  return await vault.shop.database.asTenant(of.merchantId, (tx) => createRefund(tx, deps, input));
}

type View = { state: string; held: boolean; payout_id: Uuid | null; txid: string | null };

async function until(id: Uuid, wanted: Partial<View>): Promise<View> {
  let last: View | undefined;
  await eventually(`the refund is ${JSON.stringify(wanted)}`, async () => {
    const [row] = await vault.shop.sql<View>(
      `SELECT state, held, payout_id, encode(txid, 'hex') AS txid FROM refund WHERE id = $1`,
      [id],
    );
    last = row;
    const fits = Object.entries(wanted).every(
      ([name, value]) => row !== undefined && Reflect.get(row, name) === value,
    );
    return fits ? true : row;
  });
  if (last === undefined) throw new Error('there is no such refund');
  return last;
}

async function claim(link: { hash: Uint8Array } | null, address: string, proof = '') {
  const hash = link?.hash ?? new Uint8Array();
  return await claimRefund(vault.shop.database, deps, { hash, address, proof });
}

/** A person approves, the processor plans, a worker signs and sends. */
async function pay(payoutId: Uuid | null): Promise<void> {
  const { database, clock, ids } = vault.shop;
  const own = { merchantId: vault.merchantId, id: payoutId ?? '' };
  const common = { network: 'regtest', listener: refundsListener } as const;
  await database.asTenant(vault.merchantId, (tx) =>
    approvePayout(
      tx,
      common,
      { ids, nowMs: clock.nowMs() },
      {
        own,
        approving: { by: 'key:approver', signature: null },
      },
    ),
  );
  await payer.round({ ...payer.deps, listener: refundsListener });
  const worker = vault.work();
  await payer.until(own.id, { state: 'broadcast' });
  await worker.stop();
}

test('a customer claims, it is paid and confirmed, and the order is REFUNDED; a reorg changes nothing for long', async () => {
  const { order, txid } = await paidOrder();
  expect(order.status).toBe('CONFIRMED');
  const { refund: made, link } = await refund(order, { mode: 'full', feeFrom: 'customer' });
  const address = await regtest.newAddress();
  expect(await claim(link, address)).toMatchObject({ kind: 'right' });
  const { payout_id: payoutId } = await until(made.id, { state: 'PENDING' });
  expect(await vault.received(address)).toBe(0n);
  await pay(payoutId);
  await until(made.id, { state: 'SENT' });
  await vault.shop.until(order, { status: 'REFUNDED', refundedSats: '200000' });
  const received = await vault.received(address);
  expect(received > 190_000n && received < ORDER_SATS).toBe(true);
  await mine(1);
  await until(made.id, { state: 'CONFIRMED' });

  // The block with the refund leaves the chain, and then the one with the payment as well.
  const height = await regtest.rpc.call<number>('getblockcount');
  const block = await regtest.rpc.call<string>('getblockhash', [height]);
  await regtest.rpc.call('invalidateblock', [block]);
  await until(made.id, { state: 'SENT' });
  const below = await regtest.rpc.call<string>('getblockhash', [height - 1]);
  await regtest.rpc.call('invalidateblock', [below]);
  await vault.shop.until(order, { confirmedSats: '0', status: 'REFUNDED' });
  // The node may have forgotten it on the way: whoever sends sends the same bytes again.
  const worker = vault.work();
  await eventually('it is confirmed once more', async () => {
    vault.shop.clock.move(60_000);
    await mine(1);
    const [row] = await vault.shop.sql<View>('SELECT state, held FROM refund WHERE id = $1', [
      made.id,
    ]);
    return row?.state === 'CONFIRMED' && !row.held ? true : row;
  });
  await worker.stop();
  await vault.shop.until(order, { status: 'REFUNDED', confirmedSats: '200000' });
  expect(await vault.received(address)).toBe(received);
  const events = (await vault.shop.events(vault.merchantId))
    .filter(({ type, data }) => type.startsWith('refund.') && data['refundId'] === made.id)
    .map(({ type }) => type);
  expect(events.slice(0, 4)).toEqual([
    ...['refund.created', 'refund.claimed', 'refund.sent', 'refund.confirmed'],
  ]);
  expect(events).toContain('refund.reversed');
  expect(txid).toHaveLength(64);
  expect(await vault.shop.journalIsSound(vault.merchantId)).toBe(true);
  const balances = await vault.shop.balances(vault.merchantId);
  expect(balances['payouts.in_transit']).toEqual({ posted: 0n, pending: 0n });
}, 120_000);

test('refund-cap: however many refunds are asked for at once, no more leaves than has come', async () => {
  const { order } = await paidOrder();
  const wish = { mode: 'custom', amount: '0.0006', feeFrom: 'merchant' } as const;
  const asked = await Promise.allSettled(Array.from({ length: 12 }, () => refund(order, wish)));
  const made = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  expect(made).toHaveLength(3);
  for (const each of asked) {
    if (each.status === 'fulfilled') continue;
    expect(each.reason).toMatchObject({ code: 'refund_exceeds_received' });
  }
  const address = await regtest.newAddress();
  for (const { refund: one, link } of made) {
    expect(await claim(link, address)).toMatchObject({ kind: 'right' });
    // A link that is used again pays nothing again.
    expect((await claim(link, address)).kind).not.toBe('right');
    await pay((await until(one.id, { state: 'PENDING' })).payout_id);
  }
  await mine(1);
  for (const { refund: one } of made) await until(one.id, { state: 'CONFIRMED' });
  expect(await vault.received(address)).toBe(180_000n);
  await expect(refund(order, wish)).rejects.toMatchObject({ code: 'refund_exceeds_received' });
  await vault.shop.until(order, { refundedSats: '180000' });
  expect(await vault.shop.journalIsSound(vault.merchantId)).toBe(true);
});

test('a payment that leaves the chain takes its unclaimed refund with it, and brings it back', async () => {
  const { order } = await paidOrder();
  const { refund: made, link } = await refund(order, { mode: 'full' });
  const tip = await regtest.rpc.call<string>('getbestblockhash');
  await regtest.rpc.call('invalidateblock', [tip]);
  await until(made.id, { held: true });
  expect(await claim(link, await regtest.newAddress())).toEqual({ kind: 'closed' });
  await mine(2);
  await until(made.id, { held: false, state: 'PENDING' });
  expect(await claim(link, await regtest.newAddress())).toMatchObject({ kind: 'right' });
}, 60_000);

test('a proof by BIP322 is asked for and checked', async () => {
  const { order } = await paidOrder();
  const { refund: made, link } = await refund(order, { mode: 'full', proofRequired: true });
  // The node signs in the older way, which is for addresses of the older kind.
  const address = await regtest.walletRpc<string>('getnewaddress', ['', 'legacy']);
  const sign = (message: string) => regtest.walletRpc<string>('signmessage', { address, message });
  const other = await sign('I receive another refund at this address.');
  expect(await claim(link, address, other)).toMatchObject({ fault: { code: 'proof_wrong' } });
  const proof = await sign(`I receive the refund ${made.id} at this address.`);
  const elsewhere = await regtest.newAddress();
  expect(await claim(link, elsewhere, proof)).toMatchObject({ fault: { code: 'proof_wrong' } });
  expect(await claim(link, address, proof)).toMatchObject({ kind: 'right' });
}, 60_000);

test('refund-to-first-input: the source is told as the chain has it, and taken only when it is accepted', async () => {
  for (const type of ['bech32', 'p2sh-segwit', 'legacy', 'bech32m'] as const) {
    const from = await regtest.walletRpc<string>('getnewaddress', ['', type]);
    const coin = await regtest.sendTo(from, 1_000_000n);
    await mine(1);
    const funding = await regtest.rpc.call<{
      vout: { n: number; scriptPubKey: { address: string } }[];
    }>('getrawtransaction', [coin, 1]);
    const vout = funding.vout.find(({ scriptPubKey }) => scriptPubKey.address === from)?.n;
    const order = await vault.shop.order(vault.merchantId, '0.002');
    const raw = await regtest.rpc.call<string>('createrawtransaction', [
      [{ txid: coin, vout }],
      [{ [order.address]: '0.00200000' }, { [await regtest.newAddress()]: '0.00790000' }],
    ]);
    const { hex } = await regtest.walletRpc<{ hex: string }>('signrawtransactionwithwallet', [raw]);
    const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
    expect(parseTransaction(bytes).inputs).toHaveLength(1);
    const { scripts, unknownInputs, warnings } = paymentSource(bytes);
    const told = scripts.map((script) => scriptToAddress(script, 'regtest'));
    if (type === 'bech32m') {
      expect({ told, unknownInputs, warnings }).toEqual({
        ...{ told: [], unknownInputs: 1, warnings: ['unknown_source'] },
      });
      continue;
    }
    expect({ told, warnings }).toEqual({ told: [from], warnings: [] });
    await regtest.rpc.call('sendrawtransaction', [hex]);
    await mine(1);
    await vault.shop.until(order, { status: 'CONFIRMED' });
    const wish = { mode: 'full', destination: 'source' } as const;
    await expect(refund(order, wish)).rejects.toMatchObject({ code: 'source_risk_not_accepted' });
    const { refund: made } = await refund(order, { ...wish, acceptSourceRisk: true });
    expect(made).toMatchObject({ address: from, destination: 'source' });
    expect(made.payoutId).not.toBeNull();
  }
}, 90_000);
