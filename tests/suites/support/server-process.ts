import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../../apps/server/src/cli.ts', import.meta.url));
const POLL_MS = 50;
/** A supervisor's pause before it starts what ended by itself. */
const RESTART_PAUSE_MS = 250;
const REQUEST_TIMEOUT_MS = 5_000;
/** How much of the server's output is kept for a report. */
const TAIL_LENGTH = 8_192;

const START_GAVE_UP = /quittance start: Error: timeout expired|did not answer in time/;

/** A start gives up when a starved database does not answer; whoever supervises it tries again. */
export function isStartGivenUp(tail: string): boolean {
  return START_GAVE_UP.test(tail);
}

export type ServerProcess = {
  readonly url: string;
  /** How often it ended without being told to; a supervisor (this) started it again. */
  readonly selfExits: number;
  readonly tail: string;
  /** Whether the process that was started last still runs. */
  readonly running: boolean;
  /** @param extra for this start only; a start after it ended by itself is without */
  start(extra?: Readonly<Record<string, string>>): void;
  /** kill -9 of the whole process, as the kernel or a power cut would; resolves once it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: a process that hangs, and then goes on as if nothing had been. */
  pause(): void;
  resume(): void;
  /** SIGTERM; gives the exit status. */
  stop(): Promise<number | null>;
  /** Resolves once the server answers at all. */
  untilAnswering(timeoutMs: number): Promise<boolean>;
  /** Resolves once /readyz is green; gives the last answer when it does not become so. */
  untilReady(timeoutMs: number): Promise<string | undefined>;
  adminKey(): Promise<string>;
};

/**
 * `quittance start` as a process of its own. Like a supervisor it starts the server again when
 * that ends by itself, which it may do where something it needs is down.
 */
export function createServerProcess(options: {
  port: number;
  env: Readonly<Record<string, string>>;
  logFile: string;
  onSelfExit: (status: number | null, tail: string) => void;
}): ServerProcess {
  const url = `http://127.0.0.1:${options.port}`;
  const log = createWriteStream(options.logFile, { flags: 'a' });
  let child: ChildProcess | undefined;
  let gone: Promise<number | null> = Promise.resolve(null);
  let expected = true;
  let selfExits = 0;
  let tail = '';
  let adminKey: string | undefined;

  function start(extra: Readonly<Record<string, string>> = {}): void {
    expected = false;
    const started = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', CLI, 'start'],
      {
        env: { ...withoutOurSettings(process.env), ...options.env, ...extra },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    child = started;
    const take = (chunk: Buffer): void => {
      log.write(chunk);
      tail = (tail + chunk.toString()).slice(-TAIL_LENGTH);
      adminKey ??= /shown only now: (qt_\S+)/.exec(tail)?.[1];
    };
    started.stdout.on('data', take);
    started.stderr.on('data', take);
    gone = new Promise((resolve) => {
      started.once('close', (status) => {
        resolve(status);
        if (expected || child !== started) return;
        selfExits++;
        options.onSelfExit(status, tail.slice(-1_500));
        setTimeout(() => {
          if (!expected && child === started) start();
        }, RESTART_PAUSE_MS);
      });
    });
  }

  async function ask(path: string): Promise<{ status: number; body: string } | undefined> {
    try {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
      return { status: response.status, body: await response.text() };
    } catch {
      return undefined;
    }
  }

  async function until(
    path: string,
    timeoutMs: number,
  ): Promise<{ ok: boolean; last: string | undefined }> {
    const deadline = performance.now() + timeoutMs;
    let last: string | undefined;
    while (performance.now() < deadline) {
      const answer = await ask(path);
      if (answer?.status === 200) return { ok: true, last: answer.body };
      last = answer?.body ?? 'no answer';
      await sleep(POLL_MS);
    }
    return { ok: false, last };
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    expected = true;
    child?.kill(signal);
    return gone;
  }

  return {
    url,
    get selfExits() {
      return selfExits;
    },
    get tail() {
      return tail;
    },
    get running() {
      return child !== undefined && child.exitCode === null && child.signalCode === null;
    },
    start,
    async kill() {
      await end('SIGKILL');
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
    untilAnswering: async (timeoutMs) => (await until('/healthz', timeoutMs)).ok,
    async untilReady(timeoutMs) {
      const { ok, last } = await until('/readyz', timeoutMs);
      return ok ? undefined : (last ?? 'no answer');
    },
    async adminKey() {
      while (adminKey === undefined) await sleep(POLL_MS);
      return adminKey;
    },
  };
}

/** Settings of the caller's shell must not reach the server: it refuses those it does not know. */
function withoutOurSettings(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const ours = name.startsWith('QUITTANCE_') || name === 'DATABASE_URL';
    if (!ours && value !== undefined) kept[name] = value;
  }
  return kept;
}
