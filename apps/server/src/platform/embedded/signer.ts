import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Running } from '../lifecycle/index.ts';
import { type Companion, startCompanion } from './companion.ts';
import { supervise } from './supervise.ts';

const MAIN = fileURLToPath(new URL('../../../../signer/src/main.ts', import.meta.url));
/** No debugger may be attached to the process that has the keys. */
const NODE_FLAGS = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning'];
/** Between two starts of a signer that ends by itself: from the first to the second, doubling. */
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 30_000;
/** One that ran this long had started well. */
const GOOD_RUN_MS = 60_000;
const POLL_MS = 25;
/** Whatever it does takes less; then it is ended hard. Nothing of it is lost by that. */
const STOP_TIMEOUT_MS = 5_000;

export type SignerPlace = { dir: string; keyFile: string; socketPath?: string };

/** Where the signer of a folder listens. */
export function socketOf({ dir, socketPath }: SignerPlace): string {
  return socketPath ?? join(dir, 'socket', 'signer.sock');
}

/**
 * Runs the signer as a process of its own, without memory dumps, and starts it again when it ends.
 * It ends with us. Who needs it waits for its socket: nothing here fails when it can not start.
 */
export function startSignerProcess(
  place: SignerPlace,
  log: { info(o: object, m: string): void; warn(o: object, m: string): void },
): Running & { readonly pid: number | undefined } {
  return supervise({
    start() {
      const signer = spawnSigner(place);
      log.info({ pid: signer.pid }, 'the signer was started');
      return signer;
    },
    ...{ firstPauseMs: FIRST_PAUSE_MS, lastPauseMs: LAST_PAUSE_MS },
    ...{ goodRunMs: GOOD_RUN_MS, stopTimeoutMs: STOP_TIMEOUT_MS },
    onExit(how, words) {
      log.warn({ how, words }, 'the signer has ended; it will be started again');
      return true;
    },
  });
}

function spawnSigner(place: SignerPlace): Companion {
  const args = ['start', '--dir', place.dir, '--key-file', place.keyFile];
  const all = [process.execPath, ...NODE_FLAGS, MAIN, ...args, '--socket', socketOf(place)];
  // The limit has to be set before the process begins; `exec` keeps it one process.
  return startCompanion('/bin/sh', ['-c', 'ulimit -c 0 && exec "$0" "$@"', ...all], {
    signalOnOurDeath: 'SIGTERM',
  });
}

/** Waits until the signer listens, for those who have nothing to do before. */
export async function untilSignerListens(place: SignerPlace, timeoutMs: number): Promise<boolean> {
  const endMs = performance.now() + timeoutMs;
  while (!existsSync(socketOf(place))) {
    if (performance.now() > endMs) return false;
    await sleep(POLL_MS);
  }
  return true;
}
