import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../tests/support/postgres.ts';
import { type Regtest, startRegtest } from '../../../../tests/support/regtest.ts';
import { startMailServer } from '../telling/notifications/test-support.ts';
import { runDoctor } from './doctor.ts';
import type { Finding } from './doctor/finding.ts';
import { checkNodeVersion } from './doctor/machine.ts';

let database: TestDatabase;
let regtest: Regtest;
let folder: string;
beforeAll(async () => {
  [database, regtest] = await Promise.all([createTestDatabase(), startRegtest()]);
  folder = mkdtempSync(join(tmpdir(), 'quittance-doctor-test-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([database.drop(), regtest.stop()]);
});

function environment(change: Record<string, string> = {}): Record<string, string> {
  return {
    DATABASE_URL: database.ownerUrl,
    QUITTANCE_NETWORK: 'regtest',
    QUITTANCE_DATA_DIR: join(folder, 'data'),
    QUITTANCE_HTTP_PORT: '0',
    QUITTANCE_RATES_FIXED: '{"USD":"65000.00"}',
    QUITTANCE_BITCOIN_RPC_URL: regtest.node.rpcUrl,
    QUITTANCE_BITCOIN_RPC_USER: regtest.node.rpcUser,
    QUITTANCE_BITCOIN_RPC_PASSWORD: regtest.node.rpcPassword,
    ...change,
  };
}

async function examine(change: Record<string, string> = {}, args: string[] = []) {
  let text = '';
  const status = await runDoctor(['--json', ...args], {
    env: environment(change),
    write: (part) => {
      text += part;
    },
  });
  const report: { ok: boolean; findings: Finding[] } = JSON.parse(text);
  const blocking = report.findings.filter(({ level }) => level === 'blocking');
  return { status, ...report, blocking, text };
}

test('a sound installation passes, and its ledger is really closed to the working roles', async () => {
  const { status, blocking, findings } = await examine();
  expect(blocking).toEqual([]);
  expect(status).toBe(0);
  const roles = findings.filter(({ check }) => check === 'roles');
  expect(roles).toHaveLength(2);
  for (const { level, detail } of roles) {
    expect(level).toBe('ok');
    expect(detail).toMatch(/can not change [1-9]\d* ledger tables/);
  }
});

test('a working role that may change or delete ledger rows is found', async () => {
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  const grants = ['UPDATE (amount)', 'DELETE', 'TRUNCATE'];
  for (const grant of grants) {
    await owner.query(`GRANT ${grant} ON ledger_entry TO quittance_app`);
    const { status, blocking } = await examine();
    expect(status).toBe(1);
    expect(blocking).toMatchObject([{ check: 'roles' }]);
    expect(blocking[0]?.detail).toContain('ledger_entry');
    await owner.query(`REVOKE ${grant} ON ledger_entry FROM quittance_app`);
  }
  await owner.end();
});

test('a password that is wrong, a taken port and a node on another network each get a line', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const url = new URL(database.ownerUrl);
  url.password = 'hunter2';
  const { status, blocking, text } = await examine({
    DATABASE_URL: url.href,
    QUITTANCE_HTTP_PORT: port,
    QUITTANCE_NETWORK: 'signet',
  });
  taken.close();
  expect(status).toBe(1);
  expect(blocking.map(({ check }) => check)).toEqual(['port', 'database', 'chain']);
  for (const { action } of blocking) expect(action).toMatch(/\w{3}/);
  expect(text).not.toContain('hunter2');
});

test('migrations that were edited or are newer than the program block', async () => {
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(
    `INSERT INTO schema_migration (version, name, checksum) VALUES (9999, 'from_later', 'x')`,
  );
  expect((await examine()).blocking).toMatchObject([{ check: 'migrations' }]);
  await owner.query('DELETE FROM schema_migration WHERE version = 9999');
  await owner.end();
});

test('a configuration that is not valid ends the examination with all its problems', async () => {
  const path = join(folder, 'quittance.json');
  writeFileSync(path, '{"http":{"prot":1}}');
  const { blocking, findings } = await examine({ QUITTANCE_LOG_LEVEL: 'loud' }, ['--config', path]);
  expect(blocking.map(({ detail }) => detail).sort()).toEqual(['QUITTANCE_LOG_LEVEL', 'http.prot']);
  expect(findings.at(-1)?.check).toBe('configuration');
});

test('a data folder that can not be made is named', async () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const { blocking } = await examine({ QUITTANCE_DATA_DIR: join(file, 'data') });
  expect(blocking).toMatchObject([{ check: 'data folder' }]);
});

test('ZMQ endpoints where nobody, or something else, listens are found', async () => {
  const rpcPort = new URL(regtest.node.rpcUrl).port;
  const { findings } = await examine({
    QUITTANCE_BITCOIN_ZMQ_SEQUENCE: `tcp://127.0.0.1:${rpcPort}`,
    QUITTANCE_BITCOIN_ZMQ_RAW_TX: 'tcp://127.0.0.1:9',
  });
  const zmq = findings.filter(({ check }) => check === 'zmq').map(({ detail }) => detail);
  expect(zmq.join('\n')).toContain('tcp://127.0.0.1:9: ECONNREFUSED');
  expect(zmq.join('\n')).toContain('does not publish pubsequence');
});

test('the text form has a line each; unknown options get the usage and status 2', async () => {
  let text = '';
  const write = (part: string) => {
    text += part;
  };
  expect(await runDoctor([], { env: environment(), write })).toBe(0);
  expect(text).toMatch(/^✓ node\.js: v/);
  expect(text).toContain('Nothing blocks.');
  expect(await runDoctor(['--jsn'], { env: {}, write })).toBe(2);
});

test('an old Node.js blocks', () => {
  expect(checkNodeVersion('v22.11.0').level).toBe('blocking');
  expect(checkNodeVersion('v24.0.0').level).toBe('ok');
  expect(checkNodeVersion('v26.1.0').level).toBe('ok');
});

test('a mail server that is missing, works, or can not be reached gets its line, and never blocks', async () => {
  const lines = async (change: Record<string, string>) => {
    const { findings, status } = await examine(change);
    expect(status).toBe(0);
    return findings.filter(({ check }) => check === 'e-mail');
  };
  expect(await lines({})).toMatchObject([
    { level: 'warning', detail: expect.stringContaining('webhook and API only') },
  ]);
  const server = await startMailServer();
  const smtp = {
    QUITTANCE_SMTP_HOST: '127.0.0.1',
    QUITTANCE_SMTP_PORT: String(server.port),
    QUITTANCE_SMTP_TLS: 'none',
    QUITTANCE_SMTP_FROM: 'pay@quittance.example',
  };
  const operator = { QUITTANCE_SMTP_OPERATOR_EMAILS: 'ops@pay.example' };
  expect(await lines({ ...smtp, ...operator })).toMatchObject([{ level: 'ok' }]);
  expect(await lines(smtp)).toMatchObject([{ level: 'ok' }, { level: 'warning' }]);
  expect(await lines({ ...smtp, ...operator, QUITTANCE_SMTP_TLS: 'starttls' })).toMatchObject([
    { level: 'warning', detail: expect.stringContaining('can not be used') },
  ]);
  await server.close();
  expect(server.received).toEqual([]);
  expect(await lines({ ...smtp, ...operator })).toMatchObject([{ level: 'warning' }]);
});
