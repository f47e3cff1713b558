import { mkdtempSync, chmodSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { keepEmbeddedPostgres } from './kept-postgres.ts';

async function ask(connectionString: string, query: string): Promise<unknown> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<{ n: number }>(query)).rows[0]?.n;
  } finally {
    await client.end();
  }
}

test('a database server that dies is back under the same address with all that was committed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-kept-'));
  chmodSync(folder, 0o711);
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
  const dataDir = join(folder, 'postgres');
  const kept = await keepEmbeddedPostgres({ dataDir, log });
  await ask(kept.url, 'CREATE TABLE kept AS SELECT 7 AS n');
  const pidFile = join(dataDir, 'cluster', 'postmaster.pid');
  process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGKILL');
  const deadline = performance.now() + 20_000;
  let found: unknown;
  while (found !== 7 && performance.now() < deadline) {
    await sleep(100);
    found = await ask(kept.url, 'SELECT n FROM kept').catch(() => undefined);
  }
  expect(found).toBe(7);
  expect(warnings.join('\n')).toContain('ended by itself');
  await kept.stop();
  await expect(ask(kept.url, 'SELECT 1 AS n')).rejects.toThrow();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);
