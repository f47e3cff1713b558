import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type BenchOptions, type BenchResult, rounded } from './harness.ts';
import type { MemoryAnswer } from './support/memory-probe.ts';
import type { LoadDone, LoadJob } from './support/order-load.ts';
import { addShop, type BenchServer, startServer, startSurroundings } from './support/server.ts';
import { startWorker } from './support/worker.ts';

/**
 * The memory of a server that makes hundreds of thousands of orders over HTTP and watches the chain
 * for all of them, sampled after collecting garbage. What may grow is the watch table: the script of
 * each address ever handed out, in flat arrays that double when they are full.
 */

const CLIENTS = 64;
/** Stores limit how many unpaid addresses may follow each other; several share the orders. */
const SHOPS = 4;
/** Bytes of the watch table per script when its arrays have just doubled. */
const WATCH_TABLE_BYTES = 150;
/** JavaScript objects per order that would not be a leak but noise of caches. */
const NOISE_BYTES = 20;

type Sample = { orders: number } & MemoryAnswer;

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const step = quick ? 1_000 : 20_000;
  const steps = quick ? 3 : 10;
  const surroundings = await startSurroundings('memory');
  const probe = fileURLToPath(new URL('./support/memory-probe.ts', import.meta.url));
  const server = await startServer(surroundings, ['--expose-gc', '--import', probe]);
  const load = startWorker<LoadJob, LoadDone>('./order-load.ts');
  const port = Number(new URL(server.url).port);
  try {
    const shops = await Promise.all(Array.from({ length: SHOPS }, () => addShop(server)));
    const samples: Sample[] = [];
    for (let at = 1; at <= steps; at++) {
      for (const { apiKey } of shops) {
        const orders = step / SHOPS;
        await load.run({ port, apiKey, clients: CLIENTS, orders, tag: randomUUID() });
      }
      samples.push({ orders: at * step, ...(await memoryOf(server)) });
    }
    return summarise(samples);
  } finally {
    await load.stop();
    await server.stop();
    await surroundings.stop();
  }
}

function memoryOf({ child }: BenchServer): Promise<MemoryAnswer> {
  return new Promise((resolve) => {
    child.once('message', (answer) => resolve(answer as MemoryAnswer));
    child.send('memory');
  });
}

function summarise(samples: readonly Sample[]): BenchResult {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) throw new Error('nothing was sampled');
  const perOrder = (of: (sample: Sample) => number) =>
    rounded((of(last) - of(first)) / (last.orders - first.orders));
  const heap = perOrder(({ heapUsed }) => heapUsed);
  const arrays = perOrder(({ arrayBuffers }) => arrayBuffers);
  return {
    name: 'memory',
    rows: samples.map((sample) => ({
      orders: sample.orders,
      heapMb: megabytes(sample.heapUsed),
      arraysMb: megabytes(sample.arrayBuffers),
      residentMb: megabytes(sample.rss),
    })),
    ratios: {
      heapBytesPerOrder: heap,
      arrayBytesPerOrder: arrays,
      residentBytesPerOrder: perOrder(({ rss }) => rss),
    },
    targets: [
      {
        what: 'JavaScript heap growth',
        value: heap,
        unit: 'B/order',
        limit: { atMost: NOISE_BYTES },
      },
      {
        what: 'arrays growth (the watch table)',
        value: arrays,
        unit: 'B/order',
        limit: { atMost: WATCH_TABLE_BYTES },
      },
    ],
    notes: ['Growth from the first sample (warmed up) to the last, after garbage collection.'],
  };
}

function megabytes(bytes: number): number {
  return Number((bytes / 1_048_576).toFixed(1));
}
