import { parseArgs } from 'node:util';
import { connectBitcoind } from './chain/bitcoind.ts';
import { NodeSetupError } from './errors.ts';
import { loadLdk } from './ldk/bindings.ts';
import type { NodeLog } from './ldk/callbacks.ts';
import { startNode } from './node.ts';
import { serve, type SocketServer } from './server.ts';
import { lockFolder, openFolder, readConfig, readSeed, requireRegtest } from './setup.ts';

/** It would end the same way again: sysexits.h, EX_CONFIG. */
const EXIT_SETUP = 78;
/** Something trapped or contradicted itself; started again, it goes on from the log. */
const EXIT_TRAP = 70;

function die(error: unknown): never {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`fatal: ${words}\n`);
  process.exit(EXIT_TRAP);
}

const isVerbose = process.env['QUITTANCE_LIGHTNING_LOG'] === 'debug';
const log: NodeLog = (level, message) => {
  if (level === 'warn' || isVerbose) process.stderr.write(`${level}: ${message}\n`);
};

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { dir: { type: 'string' } } });
  const folder = values.dir;
  if (folder === undefined) throw new NodeSetupError('say --dir FOLDER');
  openFolder(folder);
  const config = readConfig(folder);
  await lockFolder(folder);
  const chain = connectBitcoind(config.bitcoind);
  const { chain: network } = await chain.call<{ chain: string }>('getblockchaininfo');
  requireRegtest(network);
  await loadLdk();
  let server: SocketServer | undefined;
  const node = await startNode({
    ...{ folder, chain, log, die, alias: config.alias, listenHost: config.listenHost },
    seed: readSeed(folder),
    nowMs: () => Date.now(),
    onEvent: (cursor) => server?.ring(cursor),
  });
  server = await serve(node, { path: config.socketPath, die });
  const stop = (): void => {
    const ending = server?.close() ?? Promise.resolve();
    ending.then(() => node.stop()).then(() => process.exit(0), die);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
main().catch((error: unknown) => {
  if (!(error instanceof NodeSetupError)) return die(error);
  process.stderr.write(`${error.message}\n`);
  process.exit(EXIT_SETUP);
});
