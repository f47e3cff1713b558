import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../tests/support/postgres.ts';
import { quietLog, temporaryFolder } from '../../../../tests/support/temporary.ts';
import { assemble } from '../wiring/flow.ts';
import { loadConfig } from '../platform/config/index.ts';
import { findFreePorts } from '../platform/embedded/companion.ts';
import { startEmbeddedPostgres } from '../platform/embedded/postgres.ts';
import { createLifecycle } from '../platform/lifecycle/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { flowOptionsOf } from './configured.ts';

const folder = temporaryFolder('start');
afterAll(() => folder.remove());
const log = createLogger({ level: 'fatal', pretty: false });
const surroundings = { ownerUrl: 'postgres://owner:secret@127.0.0.1:1/none', log, version: '0' };

test('a start that fails at the database ends, although the embedded server was up', async () => {
  const dataDir = join(folder.path, 'newer');
  const server = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), log: quietLog });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query('CREATE TABLE schema_migration (version int, name text, checksum text)');
  await client.query("INSERT INTO schema_migration VALUES (9999, 'from_the_future', '')");
  await client.end();
  await server.stop();

  const cli = fileURLToPath(new URL('../cli.ts', import.meta.url));
  const env = { ...process.env, QUITTANCE_NETWORK: 'regtest', QUITTANCE_DATA_DIR: dataDir };
  const child = spawn(process.execPath, [cli, 'start'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const [status] = (await once(child, 'close')) as [number | null];
  expect(said).toContain('newer version');
  expect(status).toBe(1);
}, 60_000);

test('with metrics.port the metrics are served there and not beside the API', async () => {
  const [port = 0, metricsPort = 0] = await findFreePorts(2);
  const database = await createTestDatabase();
  const config = loadConfig({
    env: {
      QUITTANCE_NETWORK: 'regtest',
      QUITTANCE_ROLE: 'worker',
      QUITTANCE_HTTP_PORT: String(port),
      QUITTANCE_METRICS_PORT: String(metricsPort),
    },
  });
  const lifecycle = createLifecycle({ log });
  const options = flowOptionsOf(config, { ...surroundings, ownerUrl: database.ownerUrl });
  assemble(lifecycle, options);
  await lifecycle.start();
  try {
    const ask = async (at: number, path: string) =>
      (await fetch(`http://127.0.0.1:${at}${path}`)).status;
    expect(await ask(metricsPort, '/metrics')).toBe(200);
    expect(await ask(metricsPort, '/healthz')).toBe(404);
    expect(await ask(port, '/metrics')).toBe(404);
    expect(await ask(port, '/healthz')).toBe(200);
  } finally {
    await lifecycle.stop();
    await database.drop();
  }
});

test('limits.keyRequestsPerMinute bounds each kind of request of a key', () => {
  const env = { QUITTANCE_NETWORK: 'regtest', QUITTANCE_LIMITS_KEY_REQUESTS_PER_MINUTE: '77' };
  const { limits } = flowOptionsOf(loadConfig({ env }), surroundings);
  expect(limits).toMatchObject({ read: 77, write: 77, create: 77 });
  const usual = flowOptionsOf(loadConfig({ env: { QUITTANCE_NETWORK: 'regtest' } }), surroundings);
  expect(usual.limits).toEqual({ public: 600 });
});
