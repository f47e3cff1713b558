import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultPoint, faultPoints as signerFaultPoints } from '@quittance/signer/testing';
import type pg from 'pg';
import { faultPointNames } from '../../apps/server/src/platform/fault-points.ts';
// Loading what serves and works defines every fault point there is.
import '../../apps/server/src/wiring/flow.ts';
import { auditForeign } from './support/audit-foreign.ts';
import { auditPayouts, type PayoutIntention, scanCoins } from './support/audit-payouts.ts';
import { createChainReader } from './support/chain-truth.ts';
import { createDice, type Dice } from './support/dice.ts';
import type { Fate } from './support/lying-node.ts';
import { splitCoins } from './support/payers.ts';
import {
  approve,
  flush,
  fund,
  meddle,
  pay,
  payAnew,
  refund,
  stir,
} from './support/payout-actors.ts';
import { count, type PayoutRun, READY_TIMEOUT_MS, violate } from './support/payout-run.ts';
import { type Part, parts } from './support/paying-servers.ts';
import { startPayoutWorld } from './support/payout-world.ts';
import { MAX_DESCRIBED, reportRun } from './support/report-run.ts';
import { isStartGivenUp } from './support/server-process.ts';
import { verifyJournals } from './support/verify-journals.ts';

/** From calm to everything approved being in a block, on a machine that does other things beside. */
const CONVERGE_MS = 300_000;
/** How long a fault is waited for; then the victim is killed where it stands. */
const FAULT_TIMEOUT_MS = 5_000;
const AUDIT_EVERY = 25;
/** Below this the wallet is funded again, so that no payout waits for money. */
const LOW_SATS = 500_000_000n;
const FINAL_DEPTH = 100;

type Victim = Part | 'signer';
/**
 * Kills whatever pays (the server, a second worker, the signer) at every step boundary that the
 * code itself names, and at random moments, with two workers racing, while blocks are reorganised,
 * mempools lost, fees bumped, coins taken by other software with the same keys, and the node refuses
 * or swallows broadcasts. An auditor that shares no code with the product then compares payouts,
 * coins and books with the node.
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
    if (status === null) return;
    if (isStartGivenUp(tail)) count(all, 'startsGivenUp');
    else all.violations.push(`${who} ended with status ${status}: ${tail}`);
  });
  const all: PayoutRun = {
    ...{ dice, world, intentions: [], violations: [], counts: {}, struck: new Map() },
    read: createChainReader(world.regtest.rpc, await world.regtest.rpc.call('getblockcount')),
    ...{ step: 'start', made: 0, foreign: [], deposits: [] },
  };
  const plan = planFaults(dice, options.runs);
  try {
    await splitCoins(world.regtest);
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
  return {
    ...reportRun(all, { seed: options.seed, startedAtMs, points: pointsOf() }),
    ...world.lies.told,
    payouts: all.intentions.length,
  };
}

type Fault = { victim: Victim; point: string | null; pass: number };

/** Which process is at a boundary: who answers requests, who follows the chain, who works. */
const PLACES: readonly [RegExp, readonly Victim[]][] = [
  [/^(payout-approve|refund-create|refund-claim)/, ['api']],
  [/^spend-followed/, ['watcher']],
  [/^(payout-told|refund-news)/, ['watcher', 'left', 'right']],
];
const WORKERS: readonly Victim[] = ['left', 'right'];
/**
 * Changing the signer's policy and ten thousands of requests: its own tests. Lightning: a suite.
 * Monitoring pays nothing.
 */
const OF_OTHER_SUITES = /^(signer:(policy-|snapshot-)|lightning-|monitoring-)/;

/** Every boundary that the code names, with the processes that can be there. */
function pointsOf(): { victims: readonly Victim[]; point: string }[] {
  const servers = faultPointNames().map((point) => {
    const victims = PLACES.find(([names]) => names.test(point))?.[1] ?? WORKERS;
    return { victims, point };
  });
  const signers = signerFaultPoints.map((point) => {
    return { victims: ['signer'] as readonly Victim[], point };
  });
  return [...servers, ...signers].filter(({ point }) => !OF_OTHER_SUITES.test(point));
}

/** All points in turn, each with any of its victims; every fourth kill is at a random moment. */
function planFaults(dice: Dice, runs: number): Fault[] {
  const points = pointsOf();
  const order = points.map((each) => ({ each, at: dice.next() })).sort((a, b) => a.at - b.at);
  return Array.from({ length: runs }, (_, at): Fault => {
    const { each } = order[at % order.length] ?? {};
    if (each === undefined || at % 4 === 3) {
      const victim = dice.pick<Victim>([...parts, 'signer']);
      return { victim, point: null, pass: 1 };
    }
    return { victim: dice.pick(each.victims), point: each.point, pass: dice.chance(0.25) ? 2 : 1 };
  });
}

async function strike(all: PayoutRun, fault: Fault): Promise<void> {
  const { dice, world } = all;
  await arm(all, fault);
  // The other one hangs for so long, so that it does not come first; it goes on where it was.
  const other = rivalOf(fault);
  if (other !== undefined) world.servers[other].pause();
  const fate: Fate = dice.chance(0.3)
    ? dice.pick<Fate>(['swallowed', 'lost', 'refused'])
    : 'honest';
  world.lies.fate = fate;
  const asked = Promise.all(
    Array.from({ length: dice.between(1, 3) }, () => (dice.chance(0.3) ? refund(all) : pay(all))),
  );
  await stir(all);
  await untilGone(all, fault);
  if (other !== undefined) world.servers[other].resume();
  // Mostly a supervisor's pause; at times so long that the others go on alone.
  await sleep(dice.chance(0.15) ? dice.between(500, 2_500) : dice.between(0, 200));
  world.lies.fate = 'honest';
  await revive(all, fault.victim);
  await asked;
  await meddle(all);
}

/** The worker that would come first as often as the victim. */
function rivalOf({ victim, point }: Fault): Part | undefined {
  if (point === null) return undefined;
  if (victim === 'left') return 'right';
  return victim === 'right' ? 'left' : undefined;
}

/** Begins the victim anew with the fault armed; that is a kill at a random moment by itself. */
async function arm(all: PayoutRun, { victim, point, pass }: Fault): Promise<void> {
  if (point === null) return;
  const { world } = all;
  count(all, 'kills');
  if (victim === 'signer') {
    await world.signer.kill();
    await world.signer.restart({ faultPoint: point as FaultPoint });
    return;
  }
  const armed = `${point}${pass > 1 ? `@${pass}` : ''}`;
  const server = world.servers[victim];
  await server.kill();
  server.start({ QUITTANCE_FAULT_POINT: armed });
  await server.untilAnswering(READY_TIMEOUT_MS);
}

async function untilGone(all: PayoutRun, { victim, point }: Fault): Promise<void> {
  const { world, dice } = all;
  let hasEnded = false;
  if (victim === 'signer') void world.signer.ended().then(() => (hasEnded = true));
  const isGone = () => (victim === 'signer' ? hasEnded : !world.servers[victim].running);
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
  else await world.servers[victim].kill();
  count(all, 'kills');
}

async function revive({ world }: PayoutRun, victim: Victim): Promise<void> {
  if (victim === 'signer') await world.signer.restart();
  else world.servers[victim].start();
}

/** Lets everything come to rest, then audits until all is right or the time for it is over. */
async function calmDownAndAudit(all: PayoutRun): Promise<void> {
  const { world } = all;
  all.step += ', audit';
  world.lies.fate = 'honest';
  for (const each of parts.map((part) => world.servers[part])) {
    if (!each.running) each.start();
    const problem = await each.untilReady(READY_TIMEOUT_MS);
    if (problem !== undefined) throw new Error(`not ready: ${problem}: ${each.tail}`);
  }
  const client = await world.connect();
  try {
    await approveResumed(all, client);
    await untilPaid(all, client);
    await world.regtest.mine(FINAL_DEPTH + 1);
    const faults = await auditUntilRight(all, client);
    for (const fault of faults) violate(all, fault);
    if (faults.length > 0) console.error(await describeOpenSpends(client));
  } finally {
    await client.end();
  }
  const { transfers, fault } = await verifyJournals(all.world.databaseUrl);
  all.counts['transfers'] = transfers;
  if (fault !== undefined) violate(all, fault);
  count(all, 'audits');
  await flush(all);
  const coins = await scanCoins(world.regtest.rpc, world.shop.descriptor);
  if (coins.reduce((sum, { sats }) => sum + sats, 0n) < LOW_SATS) await fund(all);
}

/** What stands still and why, for whoever looks into a violation: a line for each version. */
async function describeOpenSpends(client: pg.Client): Promise<string> {
  const { rows } = await client.query(
    `SELECT s.id, s.kind, s.state, s.reason, s.detail, s.attempts, s.due_at, s.version AS counting,
            encode(s.anchor_txid, 'hex') || ':' || s.anchor_vout AS anchor,
            v.version, v.state AS version_state, v.purpose, v.exposed, v.reject_code,
            encode(v.txid, 'hex') AS txid, t.state AS on_record,
            ARRAY(SELECT encode(i, 'hex') FROM unnest(v.inputs) i) AS inputs,
            ARRAY(SELECT encode(c.txid, 'hex') || ':' || c.state || ':' || coalesce(c.height, 0)
                    FROM unnest(v.inputs) i JOIN chain_spend p
                      ON p.prev_txid = substring(i FOR 32) AND p.txid IS DISTINCT FROM v.txid
                    JOIN chain_transaction c ON c.txid = p.txid) AS takers,
            ARRAY(SELECT o.spend_id FROM coin_reservation o WHERE o.txid = v.txid) AS built_on_by
       FROM spend s JOIN spend_version v ON v.spend_id = s.id
       LEFT JOIN chain_transaction t ON t.txid = v.txid
      WHERE s.state NOT IN ('final', 'failed') AND s.height IS NULL
      ORDER BY s.id, v.version`,
  );
  return rows.map((row) => JSON.stringify(row)).join('\n');
}

/** Refunds that were held and go on have new payouts, which nobody has approved yet. */
async function approveResumed(all: PayoutRun, client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ id: string; destination: string }>(
    `SELECT id, destination FROM payout WHERE state = 'awaiting_approval' AND source = 'refund'`,
  );
  for (const { id, destination } of rows) {
    const intention = all.intentions.find(({ address }) => address === destination);
    if (intention === undefined) violate(all, `the payout ${id} goes to a stranger`);
    else await approve(all, Object.assign(intention, { id }));
  }
}

/**
 * Blocks come until nothing that was approved waits and nothing is in the mempool. Where somebody
 * else has taken the coins of a payment that may be out, only depth makes it certain that it is
 * impossible; then it is paid anew, by the rules of the anchor or by a person.
 */
async function untilPaid(all: PayoutRun, client: pg.Client): Promise<void> {
  const { world } = all;
  const deadline = performance.now() + CONVERGE_MS;
  for (;;) {
    const { rows } = await client.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM payout WHERE state IN ('approved', 'in_progress', 'broadcast')`,
    );
    const waiting = await world.regtest.rpc.call<string[]>('getrawmempool');
    const failed = await readFailed(all, client);
    if (rows[0]?.open === 0 && waiting.length === 0 && failed.length === 0) return;
    if (performance.now() > deadline) return;
    for (const intention of failed) await payAnew(all, intention);
    if (waiting.length > 0) await world.regtest.mine(1);
    else if (await isConflictWaitedFor(client)) {
      await world.regtest.mine(FINAL_DEPTH);
      count(all, 'conflictsWaitedFor');
    }
    await sleep(300);
  }
}

/** What was approved and has failed, with no other payout in its place. */
async function readFailed(
  { intentions }: PayoutRun,
  client: pg.Client,
): Promise<PayoutIntention[]> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM payout WHERE state = 'failed'`,
  );
  const failed = new Set(rows.map(({ id }) => id));
  return intentions.filter(({ id, isRefund }) => !isRefund && id !== undefined && failed.has(id));
}

async function isConflictWaitedFor(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM spend WHERE state NOT IN ('final', 'failed') AND height IS NULL
        AND reason IN ('conflict_not_final', 'coin_gone')`,
  );
  return rowCount !== 0;
}

async function auditUntilRight(all: PayoutRun, client: pg.Client): Promise<string[]> {
  const { world, intentions } = all;
  const deadline = performance.now() + CONVERGE_MS / 2;
  for (;;) {
    const { outputs } = await all.read(new Set(intentions.map(({ address }) => address)));
    const coins = new Map([
      [world.shop.id, await scanCoins(world.regtest.rpc, world.shop.descriptor)],
    ]);
    const faults = [
      ...(await auditPayouts(client, { intentions, outputs, coins, settled: true })),
      ...(await auditForeign(client, world.regtest.rpc, all.foreign)),
    ];
    if (faults.length === 0 || performance.now() > deadline) return faults;
    // What was paid anew while the last blocks came waits for one more.
    const waiting = await world.regtest.rpc.call<string[]>('getrawmempool');
    if (waiting.length > 0) await world.regtest.mine(1);
    await sleep(1_000);
  }
}
