import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { audit } from './support/audit.ts';
import { createChainReader } from './support/chain-truth.ts';
import { type Clients, callApi, type Merchant, startClients } from './support/clients.ts';
import { type CrashWorld, openShops, startCrashWorld } from './support/crash-world.ts';
import { createDice, type Dice } from './support/dice.ts';
import { type Miner, type Payers, splitCoins, startMiner, startPayers } from './support/payers.ts';
import { type Receivers, startReceivers } from './support/receivers.ts';
import { verifyJournals } from './support/verify-journals.ts';

/** A start with recovery and catching up, on a busy machine. */
const READY_TIMEOUT_MS = 60_000;
/** After quiet, the states must be right within this time, the slowest check of the watcher's. */
const CONVERGE_MS = 45_000;
/** Deliveries that a killed server held are due again after their lease of a minute. */
const LEASE_MS = 75_000;
const DRAIN_MS = 60_000;
const AUDIT_EVERY = 12;
const SHOPS_CLIENTS = 5;
/** More descriptions of one fault help nobody. */
const MAX_DESCRIBED = 20;

type Trigger = 'time' | 'send' | 'block' | 'post' | 'webhook' | 'startup';
const TRIGGERS: readonly Trigger[] = [
  ...(['time', 'send', 'block', 'post', 'webhook', 'startup'] as const),
  ...(['send', 'block', 'post'] as const),
];

/** Everything that one run of the suite holds. */
type Run = {
  readonly dice: Dice;
  readonly world: CrashWorld;
  readonly receivers: Receivers;
  readonly violations: string[];
  readonly counts: Record<string, number>;
  readonly bells: Map<Trigger, (() => void)[]>;
  step: string;
  running: boolean;
  ended: boolean;
  /** Until then a server that ends by itself has a reason: what it needs was taken from it. */
  excusedUntilMs: number;
  merchants: readonly Merchant[];
};
type Actors = { clients: Clients; payers: Payers; miner: Miner; read: ChainReader };
type ChainReader = ReturnType<typeof createChainReader>;

/**
 * Kills the whole server with SIGKILL at random moments under load (and at times PostgreSQL or the
 * node), lets it recover, and has an auditor compare everything with what clients, the node and
 * the receivers of webhooks know.
 * @param options.runs kills of the server
 */
export async function run(options: {
  runs: number;
  seed: number;
}): Promise<{ violations: number; [count: string]: unknown }> {
  const { runs, seed } = options;
  const startedAtMs = performance.now();
  const dice = createDice(seed);
  const bells: Run['bells'] = new Map();
  const receivers = await startReceivers(dice.fork('receivers'), () => ring(bells, 'webhook'));
  const counts = { kills: 0, postgresKills: 0, nodeKills: 0, startupKills: 0, audits: 0 };
  const flags = { step: 'start', running: false, ended: false, excusedUntilMs: 0, merchants: [] };
  const violations: string[] = [];
  const world = await startCrashWorld((status, tail) => {
    if (performance.now() < all.excusedUntilMs) return;
    violate(all, `the server ended by itself with status ${status}: ${tail}`);
  });
  const all: Run = { dice, world, receivers, violations, counts, bells, ...flags };
  let actors: Actors | undefined;
  try {
    actors = await begin(all);
    for (let kill = 1; kill <= runs; kill++) {
      all.step = `kill ${kill}`;
      if (kill % 8 === 2) await killPostgres(all);
      if (kill % 12 === 4) await crashNode(all);
      await killServer(all);
      const last = kill === runs;
      if (last || kill % AUDIT_EVERY === 0) await calmDownAndAudit(all, actors, last && runs >= 20);
    }
  } catch (error) {
    violate(all, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  all.ended = true;
  const left = await world.stop({ keepLog: violations.length > 0 });
  if (left.length > 0) violate(all, `processes are left over: ${left.join(', ')}`);
  await receivers.close();
  report(all, seed);
  return {
    violations: violations.length,
    ...counts,
    selfExits: world.server.selfExits,
    ...receivers.counts(),
    ...actors?.clients.counts(),
    ...actors?.payers.counts(),
    ...actors?.miner.counts(),
    seconds: Math.round((performance.now() - startedAtMs) / 1_000),
  };
}

function report({ violations, world }: Run, seed: number): void {
  for (const text of violations.slice(0, MAX_DESCRIBED)) console.error(`seed ${seed}, ${text}`);
  if (violations.length > 0) console.error(`the server's log: ${world.logFile}`);
}

function violate(all: Run, text: string): void {
  all.violations.push(`${all.step}: ${text}`);
}

function ring(bells: Run['bells'], trigger: Trigger): void {
  const waiting = bells.get(trigger) ?? [];
  bells.delete(trigger);
  for (const wake of waiting) wake();
}

/** Resolves at the next such moment, or after `timeoutMs` if there is none. */
function nextMoment({ bells }: Run, trigger: Trigger, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, timeoutMs);
    bells.set(trigger, [...(bells.get(trigger) ?? []), resolve]);
  });
}

async function begin(all: Run): Promise<Actors> {
  const { world, dice, receivers } = all;
  const { regtest, server } = world;
  await splitCoins(regtest);
  const height = await regtest.rpc.call<number>('getblockcount');
  server.start();
  await untilReady(all);
  const merchants = await openShops(world, receivers);
  all.merchants = merchants;
  const moods = { running: () => all.running, ended: () => all.ended };
  const money = {
    ...moods,
    regtest,
    onSend: () => ring(all.bells, 'send'),
    onBlock: () => ring(all.bells, 'block'),
  };
  const payers = startPayers(dice.fork('payers'), money);
  const miner = startMiner(dice.fork('miner'), money);
  const clients = startClients(dice.fork('clients'), SHOPS_CLIENTS, {
    ...moods,
    merchants,
    serverUrl: server.url,
    onPost: () => ring(all.bells, 'post'),
    onAcknowledged: (intention) => payers.pay(intention),
    violate: (text) => violate(all, text),
  });
  all.running = true;
  return { clients, payers, miner, read: createChainReader(regtest.rpc, height) };
}

async function untilReady({ world, step }: Pick<Run, 'world' | 'step'>): Promise<void> {
  const problem = await world.server.untilReady(READY_TIMEOUT_MS);
  if (problem === undefined) return;
  throw new Error(`${step}: not ready after ${READY_TIMEOUT_MS} ms: ${problem}`);
}

/** Lets it work for a while, kills it at a chosen moment, and starts it again. */
async function killServer(all: Run): Promise<void> {
  const { dice, world, counts } = all;
  const { server } = world;
  if (!(await server.untilAnswering(READY_TIMEOUT_MS))) {
    throw new Error(`does not answer after a start: ${server.tail}`);
  }
  await sleep(dice.between(200, 4_000));
  const trigger = dice.pick(TRIGGERS);
  if (trigger === 'time') await sleep(dice.between(0, 1_500));
  else if (trigger !== 'startup') {
    await nextMoment(all, trigger, 3_000);
    await sleep(dice.between(0, 50));
  }
  await server.kill();
  counts['kills'] = (counts['kills'] ?? 0) + 1;
  // Mostly a supervisor's pause; at times so long that the chain goes on without us.
  await sleep(dice.chance(0.2) ? dice.between(1_000, 5_000) : dice.between(0, 300));
  server.start();
  if (trigger !== 'startup') return;
  // And again while it starts or catches up.
  await sleep(dice.between(0, 2_500));
  await server.kill();
  counts['startupKills'] = (counts['startupKills'] ?? 0) + 1;
  server.start();
}

/** Takes the database away under the running server, which has to come back by itself. */
async function killPostgres(all: Run): Promise<void> {
  const { dice, world, counts } = all;
  await untilReady(all);
  all.excusedUntilMs = performance.now() + READY_TIMEOUT_MS;
  await nextMoment(all, dice.pick(['send', 'block', 'post']), 3_000);
  await sleep(dice.between(0, 50));
  await world.killPostgres();
  counts['postgresKills'] = (counts['postgresKills'] ?? 0) + 1;
  await sleep(dice.between(100, 3_000));
  await expectUnavailable(all);
  await world.restartPostgres();
  // Half the time the server dies too before it has found its way back.
  if (dice.chance(0.5)) await untilReady(all);
  all.excusedUntilMs = performance.now() + 5_000;
}

/** Without its database the server still answers: that it can not take orders just now. */
async function expectUnavailable(all: Run): Promise<void> {
  const { apiKey } = all.dice.pick(all.merchants);
  const body = { amount: '1.00', currency: 'USD', externalId: 'made without a database' };
  const answer = await callApi(`${all.world.server.url}/v1/orders`, { apiKey, body });
  if (answer?.status === 503) return;
  violate(all, `an order without a database was answered ${JSON.stringify(answer)}`);
}

async function crashNode(all: Run): Promise<void> {
  const { dice, world, counts } = all;
  await nextMoment(all, dice.pick(['send', 'block']), 3_000);
  await sleep(dice.between(0, 50));
  await world.regtest.crashNode();
  counts['nodeKills'] = (counts['nodeKills'] ?? 0) + 1;
  if (dice.chance(0.5)) await untilReady(all);
}

/** Lets everything come to rest, then audits until all is right or the time for it is over. */
async function calmDownAndAudit(all: Run, actors: Actors, patient: boolean): Promise<void> {
  const { world, receivers } = all;
  const { clients, payers, miner } = actors;
  all.step += ', audit';
  all.running = false;
  await untilReady(all);
  const unanswered = await clients.untilAnswered(READY_TIMEOUT_MS);
  if (unanswered > 0) throw new Error(`${unanswered} clients have no answer from a ready server`);
  await Promise.all([payers.untilIdle(), miner.untilIdle()]);
  // As high as ever: a payment keeps its confirmation while the node is on a shorter branch.
  const height = await world.regtest.rpc.call<number>('getblockcount');
  await miner.mineOn(Math.max(1, miner.highest - height) + (patient ? 5 : 0));
  await untilReady(all);
  receivers.misbehave(false);
  const client = await world.connect();
  try {
    if (patient) await drainByItself(all, client);
    await drain(client);
    const faults = await auditUntilRight(all, actors, client);
    for (const fault of [...faults, ...receivers.faults.splice(0)]) violate(all, fault);
  } finally {
    await client.end();
  }
  const { transfers, fault } = await verifyJournals(all.world.databaseUrl);
  all.counts['transfers'] = transfers;
  if (fault !== undefined) violate(all, fault);
  all.counts['audits'] = (all.counts['audits'] ?? 0) + 1;
  receivers.misbehave(true);
  all.running = true;
}

async function auditUntilRight(
  { receivers }: Run,
  { clients, read }: Actors,
  client: pg.Client,
): Promise<string[]> {
  const deadline = performance.now() + CONVERGE_MS;
  for (;;) {
    const told = clients.intentions.flatMap(({ order }) => (order === undefined ? [] : [order]));
    const truth = await read(new Set(told.map(({ address }) => address)));
    const { intentions } = clients;
    const evidence = { intentions, truth, receivers: receivers.all, nowMs: Date.now() };
    const faults = await audit(client, evidence);
    if (faults.length === 0 || performance.now() > deadline) return faults;
    await sleep(500);
  }
}

const PENDING = `SELECT count(*)::int AS count FROM webhook_delivery WHERE state = 'pending'`;

/**
 * Nothing but time passes: what dead servers held comes back at the end of its lease. Endpoints
 * that failed are in their back-off, which takes longer, and are left to `drain`.
 */
async function drainByItself(all: Run, client: pg.Client): Promise<void> {
  const urls = all.receivers.all.filter(({ manner }) => manner !== 'failing').map(({ url }) => url);
  const query = `${PENDING} AND endpoint_id IN (SELECT id FROM webhook_endpoint WHERE url = ANY ($1))`;
  const deadline = performance.now() + LEASE_MS;
  let left = 1;
  while (left > 0 && performance.now() < deadline) {
    await sleep(500);
    left = (await client.query<{ count: number }>(query, [urls])).rows[0]?.count ?? 0;
  }
  if (left > 0) violate(all, `${left} deliveries still wait after the lease of a dead server`);
}

/** Leases and back-offs are ended now, as if their time had passed, until nothing waits. */
async function drain(client: pg.Client): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (performance.now() < deadline) {
    const { rows } = await client.query<{ count: number }>(PENDING);
    if (rows[0]?.count === 0) return;
    await client.query(`UPDATE webhook_delivery SET next_attempt_at = now()
                         WHERE state = 'pending' AND next_attempt_at > now()`);
    await client.query(`UPDATE webhook_endpoint SET resting_until = NULL`);
    await client.query(`NOTIFY quittance_webhooks`);
    await sleep(1_000);
  }
}
