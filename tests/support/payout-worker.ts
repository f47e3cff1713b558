import { type ChildProcess, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Random, systemClock, uuidV7Ids } from '@quittance/kernel';
import {
  noPayoutListener,
  PROCESSORS_CHANNEL,
  type ProcessorDeps,
  runDuePayouts,
} from '../../apps/server/src/paying/payouts/index.ts';
import { openDatabase, roleUrls } from '../../apps/server/src/platform/db/index.ts';
import { startLoop } from '../../apps/server/src/platform/loops/index.ts';

const TICK_MS = 20;

/** Starts a worker that runs processors and payments by hand, in a process of its own. */
export async function startPayoutWorker(ownerUrl: string): Promise<{ stop(): Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    env: { ...process.env, QUITTANCE_TEST_OWNER_URL: ownerUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('the worker has an output');
  await once(child.stdout, 'data');
  return {
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function work(ownerUrl: string): Promise<void> {
  const random: Random = (target) => randomFillSync(target);
  const database = openDatabase(roleUrls(ownerUrl));
  const deps: ProcessorDeps = {
    ...{ database, random, clock: systemClock, ids: uuidV7Ids(systemClock, random) },
    ...{ approver: null, listener: noPayoutListener },
    fees: {
      estimate: async ({ targetBlocks }) => ({
        ...{ feeRate: 2_000n, source: 'fixed', targetBlocks, atMs: 0 },
      }),
      floor: async () => 1_000n,
      longTerm: () => 5_000n,
    },
    readAudience: async () => ({ store: 'S', locale: 'en', emails: [] }),
    log: { info() {}, warn() {} },
  };
  const loop = startLoop({
    name: 'payouts',
    everyMs: TICK_MS,
    run: (signal) => runDuePayouts(deps, signal),
    wake: (ring) => database.listen(PROCESSORS_CHANNEL, { message: ring, gap: ring }),
    onError() {},
    clock: systemClock,
  });
  process.stdout.write('works\n');
  await once(process, 'SIGTERM');
  await loop.stop();
  await database.close();
}

const ownerUrl = process.env['QUITTANCE_TEST_OWNER_URL'];
if (process.argv[1] === fileURLToPath(import.meta.url) && ownerUrl !== undefined) {
  await work(ownerUrl);
}
