import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Approver, connectSigner, generateApprover, type SignerClient } from '../client.ts';
import { FAULT_POINT_VARIABLE, type FaultPoint } from '../faults.ts';
import type { PolicyFile } from '../policy/policy.ts';
import type { Preparation } from './prepare.ts';

/** A signer that runs for a test. */
export type TestSigner = {
  readonly client: SignerClient;
  readonly socketPath: string;
  /** Name of the first wallet, and its public descriptor. */
  readonly wallet: string;
  readonly descriptor: string;
  /** Of all wallets, in the order asked for. */
  readonly descriptors: readonly string[];
  /** The approver of the default policy. */
  readonly approver: Approver;
  readonly folder: string;
  readonly keyFile: string;
  /** Of the process that runs now. */
  readonly pid: number | undefined;
  /** What the process wrote on both outputs, in all its lives. */
  output(): string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, `stop` or a fault point. */
  restart(options?: { faultPoint?: FaultPoint }): Promise<void>;
  /** Resolves when the process has ended, with its signal or exit status. */
  ended(): Promise<string>;
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<void>;
};

export type TestSignerOptions = {
  /** An empty folder of the caller, in which everything is kept. */
  dir: string;
  network: 'regtest';
  /** BIP39 words; random when left out, and then never in the caller's memory. */
  seed?: string;
  /** One wallet named "main" of type wpkh when left out. */
  wallets?: readonly {
    name: string;
    kind?: 'wpkh' | 'sh_wpkh' | 'tr';
    /** Instead of a kind; such as a multisig in which one key is the seed's. */
    descriptor?: string;
  }[];
  /** Laid over a policy that allows everything usual. */
  policy?: Partial<PolicyFile>;
  faultPoint?: FaultPoint;
  timeoutMs?: number;
};

/** The process answers within a second; a machine under load takes longer. */
const START_TIMEOUT_MS = 60_000;
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const PREPARE = fileURLToPath(new URL('./prepare.ts', import.meta.url));

/** A policy that stands in nobody's way: one approver for everything, wide limits. */
export function permissivePolicy(approver: Pick<Approver, 'id' | 'publicKey'>): PolicyFile {
  return {
    approvers: [{ id: approver.id, publicKey: approver.publicKey }],
    rules: [{ aboveSats: '0', approvals: 1 }],
    maxFeeRateSatPerVb: 1_000,
    maxFeeSats: '100000000',
    maxFeeShareBps: 10_000,
    perPayoutMaxSats: '2100000000000000',
    windows: [{ seconds: 86_400, maxSats: '2100000000000000', maxCount: 1_000_000 }],
    allow: null,
    deny: [],
    maxInputs: 1_700,
    maxOutputs: 3_200,
  };
}

/** Makes a vault with its wallets, starts the process and connects. */
export async function startTestSigner(options: TestSignerOptions): Promise<TestSigner> {
  const { dir } = options;
  const folder = join(dir, 'signer');
  const keyFile = join(dir, 'signer.key');
  if (!existsSync(keyFile)) writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
  const approver = generateApprover();
  const wallets = options.wallets ?? [{ name: 'main' }];
  const descriptors = await prepare({
    ...{ folder, keyFile, seed: options.seed ?? null },
    wallets: wallets.map(({ name, kind = 'wpkh', descriptor = null }) => ({
      ...{ name, kind, descriptor },
    })),
    policy: { ...permissivePolicy(approver), ...options.policy },
  });
  // Socket paths are short, temporary folders of tests are not always.
  const socketFolder = join(tmpdir(), `qs-${randomBytes(6).toString('hex')}`);
  const socketPath = join(socketFolder, 's');
  let child: ChildProcess | undefined;
  let output = '';
  const start = async (faultPoint?: FaultPoint): Promise<void> => {
    const started = spawnSigner({ folder, keyFile, socketPath, faultPoint });
    const heard = (chunk: Buffer) => {
      output += chunk.toString('utf8');
    };
    started.stdout?.on('data', heard);
    started.stderr?.on('data', heard);
    await ready(started, () => output);
    // One that did not start must not hide the one that runs.
    child = started;
  };
  await start(options.faultPoint);
  const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  const client = connectSigner({ socketPath, ...timeout });
  const ended = () => (child === undefined ? Promise.resolve('none') : endOf(child));
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    if (child?.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended();
  };
  return {
    ...{ client, socketPath, approver, folder, keyFile, descriptors, ended },
    wallet: wallets[0]?.name ?? '',
    descriptor: descriptors[0] ?? '',
    get pid() {
      return child?.pid;
    },
    output: () => output,
    kill: () => end('SIGKILL'),
    restart: ({ faultPoint } = {}) => start(faultPoint),
    async stop() {
      client.close();
      await end('SIGTERM');
      rmSync(socketFolder, { recursive: true, force: true });
    },
  };
}

function spawnSigner(options: {
  folder: string;
  keyFile: string;
  socketPath: string;
  faultPoint: FaultPoint | undefined;
}): ChildProcess {
  const { folder, keyFile, socketPath, faultPoint } = options;
  const args = ['start', '--dir', folder, '--key-file', keyFile, '--socket', socketPath];
  // As the launcher starts it: no memory dumps, no debugger. `exec` keeps one process.
  return spawn('/bin/sh', ['-c', LAUNCH, process.execPath, ...NODE_FLAGS, MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], [FAULT_POINT_VARIABLE]: faultPoint ?? '' },
  });
}

/** Where the system can, it ends with the process that started it: an aborted test leaves nothing. */
const LAUNCH =
  'ulimit -c 0; if command -v setpriv >/dev/null; then exec setpriv --pdeathsig KILL -- "$0" "$@"; ' +
  'fi; exec "$0" "$@"';
const NODE_FLAGS = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning'];

function ready(child: ChildProcess, output: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail('it does not answer'), START_TIMEOUT_MS);
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`the signer did not start: ${why}\n${output().slice(-2_000)}`));
    };
    child.once('error', (error) => fail(error.message));
    child.once('exit', (status) => fail(`exit ${status}`));
    child.stdout?.on('data', (chunk: Buffer) => {
      if (!chunk.toString('utf8').includes('"ready"')) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

function endOf(child: ChildProcess): Promise<string> {
  const said = () => child.signalCode ?? String(child.exitCode);
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(said());
  return new Promise((resolve) => child.once('exit', () => resolve(said())));
}

async function prepare(preparation: Preparation): Promise<string[]> {
  const child = spawn(process.execPath, [PREPARE], { stdio: ['pipe', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString('utf8');
  });
  child.stdin.end(JSON.stringify(preparation));
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Error(`the signer's folder could not be made:\n${err}`);
  return JSON.parse(out) as string[];
}
