import { setTimeout as sleep } from 'node:timers/promises';
import type { startCompanion } from '../../apps/server/src/platform/embedded/companion.ts';

// What real Lightning nodes, each a program of its own, have in common in tests.

const POLL_MS = 100;
export const STOP_TIMEOUT_MS = 20_000;

/**
 * Waits for a program that says nothing of itself when it is so far.
 * @param otherwise what is said when the time is over, such as the program's last words
 */
export async function untilOr(
  isSo: () => boolean | Promise<boolean>,
  timeoutMs: number,
  otherwise: () => string,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(otherwise());
    await sleep(POLL_MS);
  }
}

/** Asks a program to end, and makes it after a while. */
export async function endProgram(program: ReturnType<typeof startCompanion>): Promise<void> {
  program.signal('SIGTERM');
  await Promise.race([program.exited, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  if (!program.hasExited()) program.signal('SIGKILL');
  await program.exited;
}
