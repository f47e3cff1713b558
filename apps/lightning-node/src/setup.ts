import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeSetupError } from './errors.ts';

/** `node.json` in the node's folder. */
const configSchema = z.strictObject({
  network: z.string(),
  alias: z.string().max(32),
  bitcoind: z.strictObject({ url: z.url(), user: z.string(), password: z.string() }),
  /** Address that it takes peers' connections at; the port is chosen and remembered. */
  listenHost: z.string(),
  socketPath: z.string(),
});
export type NodeConfig = z.output<typeof configSchema>;

const SEED_BYTES = 32;

/**
 * Reads the configuration and refuses every chain that has money on it.
 * @throws {NodeSetupError}
 */
export function readConfig(folder: string): NodeConfig {
  const path = join(folder, 'node.json');
  if (!existsSync(path)) throw new NodeSetupError(`${path} is missing`);
  const parsed = configSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new NodeSetupError(`${path}: ${z.prettifyError(parsed.error)}`);
  requireRegtest(parsed.data.network);
  return parsed.data;
}

/** @throws {NodeSetupError} on any network but regtest */
export function requireRegtest(network: string): void {
  if (network === 'regtest') return;
  throw new NodeSetupError(
    `the embedded Lightning node runs on regtest only, not on ${network}: its Lightning library ` +
      '(lightningdevkit 0.1.2-0) lacks fixes of later versions against theft and crashes. ' +
      'Connect LND, Core Lightning or a wallet service instead',
  );
}

/** The folder, for its owner only; what is in it can spend. */
export function openFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory()) throw new NodeSetupError(`${folder} is not a folder`);
  if ((stat.mode & 0o077) !== 0) {
    throw new NodeSetupError(`others may enter ${folder}: run "chmod 700 ${folder}" first`);
  }
}

/** The node's secret, made at the first start. A folder with state but without it is refused. */
export function readSeed(folder: string): Uint8Array {
  const path = join(folder, 'seed');
  if (!existsSync(path)) {
    if (existsSync(join(folder, 'state.log'))) {
      throw new NodeSetupError(`${path} is missing, but there is state that it belongs to`);
    }
    const file = openSync(`${path}.new`, 'w', 0o600);
    writeSync(file, randomBytes(SEED_BYTES));
    fsyncSync(file);
    closeSync(file);
    renameSync(`${path}.new`, path);
    const directory = openSync(folder, 'r');
    fsyncSync(directory);
    closeSync(directory);
  }
  const seed = readFileSync(path);
  if (seed.length !== SEED_BYTES) throw new NodeSetupError(`${path} is not a seed`);
  return new Uint8Array(seed);
}

/**
 * Makes sure that no other process works in the folder: two with the same channels would lose their
 * money. Linux: an abstract unix socket, which the kernel frees with the process.
 */
export async function lockFolder(folder: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const { dev, ino } = lstatSync(folder);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', () =>
      reject(new NodeSetupError(`another Lightning node is at work in ${folder}`)),
    );
    server.listen(`\0quittance-lightning-${dev}-${ino}`, resolve);
  });
  server.unref();
}
