import { randomUUID } from 'node:crypto';
import pg from 'pg';
import {
  type BenchOptions,
  type BenchResult,
  median,
  quantile,
  rounded,
  sleep,
} from './harness.ts';
import type { BareDone, BareJob } from './support/bare-loop.ts';
import type { LoadDone, LoadJob } from './support/order-load.ts';
import { addShop, type Shop, startServer, startSurroundings } from './support/server.ts';
import { startWorker } from './support/worker.ts';

/**
 * Durable orders over HTTP against a bare loop: the same rows, committed order by order by the
 * driver in a process of its own. Both use one embedded PostgreSQL with fsync on and take turns,
 * round by round; what counts is the median of the rounds' ratios.
 */

const CLIENTS = 64;
/** A transaction needs a connection for itself; beyond this more connections only wait. */
const BARE_CLIENTS = [16, 64];
/** Addresses that the settings have a store derive ahead. */
const POOL = 10_000;
/** How long deriving the addresses of a round ahead may take. */
const FILL_TIMEOUT_MS = 120_000;

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  // A round takes a little more than half of the pool, which is when the server fills it again:
  // after the round, not in it.
  const orders = quick ? 300 : POOL / 2 + 100;
  const ahead = quick ? orders : POOL;
  const rounds = quick ? 1 : 5;
  const surroundings = await startSurroundings('orders');
  const server = await startServer(surroundings, profilingArgs());
  const load = startWorker<LoadJob, LoadDone>('./order-load.ts');
  const bare = startWorker<BareJob, BareDone>('./bare-loop.ts');
  const database = new pg.Client({ connectionString: surroundings.ownerUrl });
  await database.connect();
  const port = Number(new URL(server.url).port);
  const make = async (shop: Shop, count: number) => {
    const { apiKey } = shop;
    return load.run({ port, apiKey, clients: CLIENTS, orders: count, tag: randomUUID() });
  };
  try {
    const pooled = await addShop(server);
    // Its pool is never ahead: nearly every order derives its own address.
    const unpooled = await addShop(server, { addressPoolSize: 20 });
    await poolFilled(database, pooled, ahead);
    for (let i = 0; i < 3; i++) await make(pooled, Math.min(2_000, orders));
    await make(unpooled, 100);
    await poolFilled(database, pooled, ahead);
    const rates = new Map<string, number[]>();
    const note = (name: string, perSecond: number) =>
      rates.set(name, [...(rates.get(name) ?? []), perSecond]);
    const latencies: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const done = await make(pooled, orders);
      latencies.push(...done.latenciesMs);
      note('server', orders / done.seconds);
      // Also lest the loop share the machine with the deriving of addresses.
      await poolFilled(database, pooled, ahead);
      for (const clients of BARE_CLIENTS) {
        for (const withCounter of [true, false]) {
          // Waiting for one row it is several times slower, and no better measured by more.
          const count = withCounter ? Math.ceil(orders / 5) : orders;
          const job = { ownerUrl: surroundings.ownerUrl, clients, orders: count, withCounter };
          const { seconds } = await bare.run({ ...job, merchantId: pooled.merchantId });
          note(bareName(clients, withCounter), count / seconds);
        }
      }
      const few = Math.ceil(orders / 6);
      note('server, addresses derived inline', few / (await make(unpooled, few)).seconds);
    }
    const version = await database.query<{ version: string }>(
      "SELECT current_setting('server_version') AS version",
    );
    return summarise(rates, latencies, { PostgreSQL: version.rows[0]?.version ?? '?' });
  } finally {
    await database.end();
    await Promise.all([load.stop(), bare.stop()]);
    await server.stop();
    await surroundings.stop();
  }
}

/** For whoever profiles: BENCH_PROFILE names a folder for a CPU profile of the server. */
function profilingArgs(): string[] {
  const folder = process.env['BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

function bareName(clients: number, withCounter: boolean): string {
  return `bare loop, ${clients} connections${withCounter ? '' : ', without the counter'}`;
}

/** Waits until the store has this many addresses ahead. */
async function poolFilled(database: pg.Client, shop: Shop, count: number): Promise<void> {
  const deadline = performance.now() + FILL_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const { rows } = await database.query<{ ahead: number }>(
      `SELECT derived_through + 1 - next_index AS ahead FROM receiving_wallet
        WHERE merchant_id = $1 AND active`,
      [shop.merchantId],
    );
    if ((rows[0]?.ahead ?? 0) >= count) return;
    await sleep(100);
  }
  throw new Error('the pool of addresses was not filled in time');
}

function summarise(
  rates: ReadonlyMap<string, readonly number[]>,
  latencies: readonly number[],
  versions: Record<string, string>,
): BenchResult {
  const ours = rates.get('server') ?? [];
  const rows = [...rates].map(([what, perSecond]) => ({
    what,
    ordersPerSecond: rounded(median(perSecond)),
    lowest: rounded(Math.min(...perSecond)),
    highest: rounded(Math.max(...perSecond)),
    serverToThis: rounded(median(perSecond.map((each, i) => (ours[i] ?? 0) / each))),
  }));
  const ratio = (name: string) =>
    rows.find(({ what }) => what === name)?.serverToThis ?? Number.NaN;
  // The rival is the loop at its better number of connections.
  const withCounter = Math.min(...BARE_CLIENTS.map((each) => ratio(bareName(each, true))));
  const without = Math.min(...BARE_CLIENTS.map((each) => ratio(bareName(each, false))));
  return {
    name: 'orders',
    rows,
    ratios: {
      serverToBareLoop: withCounter,
      serverToBareLoopWithoutCounter: without,
      latencyP50Ms: rounded(median(latencies)),
      latencyP99Ms: rounded(quantile(latencies, 0.99)),
    },
    targets: [
      { what: 'server to bare loop', value: withCounter, unit: '×', limit: { atLeast: 0.5 } },
      {
        what: 'server to bare loop without the counter',
        value: without,
        unit: '×',
        limit: { atLeast: 0.5 },
      },
    ],
    versions,
  };
}
