import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from '../lifecycle/index.ts';
import type { Companion } from './companion.ts';

/** How a process of ours is kept running. Times in milliseconds. */
export type Supervision = {
  start(): Companion;
  /** Between two starts of one that ends by itself: from the first to the last, doubling. */
  firstPauseMs: number;
  lastPauseMs: number;
  /** One that ran this long had started well; the next pause is the first again. */
  goodRunMs: number;
  /** Whatever it does when asked to stop takes less; then it is ended hard. */
  stopTimeoutMs: number;
  /** @returns whether it is started again; `how` is as in {@link Companion.exited} */
  onExit(how: string, words: string): boolean;
};

/** Runs a process, and starts it again when it ends by itself. It ends with us. */
export function supervise(given: Supervision): Running & { readonly pid: number | undefined } {
  let isStopped = false;
  let current: Companion | undefined;
  const pausing = new AbortController();

  async function run(): Promise<void> {
    let pauseMs = given.firstPauseMs;
    while (!isStopped) {
      const startedAt = performance.now();
      current = given.start();
      const how = await current.exited;
      if (isStopped || !given.onExit(how, current.tail())) return;
      if (performance.now() - startedAt > given.goodRunMs) pauseMs = given.firstPauseMs;
      await sleep(pauseMs, undefined, { signal: pausing.signal }).catch(() => undefined);
      pauseMs = Math.min(given.lastPauseMs, pauseMs * 2);
    }
  }

  const running = run();
  return {
    get pid() {
      return current?.pid;
    },
    async stop() {
      isStopped = true;
      pausing.abort();
      if (current !== undefined) await stopCompanion(current, given.stopTimeoutMs);
      await running;
    },
  };
}

/** Ends a process in order, or hard when it takes too long. */
export async function stopCompanion(companion: Companion, timeoutMs: number): Promise<void> {
  companion.signal('SIGTERM');
  await Promise.race([companion.exited, sleep(timeoutMs, undefined, { ref: false })]);
  if (!companion.hasExited()) companion.signal('SIGKILL');
  await companion.exited;
}
