/** Runs `run` once after `afterMs` milliseconds; the answer cancels it. Tests pass their own. */
export type Timer = (afterMs: number, run: () => void) => () => void;

export const systemTimer: Timer = (afterMs, run) => {
  const handle = setTimeout(run, afterMs);
  return () => clearTimeout(handle);
};
