/** How exactly deadlines are kept. */
const LOOK_EVERY_MS = 50;

const waits = new Set<{ lateAt: number; onLate: () => void }>();
let looking: NodeJS.Timeout | undefined;

/**
 * Calls `onLate` once, unless the wait is over in time: for answers from other processes, which nearly
 * always come within milliseconds. One timer looks after all of them. A timer for each, cleared when
 * its answer is there, would keep what it refers to (question and answer, some ten kilobytes) in memory
 * until the next full collection: timers hang together in lists that are old.
 * @param ms from now on, by the clock that no one sets; kept to 50 ms
 * @returns ends the wait
 */
export function setDeadline(ms: number, onLate: () => void): () => void {
  const wait = { lateAt: performance.now() + ms, onLate };
  waits.add(wait);
  looking ??= setInterval(look, LOOK_EVERY_MS).unref();
  return () => void waits.delete(wait);
}

function look(): void {
  const now = performance.now();
  for (const wait of waits) {
    if (wait.lateAt > now) continue;
    waits.delete(wait);
    wait.onLate();
  }
  if (waits.size > 0) return;
  clearInterval(looking);
  looking = undefined;
}
