import type { Clock } from '@quittance/kernel';
import type { CheckResult, HealthCheck } from '../health/index.ts';

export type LoopOptions = {
  name: string;
  /** Runs at least this often; doorbells only make it sooner. */
  everyMs: number;
  /**
   * Does one round of work. 'again' says that more is waiting, so the next round follows at once.
   * The signal fires when the loop is told to stop; a long round looks at it between steps.
   */
  run(signal: AbortSignal): Promise<'again' | void>;
  /** Subscribes to a doorbell; gives back how to unsubscribe. */
  wake?: (ring: () => void) => Unsubscribe | Promise<Unsubscribe>;
  onError(error: unknown, failures: number): void;
  onSuccess?: () => void;
  clock: Clock;
  /** From 0 to below 1, for jitter. */
  random?: () => number;
  /** A round that takes longer is taken for stuck: the health check goes red. */
  stuckAfterMs?: number;
};
type Unsubscribe = () => void | Promise<void>;

export interface Loop {
  readonly name: string;
  /** Asks for a round soon; many calls make one round. */
  ring(): void;
  /** Waits for the round under way, starts no other. */
  stop(): Promise<void>;
  health(): CheckResult;
  /** The same as a check for `/readyz`. */
  readonly check: HealthCheck;
}

/** First pause after an error; doubles with each further one. */
const BACK_OFF_MS = 200;
/** Longest pause, so that work goes on soon after the fault is mended. */
const MAX_BACK_OFF_MS = 15_000;
/** One failure is weather, this many in a row is an outage. */
const FAILURES_UNTIL_RED = 3;
const STUCK_AFTER_MS = 120_000;

/** Starts a loop that runs its work one round at a time, until stopped. */
export function startLoop(options: LoopOptions): Loop {
  const { clock, name } = options;
  const random = options.random ?? Math.random;
  const abort = new AbortController();
  let rung = false;
  let interrupt: (() => void) | undefined;
  let failures = 0;
  let lastError: unknown;
  let lastSuccessAtMs: number | undefined;
  let runningSinceMs: number | undefined;

  /** Resolves after `ms`, on a doorbell unless it is deaf to them, or on stop. */
  function pause(ms: number, deaf: boolean): Promise<void> {
    if (abort.signal.aborted || (rung && !deaf)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        interrupt = undefined;
        resolve();
      }
      interrupt = () => {
        if (!deaf || abort.signal.aborted) done();
      };
    });
  }

  async function round(): Promise<'again' | 'rest' | 'failed'> {
    // A doorbell that rings from here on asks for another round: this one may have missed it.
    rung = false;
    runningSinceMs = clock.nowMs();
    try {
      const more = await options.run(abort.signal);
      failures = 0;
      lastSuccessAtMs = clock.nowMs();
      options.onSuccess?.();
      return more === 'again' ? 'again' : 'rest';
    } catch (error) {
      if (abort.signal.aborted) return 'rest';
      failures++;
      lastError = error;
      options.onError(error, failures);
      return 'failed';
    } finally {
      runningSinceMs = undefined;
    }
  }

  async function work(): Promise<void> {
    while (!abort.signal.aborted) {
      const outcome = await round();
      // Doorbells don't shorten a back-off: a storm of them would defeat it.
      if (outcome === 'failed') await pause(backOffMs(failures, random()), true);
      else if (outcome === 'rest') await pause(options.everyMs, false);
      else await yieldToOthers();
    }
  }

  function ring(): void {
    rung = true;
    interrupt?.();
  }

  function health(): CheckResult {
    const nowMs = clock.nowMs();
    const stuckMs = runningSinceMs === undefined ? 0 : nowMs - runningSinceMs;
    const age =
      lastSuccessAtMs === undefined ? {} : { ageMs: Math.max(0, nowMs - lastSuccessAtMs) };
    const reason = lastError instanceof Error ? lastError.message : String(lastError);
    if (failures >= FAILURES_UNTIL_RED) {
      const detail = `failed ${failures} times in a row: ${reason}`;
      return { ok: false, detail, action: 'see the log for the cause', ...age };
    }
    if (stuckMs > (options.stuckAfterMs ?? STUCK_AFTER_MS)) {
      const detail = `one round has been running for ${Math.round(stuckMs / 1000)} s`;
      return { ok: false, detail, action: 'see what it waits for; restart the process', ...age };
    }
    if (lastSuccessAtMs === undefined) {
      return { ok: false, detail: failures > 0 ? reason : 'has not finished its first round yet' };
    }
    return { ok: true, detail: 'runs', ...age };
  }

  const subscribed = Promise.resolve(options.wake?.(ring)).catch((error: unknown) => {
    // Without its doorbell the loop still runs every everyMs: slower, not wrong.
    options.onError(error, 0);
    return undefined;
  });
  const working = work();
  return {
    name,
    ring,
    health,
    check: { name, run: health },
    async stop() {
      abort.abort();
      interrupt?.();
      await working;
      await (await subscribed)?.();
    },
  };
}

/** Exponential, half of it random, so that many processes don't come back at one moment. */
export function backOffMs(failures: number, random: number): number {
  const full = Math.min(MAX_BACK_OFF_MS, BACK_OFF_MS * 2 ** Math.min(failures - 1, 20));
  return Math.round(full / 2 + (full / 2) * random);
}

/** A loop that always has more to do must still let timers and sockets have their turn. */
function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
