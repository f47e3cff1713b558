import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { HDKey } from '@scure/bip32';
import { migrate } from '../../apps/server/src/platform/db/index.ts';
import {
  type RegtestNode,
  startRegtestNode,
} from '../../apps/server/src/platform/embedded/bitcoind.ts';
import { findFreePort } from '../../apps/server/src/platform/embedded/companion.ts';
import { startEmbeddedPostgres } from '../../apps/server/src/platform/embedded/postgres.ts';

/** A server that is not ready by then will not be. */
const READY_TIMEOUT_MS = 60_000;
/** Version bytes of test networks' extended keys (SLIP132). */
const TEST_KEY_VERSIONS = { private: 0x04358394, public: 0x043587cf };

const quiet = { info() {}, warn() {} };

export type Surroundings = {
  folder: string;
  ownerUrl: string;
  node: RegtestNode;
  stop(): Promise<void>;
};

/** An embedded PostgreSQL with every guarantee on, migrated, and a node on regtest. */
export async function startSurroundings(
  name: string,
  nodeArgs: readonly string[] = [],
): Promise<Surroundings> {
  const folder = mkdtempSync(join(tmpdir(), `quittance-bench-${name}-`));
  // The database server runs as another user when we are root, and has to pass through.
  chmodSync(folder, 0o711);
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), log: quiet });
  await migrate(postgres.url);
  const node = await startRegtestNode({
    dataDir: join(folder, 'node'),
    log: quiet,
    extraArgs: nodeArgs,
  });
  return {
    folder,
    ownerUrl: postgres.url,
    node,
    async stop() {
      await node.stop();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export type BenchServer = {
  url: string;
  adminKey: string;
  /** The process, for questions to what `nodeArgs` loaded into it. */
  child: ChildProcess;
  stop(): Promise<void>;
};

/** Starts the server as `quittance start` does, in a process of its own, and waits for it. */
export async function startServer(
  surroundings: Surroundings,
  nodeArgs: readonly string[] = [],
): Promise<BenchServer> {
  const port = await findFreePort();
  const file = join(surroundings.folder, 'config.json');
  writeFileSync(file, JSON.stringify(configuration(surroundings, port)));
  const cli = fileURLToPath(new URL('../../apps/server/src/cli.ts', import.meta.url));
  const args = ['--disable-warning=ExperimentalWarning', ...nodeArgs, cli];
  const child = spawn(process.execPath, [...args, 'start', '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, DATABASE_URL: surroundings.ownerUrl },
  });
  const adminKey = await untilReady(child);
  return {
    url: `http://127.0.0.1:${port}`,
    adminKey,
    child,
    async stop() {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function configuration({ node }: Surroundings, port: number): Record<string, unknown> {
  return {
    network: 'regtest',
    publicUrl: `http://127.0.0.1:${port}`,
    http: { port },
    bitcoin: {
      rpcUrl: node.rpcUrl,
      rpcUser: node.rpcUser,
      rpcPassword: node.rpcPassword,
      zmqRawTx: node.zmq.rawtx,
      zmqHashBlock: node.zmq.hashblock,
      zmqSequence: node.zmq.sequence,
    },
    rates: { sources: ['fixed'], fixed: { EUR: '60000.00' } },
    log: { level: 'info' },
    limits: {
      requestsPerMinute: 10_000_000,
      keyRequestsPerMinute: 10_000_000,
      socketsPerAddress: 100_000,
    },
  };
}

/** @returns the administrator's key, which a server prints at its first start */
function untilReady(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let key = '';
    let words = '';
    const fail = (why: string) => reject(new Error(`the server ${why}:\n${words}`));
    const timer = setTimeout(() => fail('is not ready'), READY_TIMEOUT_MS);
    const settle = () => {
      clearTimeout(timer);
      resolve(key);
    };
    let ready = false;
    const read = (line: string) => {
      words = `${words}${line}\n`.slice(-8_192);
      // A server in trouble makes figures that mean nothing: let it be seen.
      if (/"level":"(warn|error|fatal)"/.test(line)) console.error(line);
      key ||= /qt_\S+/.exec(line)?.[0] ?? '';
      ready ||= line.includes('"message":"ready"');
      if (ready && key !== '') settle();
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', read);
    }
    child.once('close', () => fail('ended'));
  });
}

/** The extended public key of an account of nobody's. */
export function newAccountKey(): string {
  const seed = HDKey.fromMasterSeed(randomBytes(32), TEST_KEY_VERSIONS);
  return seed.derive("m/84'/1'/0'").publicExtendedKey;
}

export type Shop = { merchantId: string; apiKey: string };

/** A store with a wallet of its own. Its gap is as wide as the settings allow. */
export async function addShop(
  server: BenchServer,
  settings: Record<string, unknown> = {},
): Promise<Shop> {
  const created = await call<{ merchant: { id: string }; apiKey: { secret: string } }>(
    server.url,
    '/v1/merchants',
    server.adminKey,
    {
      name: 'Bench',
      descriptor: `wpkh(${newAccountKey()}/<0;1>/*)`,
      settings: {
        maxAddressGap: 100_000,
        addressPoolSize: 10_000,
        rateRule: { sources: ['fixed'], minSources: 1 },
        ...settings,
      },
    },
  );
  return { merchantId: created.merchant.id, apiKey: created.apiKey.secret };
}

/** Posts JSON and gives the answer's body. @throws on any answer but a 2xx */
export async function call<T>(url: string, path: string, key: string, body: object): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  // The shape is what the contract says of this route.
  return (await response.json()) as T;
}
