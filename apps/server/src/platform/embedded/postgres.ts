import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  type Companion,
  type EmbeddedLog,
  findFreePort,
  processStartTime,
  startCompanion,
} from './companion.ts';
import { EmbeddedPostgresError, explainStartFailure } from './postgres-errors.ts';
import {
  postgresBinaries,
  serviceUser,
  assertTraversable,
  type ServiceUser,
} from './postgres-files.ts';

/** Recovery after a crash replays at most the WAL of two checkpoints; slow disks included. */
const START_TIMEOUT_MS = 5 * 60_000;
/** A fast shutdown writes one checkpoint. After this the server is stopped without one. */
const STOP_TIMEOUT_MS = 30_000;
/** A killed server keeps its lock file until its parent or init has collected it. */
const REAP_TIMEOUT_MS = 5_000;
/** Each asks pg_ctl once, which takes some ten milliseconds. */
const MAX_STOP_CHECKS = 100;
const POLL_MS = 20;
/** Somebody else may take a free port before we do. */
const MAX_PORT_ATTEMPTS = 5;

const OWNER = 'owner';
const DATABASE = 'quittance';

export interface EmbeddedPostgresOptions {
  /** Folder that this server owns: its cluster, its password, who uses it. Made when missing. */
  dataDir: string;
  /** 0 or undefined: any free port. */
  port?: number;
  log: EmbeddedLog;
  /** Further server settings, for example ["-c", "fsync=off"] in tests. */
  flags?: readonly string[];
}

export interface EmbeddedPostgres {
  /** Connects as the owner of the database: for migrations and for making the lesser roles. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server ends, whoever ended it. */
  readonly exited: Promise<string>;
  /** Shuts down cleanly. May be called more than once. */
  stop(): Promise<void>;
}

/**
 * Starts our own PostgreSQL from the binaries that npm brings, on 127.0.0.1 only and with every
 * guarantee on (fsync, synchronous commit, checksums). It ends with us even when we are killed, and
 * a server that an earlier, killed process left behind is stopped first.
 * @throws {EmbeddedPostgresError} with what to do about it
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  try {
    return await start(options);
  } catch (error) {
    // Our own writes meet a full disk too, before the server does.
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    throw full
      ? explainStartFailure('ENOSPC', { cluster: options.dataDir, action: 'start' })
      : error;
  }
}

async function start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const user = serviceUser();
  mkdirSync(dataDir, { recursive: true });
  // As root we drop to another user, who must be able to pass through but not to list.
  chmodSync(dataDir, user === undefined ? 0o700 : 0o711);
  if (user !== undefined) assertTraversable(dataDir, user);

  const release = claim(dataDir);
  try {
    const bin = postgresBinaries(dataDir, user);
    const password = ownerPassword(dataDir);
    const cluster = join(dataDir, 'cluster');
    if (!existsSync(join(cluster, 'PG_VERSION'))) {
      options.log.info(`creating a database cluster in ${cluster}`);
      initialiseCluster({ bin, cluster, password, user });
    }
    stopOrphan({ bin, cluster, user, log: options.log });
    const server = await launch({ ...options, bin, cluster, user });
    const url = (database: string): string =>
      `postgres://${OWNER}:${password}@127.0.0.1:${server.port}/${database}`;
    await ensureDatabase(url('postgres')).catch(async (error: unknown) => {
      await stop(server.process, options.log);
      const output = `${String(error)}\n${server.process.tail()}`;
      throw explainStartFailure(output, { cluster, action: 'start' });
    });
    void server.process.exited.then(release);
    let stopping: Promise<void> | undefined;
    return {
      url: url(DATABASE),
      port: server.port,
      pid: server.process.pid,
      exited: server.process.exited,
      stop() {
        stopping ??= stop(server.process, options.log);
        return stopping;
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** The password of the owner role: made once, readable by us alone. */
function ownerPassword(dataDir: string): string {
  const file = join(dataDir, 'password');
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, randomBytes(24).toString('hex'), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file, 'utf8').trim();
}

/** Makes the cluster beside its final place, so that one half made is never taken for whole. */
function initialiseCluster({
  bin,
  cluster,
  password,
  user,
}: {
  bin: string;
  cluster: string;
  password: string;
  user: ServiceUser | undefined;
}): void {
  const unfinished = `${cluster}.new`;
  const passwordFile = `${cluster}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' });
  if (user !== undefined) {
    for (const path of [unfinished, passwordFile]) chownSync(path, user.uid, user.gid);
  }
  // The built-in locale sorts by code point on every host and release, so indexes stay valid.
  const args = [
    ...['-D', unfinished, '-U', OWNER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
    ...['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
  ];
  const result = spawnSync(join(bin, 'initdb'), args, { ...user, encoding: 'utf8' });
  rmSync(passwordFile, { force: true });
  if (result.status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    const output = result.error?.message ?? `${result.stdout}${result.stderr}`;
    throw explainStartFailure(output, { cluster, action: 'initdb' });
  }
  renameSync(unfinished, cluster);
}

/**
 * Marks the folder as ours while we run. Without it a second process would take our server for an
 * orphan and stop it.
 */
function claim(dataDir: string): () => void {
  const file = join(dataDir, 'used-by');
  const mine = `${process.pid} ${processStartTime(process.pid) ?? ''}`;
  for (;;) {
    try {
      writeFileSync(file, mine, { mode: 0o600, flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const [pid = '', ...startTime] = readFileSync(file, 'utf8').split(' ');
    if (processStartTime(Number(pid)) === startTime.join(' ')) {
      throw new EmbeddedPostgresError(
        'in_use',
        `${dataDir} is in use by process ${pid}: stop that one first, or choose another data folder`,
      );
    }
    rmSync(file, { force: true });
  }
}

/** Stops a server whose launcher was killed (possible where the kernel doesn't do it for us). */
function stopOrphan({
  bin,
  cluster,
  user,
  log,
}: {
  bin: string;
  cluster: string;
  user: ServiceUser | undefined;
  log: EmbeddedLog;
}): void {
  const pidFile = join(cluster, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  if (processStartTime(pid) === undefined) return;
  const control = (...args: string[]): number | null =>
    spawnSync(join(bin, 'pg_ctl'), ['-D', cluster, '-s', '-w', ...args], { ...user }).status;
  if (control('status') !== 0) return;
  log.warn(`stopping the database server ${pid} that an earlier process left behind`);
  if (control('-m', 'fast', 'stop') === 0) return;
  // It may have been dying already: then there was nobody to tell, and it is gone in a moment.
  for (let check = 0; check < MAX_STOP_CHECKS; check++) {
    if (processStartTime(pid) === undefined || control('status') !== 0) return;
  }
  throw new EmbeddedPostgresError(
    'in_use',
    `the database server ${pid} of an earlier process still uses ${cluster} and does not stop: end it by hand`,
  );
}

interface Launch extends EmbeddedPostgresOptions {
  bin: string;
  cluster: string;
  user: ServiceUser | undefined;
}

async function launch(options: Launch): Promise<{ process: Companion; port: number }> {
  const fixedPort = options.port === undefined || options.port === 0 ? undefined : options.port;
  const reapBy = performance.now() + REAP_TIMEOUT_MS;
  for (let attempt = 1; ; ) {
    const port = fixedPort ?? (await findFreePort());
    const server = startServer(options, port);
    const failure = await untilReady(server, options.cluster);
    if (failure === undefined) return { process: server, port };
    const error = explainStartFailure(failure, { cluster: options.cluster, action: 'start', port });
    if (error.kind === 'in_use' && performance.now() < reapBy) {
      await sleep(10 * POLL_MS);
    } else if (error.kind === 'port_taken' && fixedPort === undefined) {
      if (attempt++ >= MAX_PORT_ATTEMPTS) throw error;
    } else {
      throw error;
    }
  }
}

function startServer({ bin, cluster, user, log, flags = [] }: Launch, port: number): Companion {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    logging_collector: 'off',
    lc_messages: 'C',
    timezone: 'UTC',
    log_timezone: 'UTC',
    fsync: 'on',
    synchronous_commit: 'on',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return startCompanion(
    join(bin, 'postgres'),
    ['-D', cluster, '-p', String(port), ...args, ...flags],
    {
      // SIGINT is PostgreSQL's fast shutdown: open transactions are rolled back, nothing is waited for.
      signalOnOurDeath: 'SIGINT',
      user,
      onLine: (line) =>
        / (?:FATAL|PANIC|ERROR|WARNING): /.test(line) ? log.warn(line) : undefined,
    },
  );
}

/** Waits until the server accepts connections; gives its last words when it ended instead. */
async function untilReady(server: Companion, cluster: string): Promise<string | undefined> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (server.hasExited()) return server.tail();
    if (isReady(server.pid, cluster)) return undefined;
    await Promise.race([server.exited, sleep(POLL_MS)]);
  }
  server.signal('SIGQUIT');
  await server.exited;
  return `not ready after ${START_TIMEOUT_MS} ms\n${server.tail()}`;
}

/**
 * Lines 1 and 8 of postmaster.pid are the server's pid and its state (PostgreSQL's pidfile.h), which
 * unlike its log do not depend on settings.
 */
function isReady(pid: number, cluster: string): boolean {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

async function stop(server: Companion, log: EmbeddedLog): Promise<void> {
  server.signal('SIGINT');
  await Promise.race([server.exited, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  if (server.hasExited()) return;
  log.warn('the database server does not stop: ending it at once; it recovers at the next start');
  server.signal('SIGQUIT');
  await server.exited;
}
