import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../platform/embedded/postgres.ts';
import type { EmbeddedLog } from '../../platform/embedded/companion.ts';
import { type DemoChain, startChain } from './chain.ts';

export type Services = {
  postgres: EmbeddedPostgres;
  chain: DemoChain;
  /** Settles with its name when one of them ends by itself. */
  ended: Promise<string>;
  stop(): Promise<void>;
};

/** Starts the node and the database side by side: both, or neither is left running. */
export async function startServices(folder: string, log: EmbeddedLog): Promise<Services> {
  // The node first: making a database cluster keeps this thread busy while the node starts.
  const starting = [
    startChain(folder, log),
    startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), log }),
  ] as const;
  const [chain, postgres] = await Promise.allSettled(starting);
  if (chain.status === 'fulfilled' && postgres.status === 'fulfilled') {
    return servicesOf(chain.value, postgres.value);
  }
  if (chain.status === 'fulfilled') await chain.value.stop();
  if (postgres.status === 'fulfilled') await postgres.value.stop();
  // A data folder that is in use fails both: the database's message names who uses it.
  const failed = [postgres, chain].find(({ status }) => status === 'rejected');
  throw failed?.status === 'rejected' ? failed.reason : new Error('a service did not start');
}

function servicesOf(chain: DemoChain, postgres: EmbeddedPostgres): Services {
  return {
    chain,
    postgres,
    ended: Promise.race([
      chain.node.exited.then((how) => `the Bitcoin node (${how})`),
      postgres.exited.then((how) => `the database (${how})`),
    ]),
    async stop() {
      await Promise.all([chain.stop(), postgres.stop()]);
    },
  };
}
