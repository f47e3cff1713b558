import { join } from 'node:path';
import type pg from 'pg';
import { findFreePort } from '../../../apps/server/src/platform/embedded/companion.ts';
import { startEmbeddedPostgres } from '../../../apps/server/src/platform/embedded/postgres.ts';
import { type Regtest, startRegtest } from '../../support/regtest.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { connectOwner, serverSettings, silent } from './server-settings.ts';
import { createServerProcess, type ServerProcess } from './server-process.ts';

/** Who answers, who follows the chain, and two workers that race for the same payouts. */
export const parts = ['api', 'watcher', 'left', 'right'] as const;
export type Part = (typeof parts)[number];
const ROLES: Record<Part, string> = {
  ...{ api: 'api', watcher: 'watcher', left: 'worker', right: 'worker' },
};
export type Servers = Record<Part, ServerProcess>;

/** What every world in which payouts are paid has: a database, a real node, and the servers. */
export type PayingWorld<Shop> = {
  readonly regtest: Regtest;
  readonly servers: Servers;
  readonly logFile: string;
  readonly databaseUrl: string;
  readonly shop: Shop;
  connect(): Promise<pg.Client>;
  stop(options: { keepLog: boolean }): Promise<void>;
};

export type SelfExitListener = (who: string, status: number | null, tail: string) => void;

/** A start with its migrations, on a machine that does other things beside. */
const READY_TIMEOUT_MS = 120_000;

/**
 * Starts the servers, each a process of its own, so that each can be killed alone.
 * @param options.companions starts what else the servers need: settings that tell them of it, and
 * how it ends, which it does after the servers and before the node
 * @param options.openShop makes the shop over the API; the others start when there is one
 */
export async function startPayingWorld<Shop, More extends object>(options: {
  name: string;
  onSelfExit: SelfExitListener;
  companions(place: { regtest: Regtest; folder: string }): Promise<{
    env: Readonly<Record<string, string>>;
    stop(): Promise<void>;
    more: More;
  }>;
  openShop(api: ServerProcess, more: More): Promise<Shop>;
}): Promise<PayingWorld<Shop> & More> {
  const { onSelfExit } = options;
  const folder = temporaryFolder(options.name);
  const logFile = join(folder.path, 'server.log');
  const postgres = await startEmbeddedPostgres({
    dataDir: join(folder.path, 'postgres'),
    port: await findFreePort(),
    log: silent,
  });
  const regtest = await startRegtest();
  const { env, stop, more } = await options.companions({ regtest, folder: folder.path });
  const settings = serverSettings({
    databaseUrl: postgres.url,
    node: regtest.node,
    folder: folder.path,
  });
  const make = async (part: Part): Promise<ServerProcess> => {
    const port = await findFreePort();
    const own = { QUITTANCE_HTTP_PORT: String(port), QUITTANCE_ROLE: ROLES[part] };
    return createServerProcess({
      ...{ port, logFile, env: { ...settings, ...env, ...own } },
      onSelfExit: (status, tail) => onSelfExit(part, status, tail),
    });
  };
  const servers: Servers = {
    ...{ api: await make('api'), watcher: await make('watcher') },
    ...{ left: await make('left'), right: await make('right') },
  };
  servers.api.start();
  const problem = await servers.api.untilReady(READY_TIMEOUT_MS);
  if (problem !== undefined) throw new Error(`not ready: ${problem}; ${servers.api.tail}`);
  const shop = await options.openShop(servers.api, more);
  for (const part of ['watcher', 'left', 'right'] as const) servers[part].start();
  return {
    ...{ ...more, regtest, servers, logFile, databaseUrl: postgres.url, shop },
    connect: () => connectOwner(postgres.url),
    async stop({ keepLog }) {
      await Promise.all(parts.map((part) => servers[part].kill()));
      await stop();
      await regtest.stop();
      await postgres.stop();
      if (!keepLog) folder.remove();
    },
  };
}
