import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { findBitcoind } from '../../apps/server/src/platform/embedded/bitcoind.ts';
import {
  findFreePorts,
  findOnPath,
  startCompanion,
} from '../../apps/server/src/platform/embedded/companion.ts';
import type { ClnConnection } from '../../apps/server/src/receiving/lightning/backends/cln/connection.ts';
import {
  type ClnRpc,
  createClnRpc,
} from '../../apps/server/src/receiving/lightning/backends/cln/rpc.ts';
import { endProgram, STOP_TIMEOUT_MS, untilOr } from './real-node.ts';
import type { Regtest } from './regtest.ts';
import { quietLog, temporaryFolder } from './temporary.ts';

/** It makes its wallet and clnrest its certificates when it starts for the first time. */
const START_TIMEOUT_MS = 90_000;
const SYNC_TIMEOUT_MS = 60_000;
const CLI_TIMEOUT_MS = 10_000;

export type LightningdBinary =
  | { readonly path: string; readonly cli: string; readonly bitcoinCli: string }
  /** There is none, and why: one line for a person who reads the test's output. */
  | { readonly missing: string };

/** A Core Lightning for tests: $QUITTANCE_LIGHTNINGD, or what PATH has. None is ever fetched or built. */
export async function findLightningd(): Promise<LightningdBinary> {
  const named = process.env['QUITTANCE_LIGHTNINGD'] ?? '';
  const path = named === '' ? findOnPath('lightningd') : named;
  if (path === undefined) {
    return {
      missing:
        'there is no Core Lightning: put lightningd into PATH or its path into QUITTANCE_LIGHTNINGD',
    };
  }
  if (spawnSync(path, ['--version'], { stdio: 'ignore' }).status !== 0) {
    return { missing: `Core Lightning at ${path} does not start` };
  }
  const folder = dirname(path);
  // Installed side by side; in a tree that was built, one folder further.
  const clis = [join(folder, 'lightning-cli'), join(folder, '../cli/lightning-cli')];
  const cli = clis.find(existsSync) ?? findOnPath('lightning-cli');
  if (cli === undefined)
    return { missing: `Core Lightning at ${path} has no lightning-cli beside it` };
  const bitcoind = await findBitcoind(quietLog).catch(() => null);
  const beside = bitcoind === null ? '' : join(dirname(bitcoind.path), 'bitcoin-cli');
  const bitcoinCli = existsSync(beside) ? beside : findOnPath('bitcoin-cli');
  return bitcoinCli === undefined
    ? { missing: 'Core Lightning reads the chain by bitcoin-cli, and there is none' }
    : { path, cli, bitcoinCli };
}

/** A real Core Lightning on a regtest chain. */
export type RunningLightningd = {
  readonly publicKey: string;
  /** `host:port` for its peers. */
  readonly address: string;
  /** clnrest with a rune without restrictions. */
  readonly admin: ClnConnection;
  /** clnrest, for what a test does behind the back of what it tests. */
  readonly rest: ClnRpc;
  /** A rune that allows these methods and nothing else. */
  rune(methods: readonly string[]): Promise<ClnConnection>;
  call(method: string, params?: object): Promise<unknown>;
  newAddress(): Promise<string>;
  connect(peer: { publicKey: string; address: string }): Promise<void>;
  /** Waits until it has seen every block. */
  synced(): Promise<void>;
  /** Ends it as a power cut would, with all its daemons. */
  kill(): Promise<void>;
  /** Starts it again with what lies on its disk. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** Starts Core Lightning on the chain of `regtest`. It ends with us. */
export async function startLightningd(
  binary: Extract<LightningdBinary, { path: string }>,
  regtest: Regtest,
  options: { alias: string; extraArgs?: readonly string[] },
): Promise<RunningLightningd> {
  const folder = temporaryFolder(`cln-${options.alias}`);
  const [p2p = 0, rest = 0] = await findFreePorts(2);
  const args = [
    ...lightningdArgs(folder.path, regtest, { p2p, rest }, { ...binary, alias: options.alias }),
    ...(options.extraArgs ?? []),
  ];
  const start = () => startCompanion(binary.path, args, { signalOnOurDeath: 'SIGTERM' });
  let running = start();
  const words = () => lastWords(folder.path, running.tail());
  const cli = (method: string, ...params: string[]): unknown => {
    const where = [`--lightning-dir=${folder.path}`, '--network=regtest'];
    const { status, stdout } = spawnSync(binary.cli, [...where, method, ...params], {
      ...{ encoding: 'utf8', timeout: CLI_TIMEOUT_MS },
    });
    if (status !== 0) throw new Error(`lightning-cli ${method}: ${stdout}`);
    return JSON.parse(stdout);
  };
  const tryCli = (method: string): boolean => {
    try {
      cli(method);
      return true;
    } catch {
      return false;
    }
  };
  const certificate = join(folder.path, 'regtest', 'ca.pem');
  await untilOr(() => tryCli('getinfo') && existsSync(certificate), START_TIMEOUT_MS, words);
  const { rune } = z.object({ rune: z.string() }).parse(cli('createrune'));
  const { id: publicKey } = z.object({ id: z.string() }).parse(cli('getinfo'));
  const admin: ClnConnection = {
    ...{ url: `https://127.0.0.1:${rest}`, rune, certificate: readFileSync(certificate, 'utf8') },
  };
  const api = createClnRpc(admin);
  const call = (method: string, params: object = {}) => api.call(method, params, z.unknown());
  const ready = () =>
    untilOr(
      () =>
        call('getinfo').then(
          () => true,
          () => false,
        ),
      START_TIMEOUT_MS,
      words,
    );
  await ready();
  return {
    ...{ publicKey, address: `127.0.0.1:${p2p}`, admin, rest: api, call },
    async rune(methods) {
      const restrictions = [methods.map((method) => `method=${method}`)];
      const made = await api.call('createrune', { restrictions }, z.object({ rune: z.string() }));
      return { ...admin, rune: made.rune };
    },
    async newAddress() {
      return (
        await api.call('newaddr', { addresstype: 'bech32' }, z.object({ bech32: z.string() }))
      ).bech32;
    },
    async connect({ publicKey: id, address }) {
      await call('connect', { id: `${id}@${address}` });
    },
    async synced() {
      await untilOr(
        async () => {
          const height = await regtest.rpc.call<number>('getblockcount');
          const info = await api.call('getinfo', {}, z.object({ blockheight: z.number() }));
          return info.blockheight >= Number(height);
        },
        SYNC_TIMEOUT_MS,
        words,
      );
    },
    async kill() {
      running.signal('SIGKILL');
      await running.exited;
      // Its daemons notice by themselves that it is gone; its port is free when they have ended.
      await untilOr(
        () => !isRunning(folder.path),
        STOP_TIMEOUT_MS,
        () => 'daemons are left',
      );
    },
    async restart() {
      running = start();
      await ready();
    },
    async stop() {
      await api.close();
      await endProgram(running);
      folder.remove();
    },
  };
}

function lightningdArgs(
  folder: string,
  { node }: Regtest,
  ports: { p2p: number; rest: number },
  { alias, bitcoinCli, path }: { alias: string; bitcoinCli: string; path: string },
): string[] {
  const { hostname, port } = new URL(node.rpcUrl);
  // An installed one loads it by itself; in a tree that was built, plugins of Rust are not loaded.
  const clnrest = [join(dirname(path), '../plugins/clnrest')].find(existsSync);
  return [
    `--lightning-dir=${folder}`,
    '--network=regtest',
    `--alias=${alias}`,
    `--bitcoin-cli=${bitcoinCli}`,
    `--bitcoin-rpcconnect=${hostname}`,
    `--bitcoin-rpcport=${port}`,
    `--bitcoin-rpcuser=${node.rpcUser}`,
    `--bitcoin-rpcpassword=${node.rpcPassword}`,
    `--bind-addr=127.0.0.1:${ports.p2p}`,
    ...(clnrest === undefined ? [] : [`--plugin=${clnrest}`]),
    '--clnrest-host=127.0.0.1',
    `--clnrest-port=${ports.rest}`,
    `--log-file=${join(folder, 'lightningd.log')}`,
    '--log-level=info',
    // Blocks and gossip without their usual waiting.
    ...['--developer', '--dev-bitcoind-poll=1', '--dev-fast-gossip'],
    // There is no fee market on regtest, so the peers' ideas of a fee differ widely.
    '--ignore-fee-limits=true',
  ];
}

/** Whether a process works in this folder still (proc(5)). */
function isRunning(folder: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(folder);
    } catch {
      return false;
    }
  });
}

function lastWords(folder: string, tail: string): string {
  const path = join(folder, 'lightningd.log');
  const log = existsSync(path) ? readFileSync(path, 'utf8').slice(-2_000) : '';
  return `Core Lightning does not get ready: ${tail}\n${log}`;
}
