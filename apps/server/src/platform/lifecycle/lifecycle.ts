import type { Logger } from '../log/index.ts';

/** Something that runs until it is told to stop. */
export type Running = { stop(): Promise<void> };

export interface Lifecycle {
  /** Adds a resource; started in the order of the calls, stopped in reverse. */
  use(name: string, start: () => Promise<Running> | Running): void;
  /** Starts everything. When one fails, those already started are stopped and the error is thrown. */
  start(): Promise<void>;
  /** Stops everything; safe to call twice. Resolves to false when something didn't stop in time. */
  stop(): Promise<boolean>;
  /**
   * Runs as a process: starts, stops on SIGTERM or SIGINT, and ends the process. Exit status 0
   * after a clean stop, 1 after a failure, 128 + n on the second signal n, which waits for nothing.
   */
  run(): Promise<void>;
}

/** What ends a process; passed in so that a test doesn't end itself. */
export type ProcessHooks = {
  on(
    event: 'SIGTERM' | 'SIGINT' | 'unhandledRejection' | 'uncaughtException',
    on: (value: unknown) => void,
  ): unknown;
  exit(status: number): void;
};

export type LifecycleOptions = {
  log: Logger;
  /** Each resource gets this long to stop. */
  stopDeadlineMs?: number;
  hooks?: ProcessHooks;
  /** Tells a person why `run` could not start; left out, the whole error is logged. */
  onStartFailure?: (error: unknown) => void;
};

/** Supervisors usually send SIGKILL after 30 s (Kubernetes) or 90 s (systemd); be done before. */
export const STOP_DEADLINE_MS = 8_000;
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { log } = options;
  const hooks = options.hooks ?? process;
  const deadlineMs = options.stopDeadlineMs ?? STOP_DEADLINE_MS;
  const planned: { name: string; start: () => Promise<Running> | Running }[] = [];
  const running: { name: string; resource: Running }[] = [];
  let starting: Promise<void> | undefined;
  let stopping: Promise<boolean> | undefined;

  async function startAll(): Promise<void> {
    for (const { name, start } of planned) {
      if (stopping !== undefined) return;
      log.debug({ resource: name }, 'starting');
      running.push({ name, resource: await start() });
    }
  }

  async function stopAll(): Promise<boolean> {
    // A start under way is let finish, or its resource would be left running.
    await starting?.catch(() => {});
    let clean = true;
    for (let last = running.pop(); last !== undefined; last = running.pop()) {
      const outcome = await stopOne(last.resource, deadlineMs);
      if (outcome === 'stopped') continue;
      clean = false;
      log.error({ resource: last.name, error: outcome }, 'did not stop');
    }
    return clean;
  }

  const lifecycle: Lifecycle = {
    use(name, start) {
      planned.push({ name, start });
    },
    async start() {
      starting ??= startAll();
      try {
        await starting;
      } catch (error) {
        await lifecycle.stop();
        throw error;
      }
    },
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
    async run() {
      handleSignals(lifecycle, hooks, log);
      crashOnBugs(hooks, log);
      try {
        await lifecycle.start();
      } catch (error) {
        if (options.onStartFailure === undefined) log.fatal({ error }, 'could not start');
        else options.onStartFailure(error);
        hooks.exit(1);
      }
    },
  };
  return lifecycle;
}

async function stopOne(resource: Running, deadlineMs: number): Promise<'stopped' | Error> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`still busy after ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    const stopped = Promise.resolve()
      .then(() => resource.stop())
      .then(() => 'stopped' as const);
    return await Promise.race([stopped, deadline]);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

function handleSignals(lifecycle: Lifecycle, hooks: ProcessHooks, log: Logger): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    hooks.on(signal, () => {
      if (asked) {
        hooks.exit(128 + SIGNAL_NUMBERS[signal]);
        return;
      }
      asked = true;
      log.info({ signal }, 'stopping');
      lifecycle.stop().then(
        (clean) => {
          log.info({ clean }, 'stopped');
          hooks.exit(clean ? 0 : 1);
        },
        (error: unknown) => {
          log.error({ error }, 'stopping failed');
          hooks.exit(1);
        },
      );
    });
  }
}

/**
 * After a bug nobody knows what state memory is in. All that matters is durable, so the process
 * ends at once and its supervisor starts it anew.
 */
function crashOnBugs(hooks: ProcessHooks, log: Logger): void {
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    hooks.on(event, (error) => {
      log.fatal({ error, event }, 'crashing: a bug left an error unhandled');
      hooks.exit(1);
    });
  }
}
