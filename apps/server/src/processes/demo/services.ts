import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../platform/embedded/postgres.ts';
import type { EmbeddedLog } from '../../platform/embedded/companion.ts';
import { type DemoChain, startChain } from './chain.ts';
import { type HotWallet, openHotWallet } from './hot-wallet.ts';

export type Services = {
  postgres: EmbeddedPostgres;
  chain: DemoChain;
  hotWallet: HotWallet;
  /** Settles with its name when one of them ends by itself. */
  ended: Promise<string>;
  stop(): Promise<void>;
};

/**
 * Starts the node and the database side by side, and makes the hot wallet meanwhile: all of it, or
 * nothing is left running.
 */
export async function startServices(folder: string, log: EmbeddedLog): Promise<Services> {
  // The node first: making a database cluster keeps this thread busy while the node starts.
  const starting = [
    startChain(folder, log),
    startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), log }),
    openHotWallet(folder),
  ] as const;
  const [chain, postgres, wallet] = await Promise.allSettled(starting);
  if (
    chain.status === 'fulfilled' &&
    postgres.status === 'fulfilled' &&
    wallet.status === 'fulfilled'
  ) {
    return servicesOf(chain.value, postgres.value, wallet.value);
  }
  if (chain.status === 'fulfilled') await chain.value.stop();
  if (postgres.status === 'fulfilled') await postgres.value.stop();
  // A data folder that is in use fails both: the database's message names who uses it.
  const failed = [postgres, chain, wallet].find(({ status }) => status === 'rejected');
  throw failed?.status === 'rejected' ? failed.reason : new Error('a service did not start');
}

function servicesOf(chain: DemoChain, postgres: EmbeddedPostgres, hotWallet: HotWallet): Services {
  return {
    chain,
    postgres,
    hotWallet,
    ended: Promise.race([
      chain.node.exited.then((how) => `the Bitcoin node (${how})`),
      postgres.exited.then((how) => `the database (${how})`),
    ]),
    async stop() {
      await Promise.all([chain.stop(), postgres.stop()]);
    },
  };
}
