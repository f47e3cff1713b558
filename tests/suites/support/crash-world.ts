import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { findFreePort } from '../../../apps/server/src/platform/embedded/companion.ts';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../../apps/server/src/platform/embedded/postgres.ts';
import { type Regtest, startRegtest } from '../../support/regtest.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { callApi, created201, type Merchant } from './clients.ts';
import type { Manner, Receivers, Style } from './receivers.ts';
import { createServerProcess, type ServerProcess } from './server-process.ts';
import { connectOwner, serverSettings, silent } from './server-settings.ts';

/** In the environment of all that a run starts, so that what is left over can be found. */
const MARK = 'CRASH_SUITE_RUN';

export type CrashWorld = {
  readonly regtest: Regtest;
  readonly server: ServerProcess;
  readonly logFile: string;
  /** As the owner. */
  readonly databaseUrl: string;
  /** kill -9 of the database's main process; it is gone when this resolves. */
  killPostgres(): Promise<void>;
  restartPostgres(): Promise<void>;
  /** Connects as the database's owner. */
  connect(): Promise<pg.Client>;
  /** Ends everything, keeps the log if asked; gives the processes that are left over. */
  stop(options: { keepLog: boolean }): Promise<string[]>;
};

/** A database with all guarantees on, a real node and the server, each a process of its own. */
export async function startCrashWorld(
  onSelfExit: (status: number | null, tail: string) => void,
): Promise<CrashWorld> {
  const mark = randomUUID();
  process.env[MARK] = mark;
  const folder = temporaryFolder('crash');
  const logFile = join(folder.path, 'server.log');
  const port = await findFreePort();
  const startPostgres = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir: join(folder.path, 'postgres'), port, log: silent });
  let postgres = await startPostgres();
  const { url } = postgres;
  const regtest = await startRegtest();
  const serverPort = await findFreePort();
  const server = createServerProcess({
    port: serverPort,
    logFile,
    onSelfExit,
    env: {
      ...serverSettings({ databaseUrl: url, node: regtest.node, folder: folder.path }),
      QUITTANCE_HTTP_PORT: String(serverPort),
      QUITTANCE_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'true',
      QUITTANCE_WEBHOOKS_ALLOW_HTTP: 'true',
    },
  });
  return {
    regtest,
    server,
    logFile,
    databaseUrl: url,
    async killPostgres() {
      process.kill(postgres.pid, 'SIGKILL');
      await postgres.exited;
    },
    async restartPostgres() {
      postgres = await startPostgres();
    },
    connect: () => connectOwner(url),
    async stop({ keepLog }) {
      await server.kill();
      await regtest.stop();
      await postgres.stop();
      // The kernel collects what was killed with its parent in its own time.
      let left = processesOf(mark);
      for (let n = 0; n < 40 && left.length > 0; n++) {
        await sleep(50);
        left = processesOf(mark);
      }
      delete process.env[MARK];
      if (!keepLog) folder.remove();
      return left;
    },
  };
}

/** Processes other than this one whose environment has the mark (Linux; elsewhere none are found). */
function processesOf(mark: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^[0-9]+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const own = readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${mark}`);
      return own ? [`${pid} ${readFileSync(`/proc/${pid}/comm`, 'latin1').trim()}`] : [];
    } catch {
      return [];
    }
  });
}

const SHOPS = ['north', 'south'] as const;
const ENDPOINTS: readonly [string, Style, Manner, string[]][] = [
  ['all', 'standard', 'good', []],
  ['classic', 'classic', 'good', []],
  ['slow', 'standard', 'slow', ['order.payment_confirmed', 'order.expired']],
  ['failing', 'standard', 'failing', ['order.status_changed', 'order.created']],
];

/** Two shops, each with a wallet of its own and four endpoints that hear of different things. */
export async function openShops(
  { regtest, server }: CrashWorld,
  receivers: Receivers,
): Promise<Merchant[]> {
  const adminKey = await server.adminKey();
  const shops: Merchant[] = [];
  for (const name of SHOPS) {
    const created = await created201<{ merchant: { id: string }; apiKey: { secret: string } }>(
      callApi(`${server.url}/v1/merchants`, {
        apiKey: adminKey,
        body: {
          name,
          descriptor: await newDescriptor(regtest, name),
          settings: { rateRule: { sources: ['fixed'], minSources: 1 } },
        },
      }),
    );
    const shop = { name, id: created.merchant.id, apiKey: created.apiKey.secret };
    for (const [kind, style, manner, eventTypes] of ENDPOINTS) {
      const receiver = receivers.add(`${name}-${kind}`, style, manner);
      const { secret } = await created201<{ secret: string }>(
        callApi(`${server.url}/v1/webhook-endpoints`, {
          apiKey: shop.apiKey,
          body: { url: receiver.url, style, eventTypes },
        }),
      );
      receiver.secret = secret;
    }
    shops.push(shop);
  }
  return shops;
}

/** The public descriptor of a wallet that receives and never spends. */
async function newDescriptor({ rpc }: Regtest, name: string): Promise<string> {
  await rpc.call('createwallet', { wallet_name: name });
  const { descriptors } = await rpc.walletCall<{ descriptors: { desc: string }[] }>(
    name,
    'listdescriptors',
  );
  const own = descriptors.find(({ desc }) => /^wpkh\(.*\/0\/\*\)/.test(desc));
  if (own === undefined) throw new Error('the wallet has no wpkh descriptor');
  await rpc.call('unloadwallet', { wallet_name: name });
  return own.desc.replace(/\/0\/\*\).*$/, '/<0;1>/*)');
}
