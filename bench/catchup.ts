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
import { type ChainMaker, openChainMaker, type Planted } from './support/chain-maker.ts';
import { openPayer, type Payer } from './support/payer.ts';
import { newAccountKey, startSurroundings, type Surroundings } from './support/server.ts';
import { startWorker, type Worker } from './support/worker.ts';

/**
 * Catching up after a pause: our watcher (blocks over REST, scan, orders and ledger committed)
 * against the node's own rescanblockchain with the same scripts imported in a descriptor wallet, on
 * the same blocks, by turns. The node has no block filter index, with which it is slower at this
 * number of scripts.
 */

const NODE_ARGS = ['-rpcworkqueue=64'];
const RESCANNER = 'rescanner';
/** Importing derives every script; it takes the node a good while. */
const IMPORT_TIMEOUT_MS = 300_000;
const RESCAN_TIMEOUT_MS = 300_000;
const DERIVED_AT_ONCE = 10_000;
const ORDER_SATS = 100_000n;
/**
 * How busy the store is, in paid orders per block: 36 orders a day, and 288 a day. The node's rescan
 * commits nothing for them; we write payments, ledger transfers, order states and events.
 */
const QUIET = 0.25;
const BUSY = 2;

const random: Random = (target) => randomFillSync(target);
const ids = uuidV7Ids(systemClock, random);

type Size = { scripts: number; blocks: number; transactions: number; rounds: number };
type Sample = { ours: number; node: number };
type Segment = Chain & { paidPerBlock: number; samples: Sample[] };

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const size: Size = quick
    ? { scripts: 2_000, blocks: 8, transactions: 400, rounds: 1 }
    : { scripts: 100_000, blocks: 360, transactions: 3_500, rounds: 5 };
  const surroundings = await startSurroundings('catchup', NODE_ARGS);
  const payer = await openPayer(surroundings.node);
  const profile = process.env['BENCH_PROFILE'];
  const worker = startWorker<CatchUpJob, CatchUpDone>(
    './catch-up.ts',
    profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
  );
  try {
    const key = newAccountKey();
    const [addresses] = await Promise.all([
      prepareShop(surroundings.ownerUrl, key, size),
      importKey(payer, key, size),
    ]);
    const maker = await openChainMaker(payer);
    const segments: Segment[] = [];
    for (const paidPerBlock of [QUIET, BUSY]) {
      const planted = addresses.splice(0, size.blocks * paidPerBlock);
      const chain = await makeChain(payer, maker, { addresses: planted, paidPerBlock, size });
      const samples: Sample[] = [];
      // The first round warms up: the node's file cache, our compiled code.
      for (let round = 0; round <= size.rounds; round++) {
        const name = `round_${segments.length}_${round}`;
        const ours = await catchUp(worker, surroundings, { from: chain.from, name });
        const node = await rescan(payer, chain);
        requireAllFound(planted.length, ours.payments);
        requireAllFound(segments.length * size.blocks * QUIET + planted.length, node.payments);
        if (round > 0) samples.push({ ours: ours.ms / size.blocks, node: node.ms / size.blocks });
      }
      segments.push({ ...chain, paidPerBlock, samples });
    }
    const { subversion } = await payer.rpc.call<{ subversion: string }>('getnetworkinfo');
    return summarise(segments, { ...size, node: subversion });
  } finally {
    await worker.stop();
    await payer.close();
    await surroundings.stop();
  }
}

/** Whoever is quick by passing payments over has not won. */
function requireAllFound(expected: number, found: number): void {
  assert(found === expected, `${found} payments were found instead of ${expected}`);
}

type Chain = { from: number; to: number; megabytesPerBlock: number };

function ordersOf({ blocks }: Size): number {
  return blocks * (QUIET + BUSY);
}

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
    const made = Array.from({ length: ordersOf(size) }, () =>
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
  const range = [0, size.scripts + ordersOf(size) + 100];
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

async function makeChain(
  payer: Payer,
  maker: ChainMaker,
  want: { addresses: readonly string[]; paidPerBlock: number; size: Size },
): Promise<Chain> {
  const { addresses, paidPerBlock, size } = want;
  const from = (await payer.rpc.call<number>('getblockcount')) + 1;
  let bytes = 0;
  for (let block = 0; block < size.blocks; block++) {
    const [first, next] = [block, block + 1].map((at) => Math.floor(at * paidPerBlock));
    const paid = addresses.slice(first, next);
    const planted = paid.map((address): Planted => ({ address, sats: ORDER_SATS }));
    bytes += (await maker.mineBlock(size.transactions, planted)).bytes;
  }
  return { from, to: from + size.blocks - 1, megabytesPerBlock: bytes / size.blocks / 1e6 };
}

/** Lets a watcher on a fresh copy of the prepared database run from before the chain to its tip. */
async function catchUp(
  worker: Worker<CatchUpJob, CatchUpDone>,
  { ownerUrl, node }: Surroundings,
  { from, name }: { from: number; name: string },
): Promise<CatchUpDone> {
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
  segments: readonly Segment[],
  { scripts, blocks, transactions, node }: Size & { node: string },
): BenchResult {
  const rows = segments.map(({ paidPerBlock, samples, megabytesPerBlock }) => ({
    paidOrdersPerBlock: paidPerBlock,
    oursMsPerBlock: rounded(median(samples.map(({ ours }) => ours))),
    rescanMsPerBlock: rounded(median(samples.map((sample) => sample.node))),
    timesFaster: rounded(median(samples.map((sample) => sample.node / sample.ours))),
    lowest: rounded(Math.min(...samples.map((sample) => sample.node / sample.ours))),
    highest: rounded(Math.max(...samples.map((sample) => sample.node / sample.ours))),
    megabytesPerBlock: rounded(megabytesPerBlock),
  }));
  const [quiet, busy] = rows.map(({ timesFaster }) => timesFaster);
  return {
    name: 'catchup',
    rows,
    ratios: { timesFasterQuiet: quiet ?? Number.NaN, timesFasterBusy: busy ?? Number.NaN },
    targets: [
      {
        what: `times faster per block, ${QUIET} paid orders in each`,
        value: quiet ?? Number.NaN,
        unit: '×',
        limit: { atLeast: 3 },
      },
    ],
    notes: [
      `Twice ${blocks} blocks with ${transactions} transactions of three outputs each; ` +
        `${scripts} watched scripts. Ours includes reading, scanning and committing.`,
    ],
    versions: { node },
  };
}
