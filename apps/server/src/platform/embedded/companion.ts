import { randomInt } from 'node:crypto';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** Where the embedded services report to; a pino logger fits. */
export interface EmbeddedLog {
  info(message: string): void;
  warn(message: string): void;
}

/** How much of a process's last words is kept for an error message. */
const TAIL_LENGTH = 16_384;

/** A process that we started and that ends with us. */
export interface Companion {
  readonly pid: number;
  /** Settles when the process has ended, with how: "exit 1" or "SIGKILL". */
  readonly exited: Promise<string>;
  hasExited(): boolean;
  /** The last of what the process wrote to its standard error. */
  tail(): string;
  signal(name: NodeJS.Signals): void;
}

export interface CompanionOptions {
  /** Sent by the kernel when we die, however that happens (Linux only). */
  signalOnOurDeath: NodeJS.Signals;
  /** Runs the process as another user; needs root. */
  user?: { uid: number; gid: number } | undefined;
  onLine?: (line: string) => void;
}

/**
 * Starts a long-lived process. On Linux the kernel ends it when we die, even by SIGKILL
 * (PR_SET_PDEATHSIG through setpriv); that is bound to the *thread* that starts it, so call this
 * from the main thread. Elsewhere whoever starts next has to look for an orphan.
 */
export function startCompanion(
  command: string,
  args: readonly string[],
  options: CompanionOptions,
): Companion {
  const prefix = tiedToUs(options.signalOnOurDeath);
  const [program = command, ...rest] = [...prefix, command, ...args];
  const child = spawn(program, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(options.user === undefined ? {} : options.user),
  });
  return companionOf(child, options.onLine);
}

function companionOf(child: ChildProcess, onLine: ((line: string) => void) | undefined): Companion {
  let tail = '';
  let partial = '';
  let ended = false;
  const exited = new Promise<string>((resolve) => {
    const end = (how: string): void => {
      ended = true;
      resolve(how);
    };
    child.once('error', (error) => {
      tail += error.message;
      end(error.message);
    });
    // "close" comes after the last of the output, "exit" may come before it.
    child.once('close', (code, signal) => end(signal ?? `exit ${code}`));
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-TAIL_LENGTH);
    const lines = (partial + chunk).split('\n');
    partial = (lines.pop() ?? '').slice(-TAIL_LENGTH);
    for (const line of lines) onLine?.(line);
  });
  return {
    pid: child.pid ?? -1,
    exited,
    hasExited: () => ended,
    tail: () => tail.trim(),
    signal: (name) => void child.kill(name),
  };
}

function tiedToUs(signal: NodeJS.Signals): string[] {
  if (process.platform !== 'linux' || findOnPath('setpriv') === undefined) return [];
  return ['setpriv', '--pdeathsig', signal.replace(/^SIG/, ''), '--'];
}

/** The first executable of that name in PATH. */
export function findOnPath(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, name);
    if (folder !== '' && existsSync(candidate)) return candidate;
  }
  return undefined;
}

/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 elsewhere).
 * A client that keeps calling a dead service on one of those is in the end given that very port,
 * connects to itself (TCP simultaneous open, RFC 9293 §3.5) and keeps the service from coming back.
 */
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_767;
/** Taken ports are rare; this many in a row means that something else is wrong. */
const MAX_PORTS_TRIED = 100;

/** A TCP port of 127.0.0.1 that nobody listens on at this moment. */
export async function findFreePort(): Promise<number> {
  for (let tried = 0; tried < MAX_PORTS_TRIED; tried++) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${LOWEST_PORT} and ${HIGHEST_PORT} was found`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Several different free ports. */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await findFreePort());
  return [...ports];
}

/**
 * What tells a running process from a later one with the same number: its start time. Undefined
 * when there is no such process, or only its remains that nobody has collected yet.
 */
export function processStartTime(pid: number): string | undefined {
  if (process.platform === 'linux') return linuxStartTime(pid);
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() === '' ? undefined : stdout.trim();
}

/** Fields 3 (state) and 22 (starttime) of proc(5); the name before them may hold spaces. */
function linuxStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
