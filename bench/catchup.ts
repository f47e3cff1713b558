import { randomFillSync } from 'node:crypto';
import { assert, type Random, systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import { type Database, openDatabase, roleUrls } from '../apps/server/src/platform/db/index.ts';
import {
  addWallet,
  holdAddresses,
  takeAddresses,
} from '../apps/server/src/receiving/addresses/index.ts';
import { createOrders } from '../apps/server/src/receiving/orders/index.ts';
import { createMerchant, readMerchant } from '../apps/server/src/tenancy/merchants/index.ts';
import { type BenchOptions, type BenchResult, median, rounded } from './harness.ts';
import type { CatchUpDone, CatchUpJob } from './support/catch-up.ts';
import { openChainMaker, type Planted } from './support/chain-maker.ts';
import { openPayer, type Payer } from './support/payer.ts';
import { newAccountKey, startSurroundings, type Surroundings } from './support/server.ts';
import { startWorker, type Worker } from './support/worker.ts';

/**
 * Catching up after a pause: our watcher (blocks over REST, scan, orders and ledger committed)
 * against the node's own rescanblockchain with the same scripts imported in a descriptor wallet, on
 * the same blocks, by turns. The node runs without its block filter index, with which it is slower
 * at this number of scripts.
 */

const NODE_ARGS = ['-blockfilterindex=0', '-peerblockfilters=0', '-rpcworkqueue=64'];
const RESCANNER = 'rescanner';
/** Importing derives every script; it takes the node a good while. */
const IMPORT_TIMEOUT_MS = 300_000;
const RESCAN_TIMEOUT_MS = 300_000;
const DERIVED_AT_ONCE = 10_000;
const ORDER_SATS = 100_000n;
/** Orders that each block pays. */
const PAID_PER_BLOCK = 2;

const random: Random = (target) => randomFillSync(target);
const ids = uuidV7Ids(systemClock, random);

type Size = { scripts: number; blocks: number; transactions: number; rounds: number };

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const size: Size = quick
    ? { scripts: 2_000, blocks: 12, transactions: 400, rounds: 1 }
    : { scripts: 100_000, blocks: 240, transactions: 3_500, rounds: 5 };
  const surroundings = await startSurroundings('catchup', NODE_ARGS);
  const payer = await openPayer(surroundings.node);
  const profile = process.env['BENCH_PROFILE'];
  const worker = startWorker<CatchUpJob, CatchUpDone>(
    './catch-up.ts',
    profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
  );
  try {
    const key = newAccountKey();
    const addresses = await prepareShop(surroundings.ownerUrl, key, size);
    await importKey(payer, key, size);
    const chain = await makeChain(payer, addresses, size);
    const found = { ours: new Set<number>(), node: new Set<number>() };
    const samples: { ours: number; node: number }[] = [];
    // The first round warms up: the node's file cache, our compiled code.
    for (let round = 0; round <= size.rounds; round++) {
      const ours = await catchUp(worker, surroundings, { from: chain.from, round });
      found.ours.add(ours.payments);
      const node = await rescan(payer, chain);
      found.node.add(node.payments);
      if (round > 0) samples.push({ ours: ours.ms / size.blocks, node: node.ms / size.blocks });
    }
    const expected = size.blocks * PAID_PER_BLOCK;
    for (const [who, counts] of Object.entries(found)) {
      const same = counts.size === 1 && counts.has(expected);
      assert(same, `${who} found ${[...counts].join(', ')} payments instead of ${expected}`);
    }
    const { subversion } = await payer.rpc.call<{ subversion: string }>('getnetworkinfo');
    return summarise(samples, { ...size, ...chain, node: subversion });
  } finally {
    await worker.stop();
    await payer.close();
    await surroundings.stop();
  }
}

type Chain = { from: number; to: number; megabytesPerBlock: number };

/** A store with as many derived addresses, and orders on the last of them. */
async function prepareShop(ownerUrl: string, key: string, size: Size): Promise<string[]> {
  const database = openDatabase(roleUrls(ownerUrl));
  try {
    const merchantId = await addMerchant(database, key);
    for (let left = size.scripts; left > 0; left -= DERIVED_AT_ONCE) {
      const want = { count: Math.min(left, DERIVED_AT_ONCE), maxGap: Number.MAX_SAFE_INTEGER };
      await database.asTenant(merchantId, async (tx) => {
        await takeAddresses(tx, await holdAddresses(tx, merchantId), want);
      });
    }
    const orders = createOrders({
      database,
      clock: systemClock,
      ids,
      publicUrl: 'http://127.0.0.1',
      readMerchant: async (tx, id) => withoutGap(await readMerchant(tx, id)),
      rates: { quote: () => Promise.reject(new Error('prices are in BTC here')) },
    });
    const made = Array.from({ length: size.blocks * PAID_PER_BLOCK }, () =>
      orders.create({ merchantId, input: { amount: '0.00100000', currency: 'BTC' } }),
    );
    return (await Promise.all(made)).map(({ body }) => body.address);
  } finally {
    await database.close();
  }
}

/** So many unpaid addresses in a row are no matter here. */
function withoutGap<M extends { settings: { maxAddressGap: number } }>(merchant: M): M {
  return { ...merchant, settings: { ...merchant.settings, maxAddressGap: 10_000_000 } };
}

async function addMerchant(database: Database, key: string): Promise<Uuid> {
  const deps = {
    clock: systemClock,
    ids,
    random,
    addWallet: () => Promise.reject(new Error('the wallet is added below')),
  };
  return database.asSystem(async (tx) => {
    const { merchant } = await createMerchant(tx, deps, { name: 'Bench', actor: 'bench' });
    const nowMs = systemClock.nowMs();
    const descriptor = `wpkh(${key}/<0;1>/*)`;
    const wallet = { merchantId: merchant.id, descriptor, network: 'regtest', ids, nowMs } as const;
    await addWallet(tx, wallet);
    return merchant.id;
  });
}

/** The node's wallet watches the same scripts, and those of the orders on top. */
async function importKey({ rpc }: Payer, key: string, size: Size): Promise<void> {
  await rpc.call('createwallet', {
    wallet_name: RESCANNER,
    disable_private_keys: true,
    blank: true,
  });
  const { descriptor } = await rpc.call<{ descriptor: string }>('getdescriptorinfo', [
    `wpkh(${key}/0/*)`,
  ]);
  const range = [0, size.scripts + size.blocks * PAID_PER_BLOCK + 100];
  const options = { timeoutMs: IMPORT_TIMEOUT_MS };
  const imports = [[{ desc: descriptor, range, timestamp: 'now' }]];
  const [outcome] = await rpc.walletCall<{ success: boolean }[]>(
    RESCANNER,
    'importdescriptors',
    imports,
    undefined,
    options,
  );
  assert(outcome?.success === true, 'the node imports the descriptor');
}

async function makeChain(payer: Payer, addresses: readonly string[], size: Size): Promise<Chain> {
  const maker = await openChainMaker(payer);
  const from = (await payer.rpc.call<number>('getblockcount')) + 1;
  let bytes = 0;
  for (let block = 0; block < size.blocks; block++) {
    const paid = addresses.slice(block * PAID_PER_BLOCK, (block + 1) * PAID_PER_BLOCK);
    const planted = paid.map((address): Planted => ({ address, sats: ORDER_SATS }));
    bytes += (await maker.mineBlock(size.transactions, planted)).bytes;
  }
  return {
    from,
    to: from + size.blocks - 1,
    megabytesPerBlock: bytes / size.blocks / 1e6,
  };
}

/** Lets a watcher on a fresh copy of the prepared database run from before the chain to its tip. */
async function catchUp(
  worker: Worker<CatchUpJob, CatchUpDone>,
  { ownerUrl, node }: Surroundings,
  { from, round }: { from: number; round: number },
): Promise<CatchUpDone> {
  const name = `round_${round}`;
  await inDatabase(ownerUrl, `CREATE DATABASE ${name} TEMPLATE quittance`);
  const url = new URL(ownerUrl);
  url.pathname = name;
  const { rpcUrl, rpcUser: user, rpcPassword: password } = node;
  const rpc = { url: rpcUrl, user, password };
  const done = await worker.run({ ownerUrl: url.href, rpc, from });
  await inDatabase(ownerUrl, `DROP DATABASE ${name}`);
  return done;
}

async function rescan({ rpc }: Payer, { from, to }: Chain) {
  const began = performance.now();
  const options = { timeoutMs: RESCAN_TIMEOUT_MS };
  await rpc.walletCall(RESCANNER, 'rescanblockchain', [from, to], undefined, options);
  const ms = performance.now() - began;
  const { txcount } = await rpc.walletCall<{ txcount: number }>(RESCANNER, 'getwalletinfo');
  return { ms, payments: txcount };
}

async function inDatabase(ownerUrl: string, statement: string): Promise<void> {
  const url = new URL(ownerUrl);
  url.pathname = 'postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function summarise(
  samples: readonly { ours: number; node: number }[],
  about: Size & Chain & { node: string },
): BenchResult {
  const ratio = rounded(median(samples.map(({ ours, node }) => node / ours)));
  const row = (what: string, values: readonly number[]) => ({
    what,
    msPerBlock: rounded(median(values)),
    lowest: rounded(Math.min(...values)),
    highest: rounded(Math.max(...values)),
  });
  const { scripts, blocks, megabytesPerBlock, transactions } = about;
  return {
    name: 'catchup',
    rows: [
      row(
        'our watcher',
        samples.map(({ ours }) => ours),
      ),
      row(
        'rescanblockchain',
        samples.map(({ node }) => node),
      ),
    ],
    ratios: { timesFasterThanRescan: ratio },
    targets: [{ what: 'times faster per block', value: ratio, unit: '×', limit: { atLeast: 3 } }],
    notes: [
      `${blocks} blocks of ${megabytesPerBlock.toFixed(2)} MB and ${transactions} transactions, ` +
        `${scripts} watched scripts, ${PAID_PER_BLOCK} orders paid in each block.`,
    ],
    versions: { node: about.node },
  };
}
