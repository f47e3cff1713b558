import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { quietLog, temporaryFolder } from '../../../../../tests/support/temporary.ts';
import { createBitcoinRpc } from '../bitcoin-node/index.ts';
import { findBitcoind, startRegtestNode } from './bitcoind.ts';
import { findOnPath, processStartTime } from './companion.ts';

const GONE_WITHIN_MS = 15_000;
const folder = temporaryFolder('bitcoind');
afterAll(() => folder.remove());
afterEach(() => vi.unstubAllEnvs());

test('a regtest node publishes all four topics and pays to segwit', async () => {
  const node = await startRegtestNode({ dataDir: `${folder.path}/plain`, log: quietLog });
  const rpc = createBitcoinRpc({
    url: node.rpcUrl,
    user: node.rpcUser,
    password: node.rpcPassword,
  });
  const published =
    await rpc.call<{ type: string; address: string; hwm: number }[]>('getzmqnotifications');
  expect(
    Object.fromEntries(published.map(({ type, address }) => [type.slice(3), address])),
  ).toEqual(node.zmq);
  expect(Math.min(...published.map(({ hwm }) => hwm))).toBeGreaterThan(10_000);
  await rpc.call('createwallet', ['w']);
  expect(await rpc.walletCall('w', 'getnewaddress')).toMatch(/^bcrt1q/);
  // An index of block filters would not survive a kill after a reorganisation.
  expect(Object.keys(await rpc.call<object>('getindexinfo'))).toEqual(['txindex']);
  await rpc.close();
  await node.stop();
  expect(processStartTime(node.pid)).toBeUndefined();
});

test('arguments of the caller win over ours, and a wrong one is shown in the node’s own words', async () => {
  const pruned = await startRegtestNode({
    dataDir: `${folder.path}/pruned`,
    log: quietLog,
    extraArgs: ['-txindex=0', '-prune=1'],
  });
  const rpc = createBitcoinRpc({
    url: pruned.rpcUrl,
    user: pruned.rpcUser,
    password: pruned.rpcPassword,
  });
  expect(await rpc.call('getblockchaininfo')).toMatchObject({ pruned: true });
  await rpc.close();
  await pruned.stop();

  const log = { info() {}, warn() {} };
  const wrong = startRegtestNode({
    dataDir: `${folder.path}/wrong`,
    log,
    extraArgs: ['-nosuch=1'],
  });
  await expect(wrong).rejects.toMatchObject({
    kind: 'not_starting',
    message: expect.stringContaining('nosuch'),
  });
});

test.skipIf(findOnPath('setpriv') === undefined)(
  'kill -9 of the parent leaves no node',
  async () => {
    const fixture = fileURLToPath(new URL('fixtures/hold-bitcoind.ts', import.meta.url));
    const child = spawn(process.execPath, [fixture, `${folder.path}/killed`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const pid = Number(line);
    expect(processStartTime(pid)).toBeDefined();
    child.kill('SIGKILL');
    const deadline = performance.now() + GONE_WITHIN_MS;
    while (processStartTime(pid) !== undefined && performance.now() < deadline) await sleep(50);
    expect(processStartTime(pid)).toBeUndefined();
  },
);

test('a BITCOIND that does not start is refused by name, not replaced in silence', async () => {
  vi.stubEnv('BITCOIND', '/nonexistent/bitcoind');
  await expect(findBitcoind(quietLog)).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('/nonexistent/bitcoind'),
  });
});

test('without a node and without apt the message says how to get one', async () => {
  vi.stubEnv('BITCOIND', '');
  vi.stubEnv('PATH', '/nonexistent');
  vi.stubEnv('QUITTANCE_CACHE', `${folder.path}/empty-cache`);
  await expect(findBitcoind(quietLog)).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('install Bitcoin Core'),
  });
});
