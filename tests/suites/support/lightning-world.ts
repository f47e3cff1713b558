import { join } from 'node:path';
import pg from 'pg';
import { findFreePort } from '../../../apps/server/src/platform/embedded/companion.ts';
import { startEmbeddedPostgres } from '../../../apps/server/src/platform/embedded/postgres.ts';
import { regtestDescriptor } from '../../support/descriptors.ts';
import {
  type LightningNetwork,
  startLightning,
  type TestLightningNode,
} from '../../support/lightning.ts';
import { type Regtest, startRegtest } from '../../support/regtest.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { callApi } from './clients.ts';
import { created201 } from './payout-world.ts';
import { createServerProcess, type ServerProcess } from './server-process.ts';

/** Everything that pays and is paid over Lightning, each a process of its own. */
export type LightningWorld = {
  readonly regtest: Regtest;
  readonly network: LightningNetwork;
  /** Our own node, and the one that is at the other end of its channel. */
  readonly own: TestLightningNode;
  readonly peer: TestLightningNode;
  /** Who answers, who follows the chain, and two workers that race for the same payouts. */
  readonly servers: Record<LightningPart, ServerProcess>;
  readonly logFile: string;
  readonly databaseUrl: string;
  readonly shop: { readonly id: string; readonly apiKey: string };
  connect(): Promise<pg.Client>;
  stop(options: { keepLog: boolean }): Promise<void>;
};

export const lightningParts = ['api', 'watcher', 'left', 'right'] as const;
export type LightningPart = (typeof lightningParts)[number];
const ROLES: Record<LightningPart, string> = {
  ...{ api: 'api', watcher: 'watcher', left: 'worker', right: 'worker' },
};

const silent = { info(): void {}, warn(): void {} };
const READY_TIMEOUT_MS = 120_000;
const CAPACITY_SATS = 16_000_000n;

export async function startLightningWorld(
  onSelfExit: (who: string, status: number | null, tail: string) => void,
): Promise<LightningWorld> {
  const folder = temporaryFolder('lightning-crash');
  const logFile = join(folder.path, 'server.log');
  const postgres = await startEmbeddedPostgres({
    dataDir: join(folder.path, 'postgres'),
    port: await findFreePort(),
    log: silent,
  });
  const regtest = await startRegtest();
  const network = await startLightning(regtest, {
    names: ['own', 'peer'],
    channels: { capacitySats: CAPACITY_SATS },
  });
  const own = network.get('own');
  const { node } = regtest;
  const env = {
    DATABASE_URL: postgres.url,
    QUITTANCE_NETWORK: 'regtest',
    QUITTANCE_RATES_FIXED: '{"USD":"65000.00"}',
    QUITTANCE_BITCOIN_RPC_URL: node.rpcUrl,
    QUITTANCE_BITCOIN_RPC_USER: node.rpcUser,
    QUITTANCE_BITCOIN_RPC_PASSWORD: node.rpcPassword,
    QUITTANCE_BITCOIN_ZMQ_RAW_TX: node.zmq.rawtx,
    QUITTANCE_BITCOIN_ZMQ_HASH_BLOCK: node.zmq.hashblock,
    QUITTANCE_BITCOIN_ZMQ_SEQUENCE: node.zmq.sequence,
    QUITTANCE_LIMITS_REQUESTS_PER_MINUTE: '1000000',
    QUITTANCE_SECRETS_KEY_FILE: join(folder.path, 'secrets.key'),
    QUITTANCE_LIGHTNING_EMBEDDED_DIR: own.place.folder,
  };
  const make = async (part: LightningPart): Promise<ServerProcess> => {
    const port = await findFreePort();
    return createServerProcess({
      port,
      logFile,
      onSelfExit: (status, tail) => onSelfExit(part, status, tail),
      env: { ...env, QUITTANCE_HTTP_PORT: String(port), QUITTANCE_ROLE: ROLES[part] },
    });
  };
  const servers = {
    ...{ api: await make('api'), watcher: await make('watcher') },
    ...{ left: await make('left'), right: await make('right') },
  };
  servers.api.start();
  const problem = await servers.api.untilReady(READY_TIMEOUT_MS);
  if (problem !== undefined) throw new Error(`not ready: ${problem}; ${servers.api.tail}`);
  const shop = await openLightningShop(servers.api);
  for (const part of ['watcher', 'left', 'right'] as const) servers[part].start();
  return {
    ...{ regtest, network, own, peer: network.get('peer'), servers, logFile, shop },
    databaseUrl: postgres.url,
    async connect() {
      const client = new pg.Client({ connectionString: postgres.url });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    async stop({ keepLog }) {
      await Promise.all(lightningParts.map((part) => servers[part].kill()));
      await network.stop();
      await regtest.stop();
      await postgres.stop();
      if (!keepLog) folder.remove();
    },
  };
}

/** A shop with our node and a processor that pays what is approved at once. */
async function openLightningShop(server: ServerProcess): Promise<LightningWorld['shop']> {
  const adminKey = await server.adminKey();
  const body = {
    name: 'Payer',
    descriptor: regtestDescriptor(90_000),
    settings: { rateRule: { sources: ['fixed'], minSources: 1 } },
  };
  const created = await created201<{ merchant: { id: string }; apiKey: { secret: string } }>(
    callApi(`${server.url}/v1/merchants`, { apiKey: adminKey, body }),
  );
  const apiKey = created.apiKey.secret;
  const make = (path: string, wanted: object) =>
    created201(callApi(`${server.url}${path}`, { apiKey, body: wanted }));
  await make('/v1/lightning/nodes', { kind: 'embedded' });
  await make('/v1/payout-processors', { kind: 'lightning', intervalSeconds: 0, concurrency: 5 });
  return { id: created.merchant.id, apiKey };
}
