import { spawn, spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BitcoinRpcError, createBitcoinRpc } from '../bitcoin-node/index.ts';
import {
  type Companion,
  type EmbeddedLog,
  findFreePorts,
  findOnPath,
  startCompanion,
} from './companion.ts';

/** A regtest node is ready in under a second; a slow, busy disk needs longer. */
const START_TIMEOUT_MS = 60_000;
/** The node writes its caches when it stops. After this it is killed. */
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 25;
/** Somebody else may take a free port before the node does. */
const MAX_PORT_ATTEMPTS = 5;
/** Up to ten seconds for the ports of an earlier node to be free again. */
const MAX_REPLACE_ATTEMPTS = 20;
const REPLACE_PAUSE_MS = 500;
/** ZeroMQ drops messages beyond its high-water mark (1,000 by default): far above a test's burst. */
const ZMQ_HIGH_WATER_MARK = 100_000;

export type BitcoindErrorKind = 'not_found' | 'provisioning' | 'not_starting';

/** There is no usable bitcoind; the message says why and what to do. */
export class BitcoindError extends Error {
  override name = 'BitcoindError';
  readonly kind: BitcoindErrorKind;

  constructor(kind: BitcoindErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface BitcoindBinary {
  readonly path: string;
  readonly source: 'environment' | 'path' | 'cache';
}

/**
 * Finds a bitcoind for regtest: $BITCOIND, then PATH, then our cache, which on a Debian-like host is
 * filled from the package archive that the host itself uses.
 * @throws {BitcoindError} with how to install one
 */
export async function findBitcoind(log: EmbeddedLog): Promise<BitcoindBinary> {
  const named = process.env['BITCOIND'];
  if (named !== undefined && named !== '') {
    if (starts(named)) return { path: named, source: 'environment' };
    throw new BitcoindError('not_found', `BITCOIND names ${named}, which does not start`);
  }
  const onPath = findOnPath('bitcoind');
  if (onPath !== undefined && starts(onPath)) return { path: onPath, source: 'path' };
  const prefix = join(cacheFolder(), 'bitcoind');
  const path = join(prefix, 'bin/bitcoind');
  if (!starts(path)) await provision(prefix, log);
  return { path, source: 'cache' };
}

/** Where things are kept that can be fetched again: $QUITTANCE_CACHE, else the user's own cache. */
export function cacheFolder(): string {
  const own = process.env['QUITTANCE_CACHE'];
  if (own !== undefined && own !== '') return own;
  const users = process.env['XDG_CACHE_HOME'];
  return join(users === undefined || users === '' ? join(homedir(), '.cache') : users, 'quittance');
}

function starts(path: string): boolean {
  return existsSync(path) && spawnSync(path, ['-version'], { stdio: 'ignore' }).status === 0;
}

const HOW_TO_INSTALL =
  'install Bitcoin Core (https://bitcoincore.org) or your system’s package of it, and put bitcoind into PATH or its path into the variable BITCOIND';

async function provision(prefix: string, log: EmbeddedLog): Promise<void> {
  if (findOnPath('apt-get') === undefined) {
    throw new BitcoindError('not_found', `there is no bitcoind on this machine: ${HOW_TO_INSTALL}`);
  }
  log.info(`no bitcoind found: fetching one for regtest into ${prefix}`);
  mkdirSync(prefix, { recursive: true });
  const script = fileURLToPath(new URL('get-bitcoind.sh', import.meta.url));
  const child = spawn('sh', [script, prefix], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output = (output + chunk).slice(-4_096);
  });
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  if (code === 0) return;
  throw new BitcoindError(
    'provisioning',
    `there is no bitcoind on this machine, and none could be fetched: ${HOW_TO_INSTALL}\n${output.trim()}`,
  );
}

export interface RegtestNodeOptions {
  dataDir: string;
  log: EmbeddedLog;
  /** Come after our own, so that they win: ["-txindex=0", "-prune=1"]. */
  extraArgs?: readonly string[];
  /** Default: what findBitcoind finds. */
  binary?: string;
  /** Starts in the place of an earlier node: same ports and credentials, so clients find it again. */
  replaces?: RegtestNode;
}

export interface RegtestNode {
  readonly rpcUrl: string;
  readonly rpcUser: string;
  readonly rpcPassword: string;
  /** Where it listens for peers when `extraArgs` has "-listen=1". */
  readonly p2pPort: number;
  /** Publishers, each "tcp://127.0.0.1:<port>". */
  readonly zmq: {
    readonly rawtx: string;
    readonly rawblock: string;
    readonly hashblock: string;
    readonly sequence: string;
  };
  readonly pid: number;
  readonly exited: Promise<string>;
  /** Shuts down cleanly. */
  stop(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
}

type Place = Pick<RegtestNode, 'rpcUrl' | 'rpcUser' | 'rpcPassword' | 'p2pPort' | 'zmq'>;

/**
 * Starts a private node on regtest that ends with us. Works with Bitcoin Core and Bitcoin Knots.
 * @throws {BitcoindError} when there is none, or it does not start, with its own words
 */
export async function startRegtestNode(options: RegtestNodeOptions): Promise<RegtestNode> {
  const binary = options.binary ?? (await findBitcoind(options.log)).path;
  mkdirSync(options.dataDir, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const place = options.replaces ?? (await findPlace());
    const args = [...regtestArgs(binary, options.dataDir, place), ...(options.extraArgs ?? [])];
    const server = startCompanion(binary, args, {
      signalOnOurDeath: 'SIGTERM',
      onLine: (line) => options.log.warn(`bitcoind: ${line}`),
    });
    const failure = await untilReady(server, place);
    if (failure === undefined) return nodeOf(server, place);
    const portTaken = /Unable to bind|Address already in use|Unable to start HTTP/i.test(failure);
    if (portTaken && options.replaces === undefined && attempt < MAX_PORT_ATTEMPTS) continue;
    // An outgoing connection of anybody may hold one of the earlier node's ports for a moment.
    if (options.replaces !== undefined && attempt < MAX_REPLACE_ATTEMPTS) {
      options.log.warn(`bitcoind does not start again yet: ${failure}`);
      await sleep(REPLACE_PAUSE_MS);
      continue;
    }
    throw new BitcoindError(
      'not_starting',
      `bitcoind (${binary}) does not start:\n${failure}${loggedErrors(options.dataDir)}`,
    );
  }
}

/** What its log says of the end: a node that gives up says there why, and not always elsewhere. */
function loggedErrors(dataDir: string): string {
  const path = join(dataDir, 'regtest/debug.log');
  if (!existsSync(path)) return '';
  const errors = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => /error/i.test(line));
  return errors.slice(-3).join('\n');
}

function nodeOf(server: Companion, place: Place): RegtestNode {
  return {
    rpcUrl: place.rpcUrl,
    rpcUser: place.rpcUser,
    rpcPassword: place.rpcPassword,
    p2pPort: place.p2pPort,
    zmq: place.zmq,
    pid: server.pid,
    exited: server.exited,
    async stop() {
      server.signal('SIGTERM');
      await Promise.race([server.exited, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      if (!server.hasExited()) server.signal('SIGKILL');
      await server.exited;
    },
    async kill() {
      server.signal('SIGKILL');
      await server.exited;
    },
  };
}

async function findPlace(): Promise<Place> {
  const [rpc = 0, p2pPort = 0, rawtx = 0, rawblock = 0, hashblock = 0, sequence = 0] =
    await findFreePorts(6);
  const publisher = (port: number): string => `tcp://127.0.0.1:${port}`;
  return {
    rpcUrl: `http://127.0.0.1:${rpc}`,
    rpcUser: 'quittance',
    rpcPassword: randomBytes(24).toString('hex'),
    p2pPort,
    zmq: {
      rawtx: publisher(rawtx),
      rawblock: publisher(rawblock),
      hashblock: publisher(hashblock),
      sequence: publisher(sequence),
    },
  };
}

function regtestArgs(binary: string, dataDir: string, place: Place): string[] {
  const publishers = Object.entries(place.zmq).flatMap(([topic, address]) => [
    `-zmqpub${topic}=${address}`,
    `-zmqpub${topic}hwm=${ZMQ_HIGH_WATER_MARK}`,
  ]);
  return [
    '-regtest',
    `-datadir=${dataDir}`,
    // No configuration file of this machine may change what tests and the demo see.
    '-conf=/dev/null',
    '-daemon=0',
    '-server=1',
    '-printtoconsole=0',
    '-rest=1',
    '-txindex=1',
    '-addresstype=bech32',
    '-fallbackfee=0.0001',
    '-listen=0',
    '-listenonion=0',
    '-discover=0',
    '-dnsseed=0',
    `-port=${place.p2pPort}`,
    '-rpcbind=127.0.0.1',
    '-rpcallowip=127.0.0.1',
    `-rpcport=${new URL(place.rpcUrl).port}`,
    `-rpcauth=${rpcAuth(place.rpcUser, place.rpcPassword)}`,
    ...publishers,
    ...corePolicy(binary),
  ];
}

/** Bitcoin Knots relays less than Core unless told otherwise; Core refuses options it doesn't know. */
function corePolicy(binary: string): string[] {
  const { stdout } = spawnSync(binary, ['-help'], { encoding: 'utf8' });
  return /^\s+-corepolicy\b/m.test(stdout) ? ['-corepolicy'] : [];
}

/** Bitcoin Core share/rpcauth: the password itself would be readable in the list of processes. */
function rpcAuth(user: string, password: string): string {
  const salt = randomBytes(16).toString('hex');
  return `${user}:${salt}$${createHmac('sha256', salt).update(password).digest('hex')}`;
}

/** Waits until the node answers; gives its last words when it ended instead. */
async function untilReady(server: Companion, place: Place): Promise<string | undefined> {
  const rpc = createBitcoinRpc({
    url: place.rpcUrl,
    user: place.rpcUser,
    password: place.rpcPassword,
  });
  try {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if (server.hasExited()) return `${await server.exited}: ${server.tail()}`;
      const problem = await rpc.call('getblockchaininfo').then(
        () => undefined,
        (error: unknown) => error,
      );
      if (problem === undefined) return undefined;
      const wait = problem instanceof BitcoinRpcError && problem.kind !== 'unauthorized';
      if (!wait) break;
      await Promise.race([server.exited, sleep(POLL_MS)]);
    }
    server.signal('SIGKILL');
    await server.exited;
    return `not ready after ${START_TIMEOUT_MS} ms\n${server.tail()}`;
  } finally {
    await rpc.close();
  }
}
