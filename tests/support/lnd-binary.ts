import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { cacheFolder } from '../../apps/server/src/platform/embedded/bitcoind.ts';
import { findOnPath, processStartTime } from '../../apps/server/src/platform/embedded/companion.ts';

const MODULE = 'github.com/lightningnetwork/lnd';
const VERSION = 'v0.20.1-beta';
/** What the module's files add up to (golang.org/ref/mod, "Authenticating modules"). */
const SUM = 'h1:wDMNgks5uST1CY+WwjIZ4+McPMMFpr2pIIGJp7ytDI4=';
/** Subservers that are not part of a plain build; releases have them. */
const TAGS = 'autopilotrpc signrpc walletrpc chainrpc invoicesrpc routerrpc';

/** The module and its dependencies have about 150 MB. */
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;
/** Six minutes of one core, more on a busy machine; see tests/interop/README.md. */
const BUILD_TIMEOUT_MS = 12 * 60_000;
const LOCK_POLL_MS = 500;

export type LndBinary =
  | { readonly path: string }
  /** There is none, and why: one line for a person who reads the test's output. */
  | { readonly missing: string };

/**
 * An LND for tests: $LND, or one that is built once from the Go module proxy into our cache. It is
 * built only where that is asked for, since beside other tests it would take the time that they are
 * given: by `quittance test`, which does so when the others have ended, or by QUITTANCE_BUILD_LND=1.
 * QUITTANCE_BUILD_LND=0 forbids it.
 * @param options.onBuild told before minutes of building begin
 * @throws when it can be fetched and does not compile
 */
export async function findLnd(
  options: { mayBuild?: boolean; onBuild?: () => void } = {},
): Promise<LndBinary> {
  const own = named();
  if (own !== undefined) return { path: own };
  if (starts(cached())) return { path: cached() };
  const missing = whyNotBuilt(options.mayBuild ?? false);
  if (missing !== undefined) return { missing };
  options.onBuild?.();
  return oneAtATime(async () => (starts(cached()) ? { path: cached() } : await build()));
}

function whyNotBuilt(mayBuild: boolean): string | undefined {
  const wish = process.env['QUITTANCE_BUILD_LND'] ?? '';
  if (wish === '0') return 'there is no LND, and QUITTANCE_BUILD_LND=0 forbids to build one';
  if (findOnPath('go') === undefined) {
    return 'there is no LND: install Go to have one built once, or name a binary in the variable LND';
  }
  if (mayBuild || wish === '1') return undefined;
  return 'there is no LND yet: `quittance test` builds one once, as QUITTANCE_BUILD_LND=1 does (six minutes of a core)';
}

function named(): string | undefined {
  const path = process.env['LND'];
  return path === undefined || path === '' ? undefined : path;
}

function folder(): string {
  return join(cacheFolder(), 'lnd', VERSION);
}

function cached(): string {
  return join(folder(), 'lnd');
}

function starts(path: string): boolean {
  return existsSync(path) && spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0;
}

async function build(): Promise<LndBinary> {
  const downloaded = await run(
    'go',
    ['mod', 'download', '-json', `${MODULE}@${VERSION}`],
    folder(),
    DOWNLOAD_TIMEOUT_MS,
  );
  const answer = z
    .object({
      Dir: z.string().optional(),
      Sum: z.string().optional(),
      Error: z.string().optional(),
    })
    .parse(JSON.parse(downloaded.stdout === '' ? '{}' : downloaded.stdout));
  if (answer.Dir === undefined) {
    const why = lastLine(answer.Error ?? downloaded.stderr);
    return { missing: `LND ${VERSION} could not be fetched by Go: ${why}` };
  }
  if (answer.Sum !== SUM) throw new Error(`LND ${VERSION} is not what it was: ${answer.Sum}`);
  const unfinished = `${cached()}.new`;
  // In the module's own folder, because its replacements count in the main module only.
  const built = await run(
    'nice',
    ['-n', '10', 'go', 'build', '-trimpath', '-tags', TAGS, '-o', unfinished, './cmd/lnd'],
    answer.Dir,
    BUILD_TIMEOUT_MS,
  );
  if (built.code !== 0) {
    const why = built.stderr.trim().slice(-2_000);
    if (built.isOverdue) {
      return {
        missing: `LND ${VERSION} was not built within ${BUILD_TIMEOUT_MS / 60_000} minutes`,
      };
    }
    if (/dial tcp|no such host|i\/o timeout|requires go >=/.test(why)) {
      return { missing: `LND ${VERSION} could not be built here: ${lastLine(why)}` };
    }
    throw new Error(`LND ${VERSION} does not build: ${why}`);
  }
  renameSync(unfinished, cached());
  return { path: cached() };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

type Ended = { code: number | null; stdout: string; stderr: string; isOverdue: boolean };

/** Ends it with everything that it has started when its time is over: Go compiles in processes. */
function run(command: string, args: string[], cwd: string, timeoutMs: number): Promise<Ended> {
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended: Ended = { code: null, stdout: '', stderr: '', isOverdue: false };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text));
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  const timer = setTimeout(() => {
    ended.isOverdue = true;
    end();
  }, timeoutMs);
  process.once('exit', end);
  return new Promise((resolve) => {
    const settle = (result: Ended): void => {
      clearTimeout(timer);
      process.off('exit', end);
      resolve(result);
    };
    child.once('error', (error) => settle({ ...ended, stderr: error.message }));
    child.once('close', (code) => settle({ ...ended, code }));
  });
}

/** Several test files may want it at once; a folder is made by one process only. */
async function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  const lock = join(folder(), 'lock');
  mkdirSync(folder(), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, `${process.pid} ${processStartTime(process.pid) ?? ''}`, { flag: 'wx' });
      break;
    } catch {
      if (holderIsGone(lock)) rmSync(lock, { force: true });
      else await sleep(LOCK_POLL_MS);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function holderIsGone(lock: string): boolean {
  let held: string;
  try {
    held = readFileSync(lock, 'utf8');
  } catch {
    return false;
  }
  const [pid = '', ...started] = held.split(' ');
  return held !== '' && processStartTime(Number(pid)) !== started.join(' ');
}
