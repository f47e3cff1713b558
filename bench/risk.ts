import { fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseHash } from '@quittance/bitcoin';
import { type Ids, manualClock, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import {
  type ReadTransactions,
  readFromNode,
  readRecordedTransactions,
  SHIPPED_RISK_CONFIG,
  screenPayments,
  trace,
} from '../apps/server/src/compliance/risk/index.ts';
import { type Screener, screenerOver } from '../apps/server/src/compliance/screening/index.ts';
import { createBitcoinRpc } from '../apps/server/src/platform/bitcoin-node/index.ts';
import {
  type Database,
  migrate,
  openDatabase,
  roleUrls,
} from '../apps/server/src/platform/db/index.ts';
import { startEmbeddedPostgres } from '../apps/server/src/platform/embedded/postgres.ts';
import { applyPaymentEvents } from '../apps/server/src/receiving/payments/index.ts';
import { type BenchOptions, type BenchResult, median, quantile, rounded } from './harness.ts';
import { idOf, makeBusyStore } from './risk/busy-store.ts';
import {
  addressOf,
  KIND_COUNT,
  rawOf,
  type Trait,
  traitsOf,
  txidOf,
} from './risk/simulated-chain.ts';

/**
 * A decision as the worker's loop makes it, all factors on and most of them giving points: from taking
 * on the payment that waits, over the way back of its coins, to the committed decision, hold, event,
 * case and history; in a store with a million payments. Against one plain SQL statement that reads the
 * same history, and beside a bare transaction of one row, which says how quiet the machine is.
 */

const LISTED_ADDRESSES = 200_000;
/** What a person at a till does not notice; the yardstick. */
const LIMIT_MS = 10;
/** The pace of payments, so that a run is minutes of one day to the store. */
const BETWEEN_MS = 500;
const NOW_MS = Date.UTC(2026, 5, 1, 12);
/** An amount far above what the store is paid else, and the usual one. */
const LARGE_SATS = 80_000_000n;
const USUAL_SATS = 50_000n;

type Sizes = { history: number; passes: number; perPass: number; warmUp: number };
const FULL: Sizes = { history: 1_000_000, passes: 5, perPass: 500, warmUp: 300 };
const QUICK: Sizes = { history: 2_000, passes: 2, perPass: 60, warmUp: 40 };

/** One decision, and a bare transaction just after it. */
type Timing = { n: number; pass: number; tookMs: number; bareMs: number };

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const sizes = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), 'quittance-bench-risk-'));
  // The database server runs as another user when we are root, and has to pass through.
  chmodSync(folder, 0o711);
  const log = { info() {}, warn() {} };
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), log });
  await migrate(server.url);
  const owner = new pg.Client({ connectionString: server.url });
  await owner.connect();
  const database = openDatabase(roleUrls(server.url));
  const node = await startSimulatedNode();
  const rpc = createBitcoinRpc({ url: node.url, user: 'bench', password: 'bench' });
  try {
    const clock = manualClock(NOW_MS);
    const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
    const orders = sizes.warmUp + sizes.passes * sizes.perPass;
    await makeBusyStore(owner, { history: sizes.history, orders, nowMs: clock.nowMs() });
    const reader = () =>
      readFromNode({
        ...{ node: rpc, network: 'regtest' },
        readRecord: (txids) => database.asSystem((tx) => readRecordedTransactions(tx, txids)),
      });
    const asking = reader();
    const prepare = async (n: number) => {
      await node.tell('next');
      await followOnce(asking, n);
      await node.tell('collect');
    };
    const bare = await openBare(owner);
    const deps = { database, clock, ids, screener: await listed(), read: reader(), prepare, bare };
    const timings = await decideAll(deps, sizes);
    const found = await readFound(owner);
    const plainMs = await plainHistory(owner, quick ? 3 : 7);
    return summarise({ timings, found, plainMs, history: sizes.history });
  } finally {
    await rpc.close();
    node.stop();
    await database.close();
    await owner.end();
    await server.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

type Deps = {
  database: Database;
  clock: ReturnType<typeof manualClock>;
  ids: Ids;
  screener: Screener;
  read: ReadTransactions;
  /** Has the simulated node make its answers about a payment. */
  prepare(n: number): Promise<void>;
  /** Commits one row. @returns milliseconds */
  bare(): Promise<number>;
};

/** Payments come one by one; each is decided before the next is there. */
async function decideAll(deps: Deps, sizes: Sizes): Promise<Timing[]> {
  const timings: Timing[] = [];
  const onError = (error: unknown) => {
    throw error;
  };
  for (let i = 0; i < sizes.warmUp + sizes.passes * sizes.perPass; i++) {
    const n = sizes.history + i + 1;
    await see(deps, n);
    await deps.prepare(n);
    const began = performance.now();
    const taken = await screenPayments({ ...deps, chance: () => 0.5, onError });
    const tookMs = performance.now() - began;
    if (taken !== 1) throw new Error(`one payment waits, ${taken} were taken on`);
    const pass = Math.floor((i - sizes.warmUp) / sizes.perPass) + 1;
    const bareMs = await deps.bare();
    if (i >= sizes.warmUp) timings.push({ n, pass, tookMs, bareMs });
    deps.clock.advance(BETWEEN_MS);
  }
  return timings;
}

/** The payment is seen in the mempool and recorded, as the watcher does it; this is not measured. */
async function see({ database, clock, ids }: Deps, n: number): Promise<void> {
  const amountSats = traitsOf(n).includes('amount') ? LARGE_SATS : USUAL_SATS;
  const seen = {
    ...{ type: 'seen' as const, paymentId: idOf(5, n), txid: txidOf({ n, at: 1 }), vout: 0 },
    ...{ amountSats, firstSeenAtMs: clock.nowMs(), replaces: [] },
  };
  const telling = { ids, nowMs: clock.nowMs(), tipHeight: 100 };
  await database.asSystem(async (tx) => {
    await tx.query(
      `INSERT INTO chain_transaction (txid, raw, state, first_seen_at, updated_at)
       VALUES ($1, $2, 'mempool', $3, $3)`,
      [parseHash(seen.txid), rawOf({ n, at: 1 }), new Date(seen.firstSeenAtMs)],
    );
    await applyPaymentEvents(tx, telling, [{ orderId: idOf(2, n), events: [seen] }]);
  });
}

/** What three waits and one flush to disk cost just now, whatever is done between them. */
async function openBare(owner: pg.Client): Promise<() => Promise<number>> {
  await owner.query('CREATE TABLE bare (n bigserial PRIMARY KEY, said text NOT NULL)');
  return async () => {
    const began = performance.now();
    await owner.query('BEGIN');
    await owner.query({ name: 'bare', text: 'INSERT INTO bare (said) VALUES ($1)', values: ['x'] });
    await owner.query('COMMIT');
    return performance.now() - began;
  };
}

async function followOnce(read: ReadTransactions, n: number): Promise<void> {
  const [own] = await read([{ txid: txidOf({ n, at: 1 }), height: null }]);
  if (own?.ok !== true) throw new Error('the simulated node knows every payment');
  const { hops, maxTransactions, peelChain } = SHIPPED_RISK_CONFIG;
  const limits = { hops, maxTransactions, peels: peelChain.minLength };
  await trace(own.transaction, read, { limits, stopAt: () => false });
}

async function listed(): Promise<Screener> {
  const entry = (id: string, address: string, topics: string[]) => ({
    ...{ list: 'tags', id, schema: 'Organization' as const, names: [], birthDates: [], topics },
    ...{ countries: [], gender: null, label: 'Tagged' },
    addresses: [{ asset: 'BTC', address, foreign: false }],
  });
  const others = Array.from({ length: LISTED_ADDRESSES }, (_, n) =>
    entry(String(n), addressOf(`tagged ${n}`), ['exchange']),
  );
  const sanctions = [entry('s', addressOf('listed'), [])];
  const tags = [...others, entry('m', addressOf('mixer'), ['mixer'])];
  return await screenerOver([
    { list: 'sanctions', purpose: 'sanctions', entries: sanctions },
    { list: 'tags', purpose: 'attribution', entries: tags },
  ]);
}

type SimulatedNode = { url: string; tell(what: 'next' | 'collect'): Promise<void>; stop(): void };

async function startSimulatedNode(): Promise<SimulatedNode> {
  const file = fileURLToPath(new URL('./risk/simulated-node.ts', import.meta.url));
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  const child = fork(file, { stdio: [...stdio], execArgv: ['--expose-gc'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the simulated node ended')));
    // The node's file sends nothing else.
    child.once('message', (said) => resolve((said as { url: string }).url));
  });
  return {
    url,
    async tell(what) {
      const done = once(child, 'message');
      child.send(what);
      await done;
    },
    stop: () => child.disconnect(),
  };
}

/** What was decided of the new payments: how many each factor gave points, and how many were held. */
type Found = { decisions: number; held: number; several: number; factors: Map<string, number> };

async function readFound(owner: pg.Client): Promise<Found> {
  const { rows } = await owner.query<{ action: string; factors: string[] }>(
    `SELECT action, ARRAY(SELECT reason ->> 'factor'
              FROM jsonb_array_elements(outcome::jsonb -> 'reasons') AS reason) AS factors
       FROM risk_decision WHERE facts <> '{}'`,
  );
  const factors = new Map<string, number>();
  for (const name of rows.flatMap((row) => row.factors)) {
    factors.set(name, (factors.get(name) ?? 0) + 1);
  }
  return {
    decisions: rows.length,
    held: rows.filter(({ action }) => action !== 'approve').length,
    several: rows.filter((row) => row.factors.length > 1).length,
    factors,
  };
}

/** The rival: median, deviation and count of the day out of the payments themselves. */
async function plainHistory(owner: pg.Client, rounds: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await owner.query(
      `WITH amounts AS (SELECT ln(amount_sats) AS x, first_seen_at FROM payment WHERE merchant_id = $1),
            middle AS (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS m FROM amounts)
       SELECT m, percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(x - m)) AS mad,
              count(*) FILTER (WHERE first_seen_at > now() - interval '1 day')
         FROM amounts, middle GROUP BY m`,
      [idOf(1, 1)],
    );
    times.push(performance.now() - began);
  }
  return median(times);
}

/** What leads to a hold by itself or with what goes with it in the simulated chain. */
const HELD_KINDS: ReadonlySet<Trait> = new Set(['listed', 'mixer', 'busy']);

function kindOf(n: number): string {
  const traits = traitsOf(n);
  if (traits.length === 0) return 'clean';
  return traits.some((trait) => HELD_KINDS.has(trait)) ? 'held, with a case' : 'gives points';
}

function summarise(measured: {
  timings: readonly Timing[];
  found: Found;
  plainMs: number;
  history: number;
}): BenchResult {
  const { timings, found, plainMs, history } = measured;
  const row = (what: string, some: readonly Timing[]) => {
    const times = some.map(({ tookMs }) => tookMs);
    const bare = some.map(({ bareMs }) => bareMs);
    return {
      ...{ what, decisions: times.length, medianMs: rounded(median(times)) },
      ...{ p99Ms: rounded(quantile(times, 0.99)), maxMs: rounded(Math.max(...times)) },
      ...{ bareMedianMs: rounded(median(bare)), bareP99Ms: rounded(quantile(bare, 0.99)) },
    };
  };
  const groups = (of: (timing: Timing) => string) => [
    ...Map.groupBy(timings, of)
      .entries()
      .map(([what, some]) => row(what, some)),
  ];
  const passes = groups(({ pass }) => `pass ${pass}`);
  const all = timings.map(({ tookMs }) => tookMs);
  const bare = timings.map(({ bareMs }) => bareMs);
  const share = (count: number) => `${Math.round((100 * count) / found.decisions)} %`;
  const factors = [...found.factors]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${share(count)}`);
  return {
    name: 'risk',
    rows: passes,
    tables: { 'by kind, all passes together': groups(({ n }) => kindOf(n)) },
    ratios: {
      'plain SQL over the history / a whole decision': rounded(plainMs / median(all)),
      'a whole decision / a bare transaction, medians': rounded(median(all) / median(bare)),
      'a whole decision / a bare transaction, p99': rounded(
        quantile(all, 0.99) / quantile(bare, 0.99),
      ),
    },
    targets: [
      {
        what: `a risk decision with ${history} payments of history, median of the passes' p99`,
        value: rounded(median(passes.map(({ p99Ms }) => p99Ms))),
        unit: 'ms',
        limit: { atMost: LIMIT_MS },
      },
    ],
    notes: [
      `Plain SQL over the history: ${rounded(plainMs)} ms.`,
      `Of ${found.decisions} decisions ${share(found.several)} have several factors that give ` +
        `points, ${share(found.held)} hold the payment; ${KIND_COUNT} kinds take turns: ${factors.join(', ')}.`,
      'In the figure: taking on the payment, three hops back (21 transactions, 36 addresses) asked of ' +
        'a simulated node over HTTP, the lists in memory, all factors, decision, hold, event, case and ' +
        'history, committed and flushed to disk.',
      'Not in it: what a real node needs to find a transaction on its disk, the doorbell before, ' +
        'webhooks and pages after.',
    ],
  };
}
