import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Running } from '../lifecycle/index.ts';
import { type Companion, type EmbeddedLog, startCompanion } from './companion.ts';
import { stopCompanion, supervise } from './supervise.ts';

const MAIN = fileURLToPath(new URL('../../../../lightning-node/src/main.ts', import.meta.url));
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];
/** sysexits.h EX_CONFIG: what it refuses, it refuses again. */
const EXIT_SETUP = 'exit 78';
/** Between two starts of a node that ends by itself: from the first to the second, doubling. */
const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 10_000;
/** One that ran this long had started well. */
const GOOD_RUN_MS = 30_000;
/** It writes its state and closes its connections; what it was not able to write is not lost. */
const STOP_TIMEOUT_MS = 5_000;

export type LightningNodePlace = {
  /** Holds its keys and state; made when it is missing. */
  folder: string;
  /** The node refuses every network but regtest. */
  network: string;
  alias: string;
  bitcoind: { url: string; user: string; password: string };
  /** Left out: in the folder. At most 103 bytes. */
  socketPath?: string;
};

export const lightningSocketOf = ({
  folder,
  socketPath,
}: Pick<LightningNodePlace, 'folder' | 'socketPath'>): string =>
  socketPath ?? join(folder, 'node.sock');

/** Starts the embedded Lightning node once; it ends with us. */
export function spawnLightningNode(place: LightningNodePlace, log: EmbeddedLog): Companion {
  const { folder, network, alias, bitcoind } = place;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const config = {
    ...{ network, alias, bitcoind, listenHost: '127.0.0.1' },
    socketPath: lightningSocketOf(place),
  };
  writeFileSync(join(folder, 'node.json'), JSON.stringify(config), { mode: 0o600 });
  return startCompanion(process.execPath, [...NODE_FLAGS, MAIN, '--dir', folder], {
    signalOnOurDeath: 'SIGTERM',
    onLine: (line) => log.warn(`lightning node ${alias}: ${line}`),
  });
}

/**
 * Runs the embedded Lightning node as a process of its own and starts it again when it ends: a trap
 * in its library ends it, and its log has everything that it told anybody.
 */
export function startLightningNodeProcess(
  place: LightningNodePlace,
  log: EmbeddedLog,
): Running & { readonly pid: number | undefined } {
  return supervise({
    start: () => spawnLightningNode(place, log),
    ...{ firstPauseMs: FIRST_PAUSE_MS, lastPauseMs: LAST_PAUSE_MS },
    ...{ goodRunMs: GOOD_RUN_MS, stopTimeoutMs: STOP_TIMEOUT_MS },
    onExit(how, words) {
      const isRefusal = how === EXIT_SETUP;
      log.warn(
        isRefusal
          ? `the lightning node can not run: ${words}`
          : `the lightning node has ended (${how}); it will be started again`,
      );
      return !isRefusal;
    },
  });
}

/** Ends it in order, or hard when it takes too long. */
export async function stopLightningNode(node: Companion): Promise<void> {
  await stopCompanion(node, STOP_TIMEOUT_MS);
}
