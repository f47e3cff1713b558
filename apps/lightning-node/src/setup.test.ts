import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSeed, requireRegtest } from './setup.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quittance-lightning-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const configure = (network: string) =>
  writeFileSync(
    join(folder, 'node.json'),
    JSON.stringify({
      ...{ network, alias: 'x', listenHost: '127.0.0.1', socketPath: join(folder, 's') },
      bitcoind: { url: 'http://127.0.0.1:1', user: 'u', password: 'p' },
    }),
  );
const start = () =>
  spawnSync(
    process.execPath,
    [fileURLToPath(new URL('main.ts', import.meta.url)), '--dir', folder],
    { encoding: 'utf8', timeout: 30_000 },
  );

test('every network with money on it is refused, with the reason', () => {
  for (const network of ['mainnet', 'main', 'signet', 'testnet4', '']) {
    expect(() => requireRegtest(network)).toThrow(/regtest only.*lacks fixes/);
  }
  expect(() => requireRegtest('regtest')).not.toThrow();
});

test('the process ends with the reason and the status of a wrong set-up on mainnet', () => {
  configure('mainnet');
  const { status, stderr } = start();
  expect(stderr).toContain('the embedded Lightning node runs on regtest only, not on mainnet');
  expect(status).toBe(78);
});

test('a folder that others may enter is refused', () => {
  configure('regtest');
  spawnSync('chmod', ['755', folder]);
  const { status, stderr } = start();
  expect(stderr).toContain('others may enter');
  expect(status).toBe(78);
});

test('a seed is made once, and state without its seed is refused', () => {
  const seed = readSeed(folder);
  expect(readSeed(folder)).toEqual(seed);
  expect(readFileSync(join(folder, 'seed'))).toHaveLength(32);
  writeFileSync(join(folder, 'state.log'), 'x');
  rmSync(join(folder, 'seed'));
  expect(() => readSeed(folder)).toThrow(/seed is missing/);
});
