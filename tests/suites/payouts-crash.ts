import { setTimeout as sleep } from 'node:timers/promises';
import { formatBtc } from '@quittance/kernel';
import { type FaultPoint, faultPoints as signerFaultPoints } from '@quittance/signer/testing';
import type pg from 'pg';
import { verifyAllBooks } from '../../apps/server/src/accounting/ledger/index.ts';
import { openDatabase, roleUrls } from '../../apps/server/src/platform/db/index.ts';
import { faultPointNames } from '../../apps/server/src/platform/fault-points.ts';
// Loading what serves and works defines every fault point there is.
import '../../apps/server/src/flow.ts';
import { auditPayouts, type PayoutIntention, scanCoins } from './support/audit-payouts.ts';
import { createChainReader } from './support/chain-truth.ts';
import { callApi } from './support/clients.ts';
import { createDice, type Dice } from './support/dice.ts';
import type { Fate } from './support/lying-node.ts';
import { created201, type PayoutWorld, startPayoutWorld } from './support/payout-world.ts';

/** A start with recovery, on a busy machine. */
const READY_TIMEOUT_MS = 60_000;
/** From calm to everything approved being in a block. */
const CONVERGE_MS = 90_000;
/** How long a fault is waited for; then the victim is killed where it stands. */
const FAULT_TIMEOUT_MS = 4_000;
const AUDIT_EVERY = 25;
const DEPOSITS = 40;
const DEPOSIT_SATS = 20_000_000n;
/** Below this the wallet is funded again, so that no payout waits for money. */
const LOW_SATS = 200_000_000n;
const FINAL_DEPTH = 100;
/** Small enough for one confirmation (design §7). */
const REFUNDED_SATS = 700_000n;
const PAID_TIMEOUT_MS = 20_000;
/** More descriptions of one fault help nobody. */
const MAX_DESCRIBED = 20;

type Victim = 'server' | 'worker' | 'signer';
type Run = {
  readonly dice: Dice;
  readonly world: PayoutWorld;
  readonly intentions: PayoutIntention[];
  readonly violations: string[];
  readonly counts: Record<string, number>;
  readonly read: ReturnType<typeof createChainReader>;
  /** Fault points by name with how often one of them was the end of a process. */
  readonly struck: Map<string, number>;
  step: string;
  made: number;
};

/**
 * Kills whatever pays (the server, a second worker, the signer) at every step boundary that the
 * code itself names, and at random moments, with two workers racing, while blocks are reorganised,
 * mempools lost, fees bumped and the node refuses or swallows broadcasts. An auditor that shares no
 * code with the product then compares payouts, coins and books with the node.
 * @param options.runs kills
 */
export async function run(options: {
  runs: number;
  seed: number;
}): Promise<{ violations: number; [count: string]: unknown }> {
  const startedAtMs = performance.now();
  const dice = createDice(options.seed);
  const world = await startPayoutWorld((who, status, tail) => {
    // A signal is what this suite does; a status is the program's own giving up.
    if (status !== null) all.violations.push(`${who} ended with status ${status}: ${tail}`);
  });
  const all: Run = {
    ...{ dice, world, intentions: [], violations: [], counts: {}, struck: new Map() },
    read: createChainReader(world.regtest.rpc, await world.regtest.rpc.call('getblockcount')),
    ...{ step: 'start', made: 0 },
  };
  const plan = planFaults(dice, options.runs);
  try {
    await fund(all);
    for (const [at, fault] of plan.entries()) {
      all.step = `run ${at + 1} (${fault.victim}${fault.point === null ? '' : ` ${fault.point}`})`;
      await strike(all, fault);
      if ((at + 1) % AUDIT_EVERY === 0 || at + 1 === plan.length) await calmDownAndAudit(all);
      if (all.violations.length >= MAX_DESCRIBED) break;
    }
  } catch (error) {
    violate(all, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  await world.stop({ keepLog: all.violations.length > 0 });
  for (const text of all.violations.slice(0, MAX_DESCRIBED)) {
    console.error(`seed ${options.seed}, ${text}`);
  }
  if (all.violations.length > 0) console.error(`the servers' log: ${world.logFile}`);
  const never = pointsOf().filter(({ point }) => !all.struck.has(point));
  return {
    violations: all.violations.length,
    ...all.counts,
    ...world.lies.told,
    payouts: all.intentions.length,
    faultPoints: pointsOf().length,
    faultPointsStruck: all.struck.size,
    ...(never.length === 0 ? {} : { neverStruck: never.map(({ point }) => point).join(' ') }),
    seconds: Math.round((performance.now() - startedAtMs) / 1_000),
  };
}

type Fault = { victim: Victim; point: string | null; pass: number };

/** Where requests are answered and the chain is followed: nobody else does that here. */
const SERVERS_OWN = /^(payout-approve|payout-told|spend-followed|refund-)/;
/** Boundaries of changing the policy and of ten thousands of requests: the signer's own tests. */
const OF_OTHER_SUITES = /^signer:(policy-|snapshot-)/;

/** Every boundary that the code names, with the processes that can be there. */
function pointsOf(): { victims: Victim[]; point: string }[] {
  const servers = faultPointNames().map((point) => ({
    victims: (SERVERS_OWN.test(point) ? ['server'] : ['server', 'worker']) as Victim[],
    point,
  }));
  const signers = signerFaultPoints
    .filter((point) => !OF_OTHER_SUITES.test(point))
    .map((point) => ({ victims: ['signer'] as Victim[], point }));
  return [...servers, ...signers];
}

/** All points in turn, each with any of its victims; every fourth kill is at a random moment. */
function planFaults(dice: Dice, runs: number): Fault[] {
  const points = pointsOf();
  const order = points.map((each) => ({ each, at: dice.next() })).sort((a, b) => a.at - b.at);
  return Array.from({ length: runs }, (_, at): Fault => {
    const { each } = order[at % order.length] ?? {};
    if (each === undefined || at % 4 === 3) {
      const victim = dice.pick<Victim>(['server', 'worker', 'signer']);
      return { victim, point: null, pass: 1 };
    }
    return { victim: dice.pick(each.victims), point: each.point, pass: dice.chance(0.25) ? 2 : 1 };
  });
}

function violate(all: Run, text: string): void {
  all.violations.push(`${all.step}: ${text}`);
}

function count(all: Run, what: string, by = 1): void {
  all.counts[what] = (all.counts[what] ?? 0) + by;
}

async function strike(all: Run, fault: Fault): Promise<void> {
  const { dice, world } = all;
  await arm(all, fault);
  // The other one hangs for so long, so that it does not come first; it goes on where it was.
  const pausesWorker = fault.victim === 'server' && fault.point !== null && dice.chance(0.7);
  if (pausesWorker) world.worker.pause();
  const fate: Fate = dice.chance(0.3)
    ? dice.pick<Fate>(['swallowed', 'lost', 'refused'])
    : 'honest';
  world.lies.fate = fate;
  const asked = Promise.all(
    Array.from({ length: dice.between(1, 3) }, () => (dice.chance(0.3) ? refund(all) : pay(all))),
  );
  await stir(all);
  await untilGone(all, fault);
  if (pausesWorker) world.worker.resume();
  // Mostly a supervisor's pause; at times so long that the others go on alone.
  await sleep(dice.chance(0.15) ? dice.between(500, 2_500) : dice.between(0, 200));
  world.lies.fate = 'honest';
  await revive(all, fault.victim);
  await asked;
}

/** Begins the victim anew with the fault armed; that is a kill at a random moment by itself. */
async function arm(all: Run, { victim, point, pass }: Fault): Promise<void> {
  if (point === null) return;
  const { world } = all;
  count(all, 'kills');
  if (victim === 'signer') {
    await world.signer.kill();
    await world.signer.restart({ faultPoint: point as FaultPoint });
    return;
  }
  const armed = `${point}${pass > 1 ? `@${pass}` : ''}`;
  await world[victim].kill();
  world[victim].start({ QUITTANCE_FAULT_POINT: armed });
  await world[victim].untilAnswering(READY_TIMEOUT_MS);
}

async function untilGone(all: Run, { victim, point }: Fault): Promise<void> {
  const { world, dice } = all;
  let hasEnded = false;
  if (victim === 'signer') void world.signer.ended().then(() => (hasEnded = true));
  const isGone = () => (victim === 'signer' ? hasEnded : !world[victim].running);
  if (point === null) await sleep(dice.between(0, 1_500));
  else {
    const deadline = performance.now() + FAULT_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if (isGone()) {
        all.struck.set(point, (all.struck.get(point) ?? 0) + 1);
        count(all, 'faults');
        break;
      }
      await sleep(20);
    }
  }
  if (victim === 'signer') await world.signer.kill();
  else await world[victim].kill();
  count(all, 'kills');
}

async function revive({ world }: Run, victim: Victim): Promise<void> {
  if (victim === 'signer') await world.signer.restart();
  else world[victim].start();
}

/** A payout to an address that nobody else is given. */
async function pay(all: Run): Promise<void> {
  const { dice } = all;
  const feeFrom = dice.chance(0.25) ? 'recipient' : 'sender';
  const amountSats = BigInt(dice.between(20_000, 3_000_000));
  const intention = await intend(all, { amountSats, feeFrom });
  const { key } = intention;
  const body = {
    destination: intention.address,
    amount: formatBtc(amountSats),
    currency: 'BTC',
    feeFrom,
    externalId: key,
  };
  const made = await insist(all, { path: '/v1/payouts', key, body });
  if (made.status !== 201) {
    violate(all, `${key} was answered ${JSON.stringify(made)}`);
    return;
  }
  intention.id = (made.body as { id: string }).id;
  if (dice.chance(0.06)) {
    await insist(all, { path: `/v1/payouts/${intention.id}/cancel`, key: `${key}-c` });
    intention.cancelled = true;
    return;
  }
  await approve(all, intention);
  // A person presses "pay now" while the processors are at it (payout-approve-and-pay-race).
  if (dice.chance(0.3)) {
    await insist(all, { path: `/v1/payouts/${intention.id}/pay`, key: `${key}-p` });
  }
}

async function intend(
  all: Run,
  { amountSats, feeFrom }: Pick<PayoutIntention, 'amountSats' | 'feeFrom'>,
): Promise<PayoutIntention> {
  const intention: PayoutIntention = {
    key: `payout-${++all.made}`,
    merchantId: all.world.shop.id,
    address: await all.world.regtest.newAddress(),
    ...{ amountSats, feeFrom },
    ...{ id: undefined, approved: false, cancelled: false },
  };
  all.intentions.push(intention);
  return intention;
}

async function approve(all: Run, intention: PayoutIntention): Promise<void> {
  const path = `/v1/payouts/${intention.id}/approve`;
  const approved = await insist(all, { path, key: `${intention.key}-a` });
  if (approved.status === 200 || approved.status === 201) intention.approved = true;
  else violate(all, `approving ${intention.key} was answered ${JSON.stringify(approved)}`);
}

type Refund = { id: string; claimUrl: string; payoutSats: string };

/** An order that is paid, then refunded: the customer claims on the page, twice as people do. */
async function refund(all: Run): Promise<void> {
  const { world } = all;
  const key = `refunded-${(all.counts['refunds'] ?? 0) + 1}`;
  count(all, 'refunds');
  const order = await insist(all, {
    path: '/v1/orders',
    key,
    body: { amount: formatBtc(REFUNDED_SATS), currency: 'BTC', externalId: key },
  });
  const { id, address } = order.body as { id: string; address: string };
  await world.regtest.sendTo(address, REFUNDED_SATS);
  if (!(await isPaidSoon(all, id))) return;
  const body = { mode: 'full', destination: 'claim' };
  const made = await insist(all, { path: `/v1/orders/${id}/refunds`, key: `${key}-r`, body });
  // The payment may have left the chain again meanwhile; then there is nothing to give back.
  if (made.status !== 201) return;
  const { claimUrl, payoutSats, id: refundId } = made.body as Refund;
  const intention = await intend(all, { amountSats: BigInt(payoutSats), feeFrom: 'sender' });
  await Promise.all([claim(all, claimUrl, intention), claim(all, claimUrl, intention)]);
  const payoutId = await payoutOf(all, refundId);
  if (payoutId === null) {
    count(all, 'heldRefunds');
    return;
  }
  intention.id = payoutId;
  await approve(all, intention);
}

async function isPaidSoon(all: Run, orderId: string): Promise<boolean> {
  const deadline = performance.now() + PAID_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const { status } = await read<{ status: string }>(all, `/v1/orders/${orderId}`);
    if (status === 'CONFIRMED') return true;
    await all.world.regtest.mine(1);
    await sleep(300);
  }
  return false;
}

async function claim(all: Run, claimUrl: string, { address }: PayoutIntention): Promise<void> {
  const { pathname } = new URL(claimUrl);
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const answer = await fetch(`${all.world.server.url}${pathname}`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ step: 'claim', address, proof: '' }),
    }).catch(() => undefined);
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) return;
    await sleep(100);
  }
}

async function payoutOf(all: Run, refundId: string): Promise<string | null> {
  return (await read<{ payoutId: string | null }>(all, `/v1/refunds/${refundId}`)).payoutId;
}

async function read<T>({ world }: Run, path: string): Promise<T> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const { apiKey } = world.shop;
    const answer = await callApi(`${world.server.url}${path}`, { method: 'GET', apiKey });
    if (answer?.status === 200) return answer.body as T;
    if (performance.now() > deadline) throw new Error(`no answer from ${path}`);
    await sleep(100);
  }
}

async function insist(
  { world }: Run,
  { path, key, body }: { path: string; key: string; body?: unknown },
): Promise<{ status: number; body: unknown }> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answer = await callApi(`${world.server.url}${path}`, {
      apiKey: world.shop.apiKey,
      idempotencyKey: key,
      body: body ?? {},
    });
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer;
    if (performance.now() > deadline) throw new Error(`no answer to ${path}`);
    await sleep(100);
  }
}

/** The world goes on meanwhile: blocks, reorganisations, lost mempools, bumped fees. */
async function stir(all: Run): Promise<void> {
  const { dice, world } = all;
  const { regtest } = world;
  await sleep(dice.between(0, 600));
  const what = dice.next();
  if (what < 0.35) await regtest.mine(dice.between(1, 2));
  else if (what < 0.5) await reorganise(all);
  else if (what < 0.55) await loseMempool(all);
  else if (what < 0.75) await bump(all);
}

async function reorganise(all: Run): Promise<void> {
  const { dice, world } = all;
  const { rpc, newAddress } = world.regtest;
  const depth = dice.between(1, 3);
  const tip = await rpc.call<number>('getblockcount');
  const hash = await rpc.call<string>('getblockhash', [tip - depth + 1]);
  await rpc.call('invalidateblock', [hash]);
  const address = await newAddress();
  // Empty blocks, so that what was confirmed waits again; at times mined as before.
  if (dice.chance(0.5)) {
    for (let n = 0; n <= depth; n++) await rpc.call('generateblock', [address, []]);
  } else await world.regtest.mine(depth + 1);
  count(all, 'reorgs');
}

/** A node that was killed comes back without what it had not written down. */
async function loseMempool(all: Run): Promise<void> {
  await all.world.regtest.crashNode();
  count(all, 'nodeKills');
}

async function bump(all: Run): Promise<void> {
  const { world } = all;
  const { apiKey } = world.shop;
  const list = await callApi(`${world.server.url}/v1/spends?state=broadcast`, {
    ...{ method: 'GET', apiKey },
  });
  const open = (list?.body as { data?: { id: string }[] } | undefined)?.data ?? [];
  if (list?.status !== 200 || open.length === 0) return;
  const { id } = all.dice.pick(open);
  const answer = await callApi(`${world.server.url}/v1/spends/${id}/bump`, {
    apiKey,
    idempotencyKey: `bump-${id}-${all.counts['bumps'] ?? 0}`,
    body: { feeRateSatPerVb: all.dice.between(5, 60) },
  });
  if (answer !== undefined && answer.status < 300) count(all, 'bumps');
}

/** Coins for the wallet, by addresses without an order. */
async function fund(all: Run): Promise<void> {
  const { world } = all;
  const { shop, server, regtest } = world;
  const outputs: Record<string, string> = {};
  for (let n = 0; n < DEPOSITS; n++) {
    const { address } = await created201<{ address: string }>(
      callApi(`${server.url}/v1/wallets/${shop.walletId}/deposit-addresses`, {
        apiKey: shop.apiKey,
        body: {},
      }),
    );
    outputs[address] = formatBtc(DEPOSIT_SATS);
  }
  await regtest.walletRpc('send', { outputs, fee_rate: 2 });
  await regtest.mine(1);
}

/** Lets everything come to rest, then audits until all is right or the time for it is over. */
async function calmDownAndAudit(all: Run): Promise<void> {
  const { world } = all;
  all.step += ', audit';
  world.lies.fate = 'honest';
  for (const each of [world.server, world.worker]) {
    if (!each.running) each.start();
    const problem = await each.untilReady(READY_TIMEOUT_MS);
    if (problem !== undefined) throw new Error(`not ready: ${problem}: ${each.tail}`);
  }
  const client = await world.connect();
  try {
    await untilPaid(all, client);
    await world.regtest.mine(FINAL_DEPTH + 1);
    const faults = await auditUntilRight(all, client);
    for (const fault of faults) violate(all, fault);
  } finally {
    await client.end();
  }
  await verifyJournals(all);
  count(all, 'audits');
  const coins = await scanCoins(world.regtest.rpc, world.shop.descriptor);
  if (coins.reduce((sum, { sats }) => sum + sats, 0n) < LOW_SATS) await fund(all);
}

/** Blocks come until nothing that was approved waits and nothing is in the mempool. */
async function untilPaid({ world }: Run, client: pg.Client): Promise<void> {
  const deadline = performance.now() + CONVERGE_MS;
  for (;;) {
    const { rows } = await client.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM payout WHERE state IN ('approved', 'in_progress', 'broadcast')`,
    );
    const waiting = await world.regtest.rpc.call<string[]>('getrawmempool');
    if (rows[0]?.open === 0 && waiting.length === 0) return;
    if (performance.now() > deadline) return;
    if (waiting.length > 0) await world.regtest.mine(1);
    await sleep(300);
  }
}

async function auditUntilRight(all: Run, client: pg.Client): Promise<string[]> {
  const { world, intentions } = all;
  const deadline = performance.now() + CONVERGE_MS / 2;
  for (;;) {
    const { outputs } = await all.read(new Set(intentions.map(({ address }) => address)));
    const coins = new Map([
      [world.shop.id, await scanCoins(world.regtest.rpc, world.shop.descriptor)],
    ]);
    const faults = await auditPayouts(client, { intentions, outputs, coins, settled: true });
    if (faults.length === 0 || performance.now() > deadline) return faults;
    await sleep(1_000);
  }
}

/** The product's own verification: what it says must be what the auditor found. */
async function verifyJournals(all: Run): Promise<void> {
  const database = openDatabase(roleUrls(all.world.databaseUrl));
  try {
    const lines: string[] = [];
    const { ok, transfers } = await verifyAllBooks(database, (line) => lines.push(line));
    all.counts['transfers'] = Number(transfers);
    if (!ok) violate(all, lines.join('; '));
  } finally {
    await database.close();
  }
}
