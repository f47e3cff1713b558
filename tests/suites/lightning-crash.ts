import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { faultPointNames } from '../../apps/server/src/platform/fault-points.ts';
// Loading what serves and works defines every fault point there is.
import '../../apps/server/src/wiring/flow.ts';
import { auditLightning } from './support/audit-lightning.ts';
import { createDice } from './support/dice.ts';
import {
  count,
  decideHeld,
  type LightningRun,
  order,
  patiently,
  pay,
  READY_TIMEOUT_MS,
  violate,
} from './support/lightning-actors.ts';
import { startLightningWorld } from './support/lightning-world.ts';
import { type Part, parts } from './support/paying-servers.ts';
import { MAX_DESCRIBED, reportRun } from './support/report-run.ts';
import { isStartGivenUp } from './support/server-process.ts';
import { verifyJournals } from './support/verify-journals.ts';

/** From calm to everything approved being paid or given back; longer than an invoice lives. */
const CONVERGE_MS = 420_000;
/** How long a fault is waited for; then the victim is killed where it stands. */
const FAULT_TIMEOUT_MS = 5_000;
/** The first time longer: a node that holds a payment is waited for, and the machine may be busy. */
const FIRST_FAULT_TIMEOUT_MS = 30_000;
/**
 * Boundaries that are reached only after another crash, and how long that takes: a payment is given to
 * the node once more when whoever was to send it died before, and half a minute has passed.
 */
const LEADS: Readonly<Record<string, { readonly after: string; readonly withinMs: number }>> = {
  'lightning-again-committed': { after: 'lightning-attempt-committed', withinMs: 60_000 },
};
/** For the crash before the fault, on a busy machine. */
const LEAD_TIMEOUT_MS = 20_000;
const AUDIT_EVERY = 25;
/** Below this on one side of the channel some goes back, so that nobody waits for a way to pay. */
const LOW_MSAT = 2_500_000_000n;

type Victim = Part | 'own' | 'peer';
/** Boundaries of what happens on the chain: the suite payouts-crash. Monitoring pays nothing. */
const OF_OTHER_SUITES = /^(spend-|refund-|payout-plan|payout-told|monitoring-)/;
const PLACES: readonly [RegExp, readonly Part[]][] = [[/^payout-approve/, ['api']]];
const WORKERS: readonly Part[] = ['left', 'right'];

/**
 * Kills whatever pays over Lightning (the server, two racing workers, our node, the recipient's) at
 * every step boundary that the code names and at random moments, while payouts and payments of
 * orders are under way over a real channel, some of them held for a while, and some invoices are put
 * into two payouts. An auditor that shares no code with the product then compares payouts, orders
 * and books with what both nodes have on record.
 * @param options.runs kills
 */
export async function run(options: {
  runs: number;
  seed: number;
}): Promise<{ violations: number; [count: string]: unknown }> {
  const startedAtMs = performance.now();
  const dice = createDice(options.seed);
  const violations: string[] = [];
  const counts: Record<string, number> = {};
  const world = await startLightningWorld((who, status, tail) => {
    // A signal is what this suite does; a status is the program's own giving up.
    if (status === null) return;
    if (isStartGivenUp(tail)) counts['startsGivenUp'] = (counts['startsGivenUp'] ?? 0) + 1;
    else violations.push(`${who} ended with status ${status}: ${tail}`);
  });
  const all: LightningRun = {
    ...{ dice, world, violations, counts, intentions: [], orders: [], struck: new Map() },
    step: 'start',
  };
  try {
    const openingMsat = (await world.own.node.balances()).channelsMsat;
    const tried = new Map<string, number>();
    for (let at = 0; at < options.runs; at++) {
      const fault = nextFault(all, { at, tried });
      all.step = `run ${at + 1} (${fault.victim}${fault.point === null ? '' : ` ${fault.point}`})`;
      await strike(all, fault);
      const isLast = at + 1 === options.runs;
      if ((at + 1) % AUDIT_EVERY === 0 || isLast) await calmDownAndAudit(all, openingMsat);
      if (violations.length >= MAX_DESCRIBED) break;
    }
  } catch (error) {
    violate(all, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  await world.stop({ keepLog: violations.length > 0 });
  return {
    ...reportRun(all, { seed: options.seed, startedAtMs, points: pointsOf() }),
    payouts: all.intentions.length,
    orders: all.orders.length,
  };
}

type Fault = { victim: Victim; point: string | null; pass: number };

/** Every boundary of Lightning payments that the code names, with the processes that can be there. */
function pointsOf(): { victims: readonly Part[]; point: string }[] {
  return faultPointNames()
    .filter((point) => !OF_OTHER_SUITES.test(point))
    .map((point) => ({
      victims: PLACES.find(([names]) => names.test(point))?.[1] ?? WORKERS,
      point,
    }));
}

/**
 * All points in turn, those first that were never struck; every other kill is at a random moment, of
 * the nodes as often as of ours.
 */
function nextFault(
  { dice, struck }: LightningRun,
  { at, tried }: { at: number; tried: Map<string, number> },
): Fault {
  const rank = (point: string) => (struck.has(point) ? 1_000_000 : 0) + (tried.get(point) ?? 0);
  const [each] = pointsOf().toSorted((a, b) => rank(a.point) - rank(b.point));
  if (each === undefined || at % 2 === 1) {
    const victim = dice.pick<Victim>([...parts, 'own', 'own', 'peer', 'peer']);
    return { victim, point: null, pass: 1 };
  }
  const { point, victims } = each;
  tried.set(point, (tried.get(point) ?? 0) + 1);
  const isAlone = !struck.has(point) || point in LEADS;
  return { victim: dice.pick(victims), point, pass: !isAlone && dice.chance(0.25) ? 2 : 1 };
}

async function strike(all: LightningRun, fault: Fault): Promise<void> {
  const { dice, world } = all;
  await arm(all, fault);
  const rival = fault.point === null ? undefined : rivalOf(fault.victim);
  if (rival !== undefined) world.servers[rival].pause();
  const asked = Promise.all([
    ...Array.from({ length: dice.between(1, 3) }, () => pay(all)),
    ...Array.from({ length: dice.between(0, 2) }, () => order(all)),
  ]);
  if (await hasLed(all, fault)) await armAgain(all, fault);
  await untilGone(all, fault);
  if (rival !== undefined) world.servers[rival].resume();
  await sleep(dice.chance(0.15) ? dice.between(500, 2_500) : dice.between(0, 200));
  await revive(all, fault.victim);
  await asked;
  await decideHeld(all, 0.3);
  await keepBalance(all);
}

/** The worker that would come first as often as the victim. */
function rivalOf(victim: Victim): Part | undefined {
  if (victim === 'left') return 'right';
  return victim === 'right' ? 'left' : undefined;
}

/** Begins the victim anew with the fault armed; that is a kill at a random moment by itself. */
async function arm(all: LightningRun, { victim, point, pass }: Fault): Promise<void> {
  if (point === null || victim === 'own' || victim === 'peer') return;
  count(all, 'kills');
  const server = all.world.servers[victim];
  await server.kill();
  const first = LEADS[point]?.after ?? point;
  server.start({ QUITTANCE_FAULT_POINT: `${first}${pass > 1 ? `@${pass}` : ''}` });
  await server.untilAnswering(READY_TIMEOUT_MS);
}

/** Whether the crash that has to come before the fault has happened. */
async function hasLed({ world }: LightningRun, { victim, point }: Fault): Promise<boolean> {
  if (point === null || victim === 'own' || victim === 'peer' || !(point in LEADS)) return false;
  const deadline = performance.now() + LEAD_TIMEOUT_MS;
  while (performance.now() < deadline && world.servers[victim].running) await sleep(20);
  return !world.servers[victim].running;
}

/** The victim comes back with the fault itself armed. */
async function armAgain({ world }: LightningRun, { victim, point }: Fault): Promise<void> {
  if (point === null || victim === 'own' || victim === 'peer') return;
  world.servers[victim].start({ QUITTANCE_FAULT_POINT: point });
}

async function untilGone(all: LightningRun, { victim, point }: Fault): Promise<void> {
  const { world, dice } = all;
  if (point === null || victim === 'own' || victim === 'peer') {
    await sleep(dice.between(0, 1_500));
  } else {
    const usualMs = all.struck.has(point) ? FAULT_TIMEOUT_MS : FIRST_FAULT_TIMEOUT_MS;
    const deadline = performance.now() + (LEADS[point]?.withinMs ?? usualMs);
    while (performance.now() < deadline && world.servers[victim].running) await sleep(20);
    if (!world.servers[victim].running) {
      all.struck.set(point, (all.struck.get(point) ?? 0) + 1);
      count(all, 'faults');
    }
  }
  await (victim === 'own' || victim === 'peer' ? world[victim] : world.servers[victim]).kill();
  count(all, victim === 'own' || victim === 'peer' ? 'nodeKills' : 'kills');
}

async function revive({ world }: LightningRun, victim: Victim): Promise<void> {
  if (victim === 'own' || victim === 'peer') await world[victim].restart();
  else world.servers[victim].start();
}

/** Orders bring back what payouts took; where that is not enough, an order of many does. */
async function keepBalance(all: LightningRun): Promise<void> {
  const { sendableMsat } = await patiently(() => all.world.own.node.balances());
  if (sendableMsat >= LOW_MSAT) return;
  count(all, 'refilled');
  for (let n = 0; n < 10; n++) await order(all);
}

/** Lets everything come to rest, then audits until all is right or the time for it is over. */
async function calmDownAndAudit(all: LightningRun, openingMsat: bigint): Promise<void> {
  const { world } = all;
  all.step += ', audit';
  for (const each of parts.map((part) => world.servers[part])) {
    if (!each.running) each.start();
    const problem = await each.untilReady(READY_TIMEOUT_MS);
    if (problem !== undefined) throw new Error(`not ready: ${problem}: ${each.tail}`);
  }
  await world.own.untilUsable();
  const client = await world.connect();
  try {
    const { intentions, orders } = all;
    const deadline = performance.now() + CONVERGE_MS;
    for (;;) {
      await decideHeld(all);
      const faults = (await isOpen(client))
        ? ['something is still open']
        : await auditLightning(client, world, { intentions, orders, openingMsat });
      if (faults.length === 0) break;
      if (performance.now() > deadline) {
        const more = await auditLightning(client, world, { intentions, orders, openingMsat });
        for (const fault of more) violate(all, fault);
        break;
      }
      await sleep(1_000);
    }
  } finally {
    await client.end();
  }
  const { transfers, fault } = await verifyJournals(all.world.databaseUrl);
  all.counts['transfers'] = transfers;
  if (fault !== undefined) violate(all, fault);
  count(all, 'audits');
}

async function isOpen(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM payout WHERE state IN ('approved', 'in_flight', 'unknown') LIMIT 1`,
  );
  return rowCount !== 0;
}
