import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quietLog, temporaryFolder } from '../../../../../tests/support/temporary.ts';
import { findFreePort, findOnPath, processStartTime } from './companion.ts';
import { startEmbeddedPostgres } from './postgres.ts';
import { explainStartFailure } from './postgres-errors.ts';

/** Far more than the kernel needs to end the server of a dead parent. */
const GONE_WITHIN_MS = 5_000;

const folder = temporaryFolder('embedded');
const killed: ChildProcess[] = [];
afterAll(() => {
  for (const child of killed) child.kill('SIGKILL');
  folder.remove();
});

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  // A server that is stopped under us ends the connection; the test looks at queries only.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const start = (name: string, port = 0) =>
  startEmbeddedPostgres({ dataDir: join(folder.path, name), port, log: quietLog });

/** A process that holds the server of that folder until it is killed. */
async function hold(
  name: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ url: string; pid: number; kill(): Promise<void> }> {
  const fixture = fileURLToPath(new URL('fixtures/hold-postgres.ts', import.meta.url));
  const child = spawn(process.execPath, [fixture, join(folder.path, name)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  killed.push(child);
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  const { url, pid } = JSON.parse(line) as { url: string; pid: number };
  return {
    url,
    pid,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function goneSoon(pid: number): Promise<boolean> {
  const deadline = performance.now() + GONE_WITHIN_MS;
  while (performance.now() < deadline) {
    if (processStartTime(pid) === undefined) return true;
    await sleep(20);
  }
  return false;
}

describe('a running server', () => {
  let server: Awaited<ReturnType<typeof startEmbeddedPostgres>>;
  beforeAll(async () => {
    server = await start('running');
  });
  afterAll(() => server.stop());

  test('has every guarantee of durability on and speaks UTC', async () => {
    const rows = await query(
      server.url,
      `select name, setting from pg_settings where name in
       ('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'TimeZone')`,
    );
    expect(Object.fromEntries(rows.map((row) => [row['name'], row['setting']]))).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      data_checksums: 'on',
      TimeZone: 'UTC',
    });
  });

  test('cannot be reached from another machine', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal)?.address;
    const [row] = await query(server.url, 'show listen_addresses');
    expect(row).toEqual({ listen_addresses: '127.0.0.1' });
    if (outside === undefined) return;
    const url = server.url.replace('127.0.0.1', outside);
    await expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  });

  test('lets nobody in without the password, which only its user may read', async () => {
    const url = server.url.replace(/:[0-9a-f]+@/, ':wrong@');
    await expect(query(url, 'select 1')).rejects.toThrow('password authentication failed');
    const file = join(folder.path, 'running/password');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(server.url).toContain(readFileSync(file, 'utf8').trim());
  });

  test('is not taken for an orphan by a second start in the same folder', async () => {
    await expect(start('running')).rejects.toMatchObject({ kind: 'in_use' });
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

test('data and password survive a restart', async () => {
  const first = await start('restart');
  await query(first.url, 'create table kept as select 42 as answer');
  await first.stop();
  await expect(query(first.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  const second = await start('restart', first.port);
  expect(second.url).toBe(first.url);
  expect(await query(first.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  await second.stop();
});

test.skipIf(findOnPath('setpriv') === undefined)(
  'kill -9 of the parent leaves no server, and what was committed is there after the next start',
  async () => {
    for (let round = 1; round <= 3; round++) {
      const held = await hold('killed');
      await query(held.url, 'create table if not exists rounds (round int)');
      await query(held.url, `insert into rounds values (${round})`);
      await held.kill();
      expect(await goneSoon(held.pid)).toBe(true);
    }
    const server = await start('killed');
    expect(await query(server.url, 'select count(*)::int from rounds')).toEqual([{ count: 3 }]);
    await server.stop();
  },
);

test('a server that outlived its parent is stopped and its data kept', async () => {
  // Without setpriv in PATH nothing ties the server to its parent, as on macOS.
  const bin = mkdtempSync(join(folder.path, 'bin-'));
  symlinkSync(process.execPath, join(bin, 'node'));
  const held = await hold('orphan', { ...process.env, PATH: bin });
  await query(held.url, 'create table kept as select 7 as answer');
  await held.kill();
  expect(await query(held.url, 'select answer from kept')).toEqual([{ answer: 7 }]);
  const server = await startEmbeddedPostgres({
    dataDir: join(folder.path, 'orphan'),
    log: { info() {}, warn() {} },
  });
  expect(await goneSoon(held.pid)).toBe(true);
  expect(await query(server.url, 'select answer from kept')).toEqual([{ answer: 7 }]);
  await server.stop();
});

test('kill -9 of server and parent together loses nothing that was committed', async () => {
  const held = await hold('both');
  await query(held.url, 'create table kept as select 9 as answer');
  process.kill(held.pid, 'SIGKILL');
  await held.kill();
  const server = await start('both');
  expect(await query(server.url, 'select answer from kept')).toEqual([{ answer: 9 }]);
  await server.stop();
});

test('a half-made cluster is made anew', async () => {
  mkdirSync(join(folder.path, 'half/cluster.new/base'), { recursive: true });
  const server = await start('half');
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await server.stop();
});

test('a port that is taken is named, and the folder is free again after', async () => {
  const port = await findFreePort();
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  await expect(start('port', port)).rejects.toMatchObject({
    kind: 'port_taken',
    message: expect.stringContaining(String(port)),
  });
  other.close();
  await once(other, 'close');
  const server = await start('port', port);
  expect(server.port).toBe(port);
  await server.stop();
});

test.skipIf(process.getuid?.() !== 0)(
  'as root, a folder that the server’s user may not pass through is named',
  async () => {
    const barred = join(folder.path, 'barred');
    mkdirSync(barred);
    chmodSync(barred, 0o700);
    await expect(start('barred/data')).rejects.toMatchObject({
      kind: 'permission',
      message: expect.stringContaining(`chmod o+x ${barred}`),
    });
  },
);

test('a full disk is told as such, whatever else the server says', () => {
  const output =
    'FATAL:  could not write lock file "postmaster.pid": No space left on device\nPermission denied';
  const error = explainStartFailure(output, { cluster: '/data/cluster', action: 'start' });
  expect(error.kind).toBe('disk_full');
  expect(error.message).toContain(dirname('/data/cluster/x'));
});
