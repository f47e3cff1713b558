import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestSigner, type TestSigner, testSeed, walletKeys } from '@quittance/signer/testing';
import pg from 'pg';
import { findFreePort } from '../../../apps/server/src/platform/embedded/companion.ts';
import { startEmbeddedPostgres } from '../../../apps/server/src/platform/embedded/postgres.ts';
import { type Regtest, startRegtest } from '../../support/regtest.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { callApi } from './clients.ts';
import { type NodeLies, startLyingNode } from './lying-node.ts';
import { createServerProcess, type ServerProcess } from './server-process.ts';

/** Everything that pays, each a process of its own, so that each can be killed alone. */
export type PayoutWorld = {
  readonly regtest: Regtest;
  readonly signer: TestSigner;
  /** The private key of an address of the wallet, as the owner's other software has it. */
  ownerKey(place: { branch: 0 | 1; index: number }): string;
  /** Who answers, who follows the chain, and two workers that race for the same payouts. */
  readonly servers: Record<Part, ServerProcess>;
  /** What stands between the servers and the node. */
  readonly lies: NodeLies;
  readonly logFile: string;
  readonly databaseUrl: string;
  readonly shop: PayingShop;
  connect(): Promise<pg.Client>;
  stop(options: { keepLog: boolean }): Promise<void>;
};

export const parts = ['api', 'watcher', 'left', 'right'] as const;
export type Part = (typeof parts)[number];
const ROLES: Record<Part, string> = {
  ...{ api: 'api', watcher: 'watcher', left: 'worker', right: 'worker' },
};

export type PayingShop = {
  readonly id: string;
  readonly apiKey: string;
  readonly walletId: string;
  readonly descriptor: string;
};

const silent = { info(): void {}, warn(): void {} };
const READY_TIMEOUT_MS = 60_000;

export async function startPayoutWorld(
  onSelfExit: (who: string, status: number | null, tail: string) => void,
): Promise<PayoutWorld> {
  const folder = temporaryFolder('payouts-crash');
  const logFile = join(folder.path, 'server.log');
  const postgres = await startEmbeddedPostgres({
    dataDir: join(folder.path, 'postgres'),
    port: await findFreePort(),
    log: silent,
  });
  const regtest = await startRegtest();
  const { node } = regtest;
  const lies = await startLyingNode(node.rpcUrl);
  const signerFolder = join(folder.path, 'signer');
  mkdirSync(signerFolder);
  const { words } = testSeed();
  const signer = await startTestSigner({ dir: signerFolder, network: 'regtest', seed: words });
  const env = {
    DATABASE_URL: postgres.url,
    QUITTANCE_NETWORK: 'regtest',
    QUITTANCE_RATES_FIXED: '{"USD":"65000.00"}',
    QUITTANCE_BITCOIN_RPC_URL: lies.url,
    QUITTANCE_BITCOIN_RPC_USER: node.rpcUser,
    QUITTANCE_BITCOIN_RPC_PASSWORD: node.rpcPassword,
    QUITTANCE_BITCOIN_ZMQ_RAW_TX: node.zmq.rawtx,
    QUITTANCE_BITCOIN_ZMQ_HASH_BLOCK: node.zmq.hashblock,
    QUITTANCE_BITCOIN_ZMQ_SEQUENCE: node.zmq.sequence,
    QUITTANCE_LIMITS_REQUESTS_PER_MINUTE: '1000000',
    QUITTANCE_SECRETS_KEY_FILE: join(folder.path, 'secrets.key'),
    ...signerSettings(signer, folder.path),
  };
  const make = async (part: Part): Promise<ServerProcess> => {
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
  const shop = await openPayingShop(servers.api, signer);
  for (const part of ['watcher', 'left', 'right'] as const) servers[part].start();
  return {
    ...{ regtest, signer, servers, lies, logFile, databaseUrl: postgres.url, shop },
    ownerKey: walletKeys(words),
    async connect() {
      const client = new pg.Client({ connectionString: postgres.url });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    async stop({ keepLog }) {
      await Promise.all(parts.map((part) => servers[part].kill()));
      await signer.kill();
      await lies.close();
      await regtest.stop();
      await postgres.stop();
      if (!keepLog) folder.remove();
    },
  };
}

/** A shop whose wallet the signer holds, with a processor that pays what is approved at once. */
async function openPayingShop(server: ServerProcess, signer: TestSigner): Promise<PayingShop> {
  const adminKey = await server.adminKey();
  const created = await created201<{ merchant: { id: string }; apiKey: { secret: string } }>(
    callApi(`${server.url}/v1/merchants`, {
      apiKey: adminKey,
      body: {
        name: 'Payer',
        settings: { rateRule: { sources: ['fixed'], minSources: 1 } },
      },
    }),
  );
  const apiKey = created.apiKey.secret;
  const wallet = await created201<{ id: string }>(
    callApi(`${server.url}/v1/wallets`, {
      apiKey,
      body: { descriptor: signer.descriptor, signerWallet: signer.wallet },
    }),
  );
  await created201(
    callApi(`${server.url}/v1/payout-processors`, {
      apiKey,
      body: {
        kind: 'onchain',
        walletId: wallet.id,
        intervalSeconds: 0,
        batchSize: 5,
        feePolicy: { targetBlocks: 2, maxFeeRateSatPerVb: 200, maxFeeShareBps: 10_000 },
        retries: { maxAttempts: 100, delaySeconds: 1 },
      },
    }),
  );
  const { descriptor } = signer;
  return { id: created.merchant.id, apiKey, walletId: wallet.id, descriptor };
}

export async function created201<T>(answer: ReturnType<typeof callApi>): Promise<T> {
  const given = await answer;
  if (given?.status === 201) return given.body as T;
  throw new Error(`it was not made: ${JSON.stringify(given)}`);
}

/** The key that the signer's policy knows is the one with which the servers approve. */
function signerSettings(signer: TestSigner, folder: string): Record<string, string> {
  const approverFile = join(folder, 'approver.key');
  writeFileSync(approverFile, `${signer.approver.privateKey}\n`, { mode: 0o600 });
  return {
    QUITTANCE_SIGNER_SOCKET: signer.socketPath,
    QUITTANCE_SIGNER_APPROVER_FILE: approverFile,
  };
}
