import type { Sats, Uuid } from '@quittance/kernel';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  advanceSpend,
  bumpSpend,
  cancelSpend,
  consolidate,
  createChild,
  readAncestors,
  readFeesToOutbid,
  readStuckChange,
  type SpendDeps,
} from '../../apps/server/src/paying/spends/index.ts';
import { BitcoinRpcError } from '../../apps/server/src/platform/bitcoin-node/index.ts';
import { armFaultPointForTest } from '../../apps/server/src/platform/fault-points.ts';
import { mineWith, takeBlocksOff } from '../support/coins.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually } from '../support/shop.ts';
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
  await vault.fund(30, 1_000_000n);
});
afterEach(() => armFaultPointForTest(null));
afterAll(async () => {
  await vault.close();
  await signer.stop();
  await regtest.stop();
  await postgres.stop();
});

/** Later than the worker looks again for what waits in the mempool. */
const LOOKED_AFTER_MS = 660_000;
/** Until the record has seen it. */
const SEEN_WITHIN_MS = 20_000;
const limits = { maxFeeRate: 1_000_000n, maxFeeShareBps: null };

async function confirm(spendId: Uuid): Promise<void> {
  await regtest.mine(1);
  await vault.caughtUp();
  await vault.until(spendId, { state: 'confirmed' });
}

/** The book's wallet is the coins that the chain shows, to the satoshi. */
async function bookAgrees(): Promise<void> {
  await eventually('the book agrees with the coins', async () => {
    await vault.caughtUp();
    const [coins] = await vault.shop.sql<{ sum: string }>(
      `SELECT coalesce(sum(value_sats), 0) AS sum FROM coin
        WHERE merchant_id = $1 AND live AND spent_by IS NULL`,
      [vault.merchantId],
    );
    const wallet = (await vault.shop.balances(vault.merchantId))['onchain.wallet'];
    const book = (wallet?.posted ?? 0n) + (wallet?.pending ?? 0n);
    return book === BigInt(coins?.sum ?? '0') ? true : { book: String(book), coins };
  });
  expect(await vault.shop.journalIsSound(vault.merchantId)).toBe(true);
}

/** Kills whoever passes a point: nothing after it is done. */
function dieAt(name: string): void {
  armFaultPointForTest({
    name,
    strike() {
      throw new Error(`killed at ${name}`);
    },
  });
}

/** The node as it answers one method otherwise, so many times. */
function disturbed(
  method: string,
  times: number,
  answer: (ask: () => Promise<unknown>) => Promise<unknown>,
): SpendDeps {
  let left = times;
  const node = {
    call: (async (name: string, ...rest: never[]) => {
      const ask = () => Reflect.apply(vault.deps.node.call, undefined, [name, ...rest]);
      if (name !== method || left === 0) return await ask();
      left -= 1;
      return await answer(ask);
    }) as SpendDeps['node']['call'],
  };
  return { ...vault.deps, node };
}

/** The node loses its mempool and keeps its blocks. */
async function crashNode(): Promise<void> {
  await regtest.rpc.call('gettxoutsetinfo');
  await regtest.crashNode();
}

async function mempoolPays(address: string): Promise<number> {
  type Decoded = { vout: { scriptPubKey: { address?: string } }[] };
  const txids = await regtest.rpc.call<string[]>('getrawmempool');
  const found: boolean[] = [];
  for (const txid of txids) {
    const { vout } = await regtest.rpc.call<Decoded>('getrawtransaction', [txid, 1]);
    found.push(vout.some(({ scriptPubKey }) => scriptPubKey.address === address));
  }
  return found.filter((each) => each).length;
}

test('a spend goes from its plan over the signer and the node into the chain', async () => {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 1_500_000n }]);
  expect(await vault.read(spendId)).toMatchObject({ state: 'planned' });
  expect(await vault.advance(spendId)).toBe('broadcast');
  await confirm(spendId);
  expect(await vault.received(address)).toBe(1_500_000n);
  await bookAgrees();
});

test('payout-broadcast-before-save: after a crash between sending and saving the same bytes are sent', async () => {
  for (const point of ['spend-sent-unsaved', 'spend-send-intended', 'spend-signed-saved']) {
    const address = await regtest.newAddress();
    const spendId = await vault.planned([{ address, amountSats: 300_000n }]);
    // What the watcher would see is left out: the bytes that are stored are enough.
    await vault.unwatched(async () => {
      dieAt(point);
      await expect(vault.advance(spendId)).rejects.toThrow('killed');
      const crashed = await vault.read(spendId);
      expect(crashed.versions).toMatchObject([{ state: 'signed' }]);
      expect(await vault.advance(spendId)).toBe('broadcast');
      const after = await vault.read(spendId);
      expect(after.versions.map(({ txid }) => txid)).toEqual([crashed.versions[0]?.txid]);
      expect(await mempoolPays(address)).toBe(1);
    });
    await confirm(spendId);
    expect(await vault.received(address)).toBe(300_000n);
  }
  await bookAgrees();
});

test('a crash between the signer’s answer and its storing asks for the same signature again', async () => {
  for (const point of ['spend-sign-before', 'spend-signed-unsaved']) {
    const address = await regtest.newAddress();
    const spendId = await vault.planned([{ address, amountSats: 200_000n }]);
    dieAt(point);
    await expect(vault.advance(spendId)).rejects.toThrow('killed');
    expect(await vault.read(spendId)).toMatchObject({ state: 'planned' });
    expect(await vault.advance(spendId)).toBe('broadcast');
    await confirm(spendId);
    expect(await vault.received(address)).toBe(200_000n);
  }
});

test('payout-rejected-broadcast-lost: a refusal for the fee leads to a version that pays more', async () => {
  const address = await regtest.newAddress();
  // Half of what the node relays.
  const spendId = await vault.planned([{ address, amountSats: 250_000n }], { feeRate: 50n });
  await vault.advance(spendId);
  const { state, versions } = await vault.read(spendId);
  expect(state).toBe('broadcast');
  expect(versions.map((each) => each.state)).toEqual(['rejected', 'broadcast']);
  expect(versions[0]?.exposed).toBe(false);
  await confirm(spendId);
  expect(await vault.received(address)).toBe(250_000n);
  await bookAgrees();
});

test('an answer that is lost leaves the spend unknown until the node tells, and pays once', async () => {
  const lost = (ask: () => Promise<unknown>) =>
    ask().then(() => Promise.reject(new BitcoinRpcError('timeout', 'no answer')));
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 210_000n }]);
  await vault.unwatched(async () => {
    const swallowed = await advanceSpend(disturbed('sendrawtransaction', 1, lost), spendId);
    expect(swallowed?.spend).toMatchObject({ state: 'signed', reason: 'node_unavailable' });
    expect(swallowed?.versions).toMatchObject([{ exposed: true }]);
    expect(await mempoolPays(address)).toBe(1);
    expect(await vault.advance(spendId)).toBe('broadcast');
  });
  await confirm(spendId);

  const never = () => Promise.reject(new BitcoinRpcError('timeout', 'no answer'));
  const other = await regtest.newAddress();
  const nextId = await vault.planned([{ address: other, amountSats: 220_000n }]);
  const unasked = await advanceSpend(disturbed('sendrawtransaction', 1, never), nextId);
  expect(unasked?.spend).toMatchObject({ state: 'signed', reason: 'node_unavailable' });
  expect(await vault.advance(nextId)).toBe('broadcast');
  await confirm(nextId);
  expect(await vault.received(address)).toBe(210_000n);
  expect(await vault.received(other)).toBe(220_000n);
});

test('a refusal that nobody can mend ends a spend that nobody else has', async () => {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 150_000n }]);
  const refuse = () => Promise.resolve([{ allowed: false, 'reject-reason': 'dust' }]);
  const ended = await advanceSpend(disturbed('testmempoolaccept', 1, refuse), spendId);
  expect(ended?.spend).toMatchObject({ state: 'failed', reason: 'broadcast_refused' });
  expect(vault.changes.at(-1)).toMatchObject({ spendId, state: 'failed', retry: false });
  // Once it may be out, the same words are no end.
  const nextId = await vault.planned([{ address, amountSats: 150_000n }]);
  const lost = () => Promise.reject(new BitcoinRpcError('timeout', 'no answer'));
  await advanceSpend(disturbed('sendrawtransaction', 1, lost), nextId);
  const reject = () => Promise.reject(new BitcoinRpcError('rpc', 'dust', { code: -26 }));
  const waiting = await advanceSpend(disturbed('sendrawtransaction', 1, reject), nextId);
  expect(waiting?.spend).toMatchObject({ state: 'signed', reason: 'broadcast_refused' });
  expect(await vault.advance(nextId)).toBe('broadcast');
  await confirm(nextId);
});

async function bump(spendId: Uuid, feeRate: bigint): Promise<void> {
  const own = { merchantId: vault.merchantId, spendId };
  await vault.shop.database.asTenant(vault.merchantId, async (tx) => {
    const outbid = await readFeesToOutbid(tx, vault.deps, own);
    return await bumpSpend(tx, vault.deps, { ...own, feeRate, outbid });
  });
  await vault.advance(spendId);
}

test('a bump takes the place of what waits, and of the two one is mined', async () => {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 260_000n }]);
  await vault.advance(spendId);
  await bump(spendId, 9_000n);
  const { version, versions } = await vault.read(spendId);
  expect(version).toBe(2);
  expect(await regtest.rpc.call<string[]>('getrawmempool')).toEqual([versions[1]?.txid]);
  await confirm(spendId);
  expect(await vault.read(spendId)).toMatchObject({ version: 2, state: 'confirmed' });
  expect(await vault.received(address)).toBe(260_000n);
  await bookAgrees();
});

test('when the original of a bump is mined instead, it is what counts', async () => {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 270_000n }]);
  await vault.advance(spendId);
  const first = (await vault.read(spendId)).versions[0]?.txid ?? '';
  const raw = await regtest.rpc.call<string>('getrawtransaction', [first]);
  await bump(spendId, 9_000n);
  await mineWith(regtest, [{ txid: first, hex: raw }]);
  await vault.until(spendId, { state: 'confirmed', version: 1 });
  await regtest.mine(1);
  expect(await vault.received(address)).toBe(270_000n);
  await bookAgrees();
});

test('recipients who bear the fee get less with a bump, within their limits', async () => {
  const address = await regtest.newAddress();
  const payee = { address, amountSats: 300_000n, feeFrom: 'recipient' } as const;
  const spendId = await vault.planned([{ ...payee, maxFeeShareSats: 2_000n }]);
  await vault.advance(spendId);
  await bump(spendId, 5_000n);
  const { versions } = await vault.read(spendId);
  await expect(bump(spendId, 60_000n)).rejects.toMatchObject({ code: 'conflict' });
  await confirm(spendId);
  const fee: Sats = BigInt(versions[1]?.fee_sats ?? 0);
  expect(await vault.received(address)).toBe(300_000n - fee);
  await bookAgrees();
});

test('a transaction that fell out of the mempool is sent again, the same bytes', async () => {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 280_000n }]);
  await vault.advance(spendId);
  const { versions } = await vault.read(spendId);
  // The watcher brings it back as well; the worker does it alone here, when it looks next.
  await vault.unwatched(async () => {
    // The recipient's wallet would send it again too.
    await regtest.rpc.call('unloadwallet', ['payer', false]);
    await crashNode();
    expect(await regtest.rpc.call('getrawmempool')).toEqual([]);
    vault.shop.clock.move(LOOKED_AFTER_MS);
    expect(await vault.advance(spendId)).toBe('broadcast');
    expect(await regtest.rpc.call('getrawmempool')).toEqual([versions[0]?.txid]);
    await regtest.rpc.call('loadwallet', ['payer', true]);
  });
  await confirm(spendId);
  expect(await vault.received(address)).toBe(280_000n);
  await bookAgrees();
});

test('what a node took and lost before anybody saw it there is sent again within seconds', async () => {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 285_000n }]);
  await vault.unwatched(async () => {
    await regtest.rpc.call('unloadwallet', ['payer', false]);
    expect(await vault.advance(spendId)).toBe('broadcast');
    const waiting = await regtest.rpc.call('getrawmempool');
    expect(waiting).toHaveLength(1);
    // Looked for twice: it is still there, and nobody has it on record.
    vault.shop.clock.move(SEEN_WITHIN_MS);
    await vault.advance(spendId);
    await crashNode();
    expect(await regtest.rpc.call('getrawmempool')).toEqual([]);
    vault.shop.clock.move(SEEN_WITHIN_MS);
    expect(await vault.advance(spendId)).toBe('broadcast');
    expect(await regtest.rpc.call('getrawmempool')).toEqual(waiting);
    await regtest.rpc.call('loadwallet', ['payer', true]);
  });
  await confirm(spendId);
  expect(await vault.received(address)).toBe(285_000n);
  await bookAgrees();
});

test('a block that leaves the chain takes the confirmation back, the next one brings it again', async () => {
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 290_000n }]);
  await vault.advance(spendId);
  await confirm(spendId);
  await takeBlocksOff(regtest, 1);
  await vault.until(spendId, { state: 'broadcast', height: null });
  const epochs = await vault.shop.sql(
    `SELECT ledger_epoch, booked_version FROM spend WHERE id = $1`,
    [spendId],
  );
  // It was and is on its way: the book does not move.
  expect(epochs).toEqual([{ ledger_epoch: 1, booked_version: 1 }]);
  await confirm(spendId);
  await bookAgrees();
});

test('cancelling spends the anchor to ourselves; the payout is free when that is final', async () => {
  const address = await regtest.newAddress();
  const own = { merchantId: vault.merchantId, feeRate: 9_000n };
  const cancel = async (spendId: Uuid) => {
    await vault.shop.database.asTenant(vault.merchantId, async (tx) => {
      const outbid = await readFeesToOutbid(tx, vault.deps, { ...own, spendId });
      return await cancelSpend(tx, vault.deps, { ...own, spendId, outbid });
    });
  };
  const unsent = await vault.planned([{ address, amountSats: 310_000n }]);
  await cancel(unsent);
  expect(await vault.read(unsent)).toMatchObject({ state: 'failed', reason: 'cancelled' });
  expect(await vault.advance(unsent)).toBe('failed');

  const spendId = await vault.planned([{ address, amountSats: 310_000n }]);
  await vault.advance(spendId);
  await cancel(spendId);
  await vault.advance(spendId);
  await regtest.mine(1);
  await vault.caughtUp();
  expect(await vault.read(spendId)).toMatchObject({ state: 'broadcast', reason: 'cancelled' });
  expect(vault.changes.filter((each) => each.spendId === spendId).at(-1)?.state).toBe('broadcast');
  await regtest.mine(99);
  await vault.until(spendId, { state: 'failed', reason: 'cancelled' });
  expect(await vault.received(address)).toBe(0n);
  await bookAgrees();
});

test('coins are put together while fees are low, and a child lifts what is stuck', async () => {
  const { database } = vault.shop;
  await vault.fund(4, 20_000n);
  const { walletId, merchantId, deps } = vault;
  const stored = await database.asTenant(merchantId, (tx) =>
    consolidate(tx, deps, {
      ...{ merchantId, walletId, feeRate: 1_000n, limits, maxCoins: 4, origin: 'manual' },
    }),
  );
  const spendId = stored.spend.id;
  expect(await vault.advance(spendId)).toBe('broadcast');
  const own = { merchantId, spendId };
  const coin = await database.asTenant(merchantId, async (tx) => await readStuckChange(tx, own));
  const ancestors = await readAncestors(deps.node, coin);
  await vault.caughtUp();
  const child = await eventuallyMade(() =>
    database.asTenant(merchantId, (tx) =>
      createChild(tx, deps, { merchantId, coin, ancestors, feeRate: 8_000n, limits }),
    ),
  );
  expect(await vault.advance(child.spend.id)).toBe('broadcast');
  type Entry = { fees: { ancestor: string }; ancestorsize: number };
  const entry = await regtest.rpc.call<Entry>('getmempoolentry', [child.versions[0]?.txid]);
  const paid = Number(entry.fees.ancestor) * 100_000_000;
  expect(paid / entry.ancestorsize).toBeGreaterThanOrEqual(8);
  expect(paid / entry.ancestorsize).toBeLessThan(8.6);
  await expect(bump(spendId, 20_000n)).rejects.toMatchObject({ code: 'conflict' });
  await confirm(child.spend.id);
  await vault.until(spendId, { state: 'confirmed' });
  await bookAgrees();
});

test('a child brings along the parent that the node has lost', async () => {
  const { merchantId, deps, shop } = vault;
  const address = await regtest.newAddress();
  const spendId = await vault.planned([{ address, amountSats: 330_000n }]);
  await vault.advance(spendId);
  const own = { merchantId, spendId };
  const coin = await shop.database.asTenant(merchantId, (tx) => readStuckChange(tx, own));
  const ancestors = await readAncestors(deps.node, coin);
  const child = await eventuallyMade(() =>
    shop.database.asTenant(merchantId, (tx) =>
      createChild(tx, deps, { merchantId, coin, ancestors, feeRate: 8_000n, limits }),
    ),
  );
  await vault.unwatched(async () => {
    await regtest.rpc.call('unloadwallet', ['payer', false]);
    await crashNode();
    expect(await vault.advance(child.spend.id)).toBe('broadcast');
    expect(await regtest.rpc.call<string[]>('getrawmempool')).toHaveLength(2);
    await regtest.rpc.call('loadwallet', ['payer', true]);
  });
  await confirm(child.spend.id);
  await vault.until(spendId, { state: 'confirmed' });
  await bookAgrees();
});

/** The watcher may not have seen the coin yet. */
async function eventuallyMade<T>(make: () => Promise<T>): Promise<T> {
  let made: T | undefined;
  await eventually('it can be made', async () => {
    made = await make().catch(() => undefined);
    return made !== undefined;
  });
  if (made === undefined) throw new Error('it was made');
  return made;
}

test('two workers on the same spends pay each of them once', async () => {
  // While fees are low a payment takes small coins along, so the wallet has become one coin.
  await vault.fund(60, 100_000n);
  const address = await regtest.newAddress();
  const workers = [vault.work(), vault.work()];
  const ids: Uuid[] = [];
  for (let i = 0; i < 6; i++) {
    ids.push(await vault.planned([{ address, amountSats: 50_000n }], { feeRate: 12_000n }));
  }
  // Both at once, on purpose, besides what the workers do.
  await Promise.all(ids.flatMap((id) => [vault.advance(id), vault.advance(id)]));
  for (const id of ids) await vault.until(id, { state: 'broadcast' });
  await Promise.all(workers.map((each) => each.stop()));
  await regtest.mine(1);
  for (const id of ids) {
    await vault.until(id, { state: 'confirmed' });
    expect((await vault.read(id)).versions).toHaveLength(1);
  }
  expect(await vault.received(address)).toBe(300_000n);
  await bookAgrees();
});

test('a signer that is killed and a node that restarts delay a spend and change nothing else', async () => {
  const address = await regtest.newAddress();
  await signer.process.kill();
  const spendId = await vault.planned([{ address, amountSats: 60_000n }]);
  await vault.advance(spendId);
  expect(await vault.read(spendId)).toMatchObject({ reason: 'signer_unavailable' });
  await signer.process.restart();
  await crashNode();
  const worker = vault.work();
  await vault.until(spendId, { state: 'broadcast', reason: null });
  await worker.stop();
  await confirm(spendId);
  expect(await vault.received(address)).toBe(60_000n);
  expect((await vault.read(spendId)).versions).toHaveLength(1);
  await bookAgrees();
});

test('what the signer refuses ends as refused, with its reason', async () => {
  const address = await regtest.newAddress();
  const output = { ...vault.output({ address, amountSats: 70_000n }), amountSats: 70_001n };
  const { merchantId, walletId } = vault;
  const { planPayoutSpend } = await import('../../apps/server/src/paying/spends/index.ts');
  const plan = await vault.shop.database.asSystem((tx) =>
    planPayoutSpend(tx, vault.deps, {
      ...{ merchantId, walletId, outputs: [output], feeRate: 2_000n, limits, origin: 'manual' },
      longTermFeeRate: 10_000n,
    }),
  );
  if (!plan.ok || plan.spendId === null) throw new Error('it can be planned');
  await vault.advance(plan.spendId);
  expect(await vault.read(plan.spendId)).toMatchObject({
    ...{ state: 'failed', reason: 'signer_refused' },
    detail: expect.stringContaining('approval_invalid'),
  });
  expect(vault.changes.at(-1)).toMatchObject({ state: 'failed', retry: false });
});

test('a plan that would cost more than is allowed is refused and leaves nothing', async () => {
  const address = await regtest.newAddress();
  const payees = [{ address, amountSats: 5_000n }];
  const dear = { feeRate: 50_000n, limits: { maxFeeRate: 40_000n, maxFeeShareBps: null } };
  expect(await vault.plan(payees, dear)).toMatchObject({ ok: false, reason: 'fee_above_limit' });
  const share = { feeRate: 20_000n, limits: { maxFeeRate: 40_000n, maxFeeShareBps: 100 } };
  expect(await vault.plan(payees, share)).toMatchObject({ ok: false, reason: 'fee_above_limit' });
  const dust = await vault.plan([{ address, amountSats: 200n }]);
  expect(dust).toMatchObject({ ok: false, reason: 'output_below_dust' });
  const all = await vault.plan([{ address, amountSats: 100_000_000_000n }]);
  expect(all).toMatchObject({ ok: false, reason: 'insufficient_funds' });
  const reserved = await vault.shop.sql(
    `SELECT 1 FROM coin_reservation r JOIN spend s ON s.id = r.spend_id
      WHERE s.state IN ('final', 'failed')`,
  );
  expect(reserved).toEqual([]);
});
