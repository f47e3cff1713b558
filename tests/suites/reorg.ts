import type { Order } from '@quittance/contract';
import type { Sats } from '@quittance/kernel';
import type { Watcher } from '../../apps/server/src/receiving/chain/index.ts';
import { broadcast, type Coin, makeCoins, mineWith, type Signed, spend } from '../support/coins.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import {
  audit,
  type Book,
  type ChainReader,
  createChainReader,
  type MadePayment,
} from '../support/reorg-auditor.ts';
import { eventually, openShop, type Shop } from '../support/shop.ts';
import { startTestPostgres } from '../support/test-postgres.ts';

const MAX_DEPTH = 6;
const MAX_ORDERS = 4;
/** Each order has at most two payments. */
const COINS_PER_ROUND = 2 * MAX_ORDERS;
const COIN_SATS: Sats = 8_000_000n;
const ROUNDS_PER_SPLIT = 8;
/** What is wrong for so long is wrong. */
const AUDIT_PATIENCE_MS = 15_000;
const REPORTED_FAULTS = 20;

export type ReorgCounts = {
  violations: number;
  rounds: number;
  audits: number;
  orders: number;
  payments: number;
  blocksTakenOff: number;
  moved: number;
  leftUnmined: number;
  doubleSpent: number;
  replacedInMempool: number;
  droppedWithParent: number;
  cameBack: number;
  branchesReactivated: number;
};

type Fate = 'moved' | 'left' | 'doubleSpent' | 'replacedInMempool' | 'droppedWithParent';

type Plan = MadePayment & { signed: Signed; parent: Signed | null; rival: Signed; block: number };

/**
 * Random reorganisations on a real node, with payments moved to other blocks, left out, replaced
 * and dropped, and back again; after each stage an auditor works out from the node alone what
 * orders, books and events must be. The same seed makes the same rounds.
 * @param options.report hears each violation in a sentence
 */
export async function run(options: {
  runs: number;
  seed: number;
  report?: (line: string) => void;
}): Promise<ReorgCounts> {
  const [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  const shop = openShop({ ownerUrl: await postgres.createDatabase(), regtest });
  try {
    return await playAll({ regtest, shop, ...options });
  } finally {
    await shop.close();
    await regtest.stop();
    await postgres.stop();
  }
}

type World = {
  regtest: Regtest;
  shop: Shop;
  watcher: Watcher;
  readChain: ChainReader;
  random: Random;
  counts: ReorgCounts;
  report: (line: string) => void;
};

async function playAll(options: {
  regtest: Regtest;
  shop: Shop;
  runs: number;
  seed: number;
  report?: (line: string) => void;
}): Promise<ReorgCounts> {
  const { regtest, shop, runs } = options;
  const counts: ReorgCounts = {
    ...{ violations: 0, rounds: 0, audits: 0, orders: 0, payments: 0, blocksTakenOff: 0 },
    ...{ moved: 0, leftUnmined: 0, doubleSpent: 0, replacedInMempool: 0, droppedWithParent: 0 },
    ...{ cameBack: 0, branchesReactivated: 0 },
  };
  let reported = 0;
  const world: World = {
    ...{ regtest, shop, counts },
    watcher: shop.watch(),
    readChain: createChainReader(regtest),
    random: seededRandom(options.seed),
    report(line) {
      counts.violations += 1;
      if (reported++ < REPORTED_FAULTS) (options.report ?? console.error)(line);
    },
  };
  const books: Book[] = [];
  let coins: Coin[] = [];
  for (let round = 1; round <= runs; round++) {
    // Each fault is waited for; whoever broke something wants to know before tomorrow.
    if (counts.violations >= REPORTED_FAULTS) return counts;
    if (coins.length < COINS_PER_ROUND) {
      const count = COINS_PER_ROUND * Math.min(ROUNDS_PER_SPLIT, runs - round + 1);
      coins = await makeCoins(regtest, count, COIN_SATS);
    }
    books.push(await playRound(world, round, coins.splice(0, COINS_PER_ROUND)));
    counts.rounds += 1;
  }
  // What was left unmined in one round is mined in another: in the end everything is looked at.
  for (const [i, book] of books.entries()) await check(world, `at the end, round ${i + 1}`, book);
  return counts;
}

async function playRound(world: World, round: number, coins: Coin[]): Promise<Book> {
  const { regtest, shop, random, counts } = world;
  const depth = 1 + random.below(MAX_DEPTH);
  const merchantId = await shop.addMerchant();
  const fork = await regtest.rpc.call<number>('getblockcount');
  const plans = await planPayments(world, { merchantId, coins, depth });
  const book: Book = { merchantId, fromHeight: fork + 1, payments: plans };
  const stage = (name: string) => check(world, `round ${round}, depth ${depth}, ${name}`, book);

  const first = await mineBranch(world, depth, (block) => plansIn(plans, block));
  await stage('first branch');

  // A branch that is one block longer takes over; each payment has its fate in it.
  await regtest.rpc.call('invalidateblock', [first]);
  counts.blocksTakenOff += depth;
  const fates = new Map(plans.map((plan) => [plan, fateOf(random, plan)]));
  const second = await mineSecond(world, { plans, fates, depth });
  for (const [plan, fate] of fates) note(counts, plan, fate, depth);
  await stage('second branch');

  if (random.below(2) === 0) {
    await regtest.rpc.call('reconsiderblock', [first]);
    await regtest.rpc.call('invalidateblock', [second]);
    await mineWith(regtest, []);
    counts.branchesReactivated += 1;
    counts.blocksTakenOff += depth + 1;
    for (const [plan, fate] of fates) noteReturn(counts, plan, fate, depth);
    await stage('first branch again');
  }
  await regtest.mine(1 + random.below(2));
  await stage('after all');
  return book;
}

/** Orders with one or two payments each: exact, short, too much, in parts, in one block or many. */
async function planPayments(
  world: World,
  { merchantId, coins, depth }: { merchantId: string; coins: Coin[]; depth: number },
): Promise<Plan[]> {
  const { shop, random, counts } = world;
  const plans: Plan[] = [];
  const orders = 1 + random.below(MAX_ORDERS);
  for (let i = 0; i < orders; i++) {
    const price = random.pick(['0.001', '0.005', '0.02', '0.03']);
    const order = await shop.order(merchantId, price, { expiresInSeconds: 86_400 });
    counts.orders += 1;
    const due = BigInt(order.dueSats);
    const edge = due / 100n;
    const amounts = random.pick([
      ...[[due], [due - edge], [due - edge - 1n], [due + edge], [due + edge + 1n], [2n * due]],
      ...[[due / 2n], [due / 2n, due - due / 2n], [due / 3n, due], [due, due]],
    ]);
    for (const amountSats of amounts) {
      const coin = coins.pop();
      if (coin === undefined) throw new Error('a round has coins enough');
      plans.push(await planPayment(world, { order, coin, amountSats, depth }));
    }
  }
  return plans;
}

async function planPayment(
  { regtest, random, counts }: World,
  { order, coin, amountSats, depth }: { order: Order; coin: Coin; amountSats: Sats; depth: number },
): Promise<Plan> {
  const outputs = [{ address: order.address, amountSats }];
  const rival = await spend(regtest, coin, [], { feeSats: 100_000n });
  let parent: Signed | null = null;
  let spent = coin;
  if (random.below(4) === 0) {
    parent = await spend(regtest, coin, []);
    await broadcast(regtest, parent);
    spent = { txid: parent.txid, vout: 0, amountSats: coin.amountSats - 2_000n };
  }
  const signed = await spend(regtest, spent, outputs);
  // Some are seen in the mempool first, some for the first time in their block.
  const block = random.below(depth + 1);
  if (parent !== null || block === depth || random.below(2) === 0) await broadcast(regtest, signed);
  counts.payments += 1;
  return { order, txid: signed.txid, seen: 1, gone: 0, reorged: 0, signed, parent, rival, block };
}

/** What goes into a block of the first branch; number `depth` is no block but the mempool. */
function plansIn(plans: readonly Plan[], block: number): Signed[] {
  return plans
    .filter((plan) => plan.block === block)
    .flatMap(({ parent, signed }) => (parent === null ? [signed] : [parent, signed]));
}

/** Mines blocks with exactly what is told and gives the first one's hash. */
async function mineBranch(
  { regtest, shop, watcher, random }: World,
  count: number,
  transactionsIn: (block: number) => Signed[],
): Promise<string> {
  let first = '';
  for (let block = 0; block < count; block++) {
    const hash = await mineWith(regtest, transactionsIn(block));
    if (block === 0) first = hash;
    // Now and then the watcher sees the branch grow, now and then all of it at once.
    if (random.below(3) === 0) await shop.caughtUp(watcher);
  }
  return first;
}

function fateOf(random: Random, { parent }: Plan): Fate {
  if (parent !== null) return random.pick(['moved', 'left', 'droppedWithParent'] as const);
  return random.pick(['moved', 'moved', 'left', 'doubleSpent', 'replacedInMempool'] as const);
}

async function mineSecond(
  world: World,
  { plans, fates, depth }: { plans: Plan[]; fates: ReadonlyMap<Plan, Fate>; depth: number },
): Promise<string> {
  const { regtest, random } = world;
  const blocks: Signed[][] = Array.from({ length: depth + 1 }, () => []);
  for (const plan of plans) {
    const fate = fates.get(plan);
    const block = blocks[random.below(depth + 1)];
    if (fate === 'moved') block?.push(...(plan.parent ? [plan.parent] : []), plan.signed);
    if (fate === 'doubleSpent' || fate === 'droppedWithParent') block?.push(plan.rival);
    if (fate === 'replacedInMempool') await broadcast(regtest, plan.rival);
  }
  return mineBranch(world, depth + 1, (block) => blocks[block] ?? []);
}

/** Notes what the second branch does to a payment, as the announcements must have it. */
function note(counts: ReorgCounts, plan: Plan, fate: Fate, depth: number): void {
  if (plan.block < depth) plan.reorged += 1;
  if (fate === 'moved') counts.moved += 1;
  else if (fate === 'left') counts.leftUnmined += 1;
  else {
    plan.gone += 1;
    counts[fate] += 1;
  }
}

/** The same for the first branch when it takes over again. */
function noteReturn(counts: ReorgCounts, plan: Plan, fate: Fate, depth: number): void {
  const wasInFirst = plan.block < depth;
  if (fate === 'moved') plan.reorged += 1;
  else if (fate !== 'left' && wasInFirst) {
    plan.seen += 1;
    counts.cameBack += 1;
  }
}

async function check(world: World, when: string, book: Book): Promise<void> {
  const { shop, watcher, readChain, counts, report } = world;
  let faults: string[] = [];
  counts.audits += 1;
  await eventually(
    when,
    async () => {
      await shop.caughtUp(watcher);
      faults = await audit(shop, readChain, book);
      return faults.length === 0 ? true : faults;
    },
    AUDIT_PATIENCE_MS,
  ).catch((error: unknown) => {
    if (faults.length === 0) report(`${when}: ${String(error)}`);
    for (const fault of faults) report(`${when}: ${fault}`);
  });
}

type Random = { below(limit: number): number; pick<T>(items: readonly T[]): T };

/** Mulberry32: small, and the same on every machine. */
function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return {
    below,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('there is nothing to pick from');
      return item;
    },
  };
}
