import { connectNode } from '@quittance/lightning-node/client';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRegtest } from '../../../../../tests/support/regtest.ts';
import { temporaryFolder } from '../../../../../tests/support/temporary.ts';
import { lightningSocketOf, startLightningNodeProcess } from './lightning-node.ts';

const PATIENCE_MS = 60_000;
let folder: ReturnType<typeof temporaryFolder>;
let warnings: string[];
const log = {
  info(): void {},
  warn: (message: string) => void warnings.push(message),
};
beforeEach(() => {
  folder = temporaryFolder('lightning');
  warnings = [];
});
afterEach(() => folder.remove());

async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await sleep(50);
    }
  }
}

test('a Lightning node that dies is started again as the same node', {
  timeout: 150_000,
}, async () => {
  const regtest = await startRegtest();
  const { rpcUrl: url, rpcUser: user, rpcPassword: password } = regtest.node;
  const place = {
    ...{ folder: join(folder.path, 'node'), network: 'regtest', alias: 'phoenix' },
    bitcoind: { url, user, password },
  };
  const running = startLightningNodeProcess(place, log);
  const client = connectNode({ socketPath: lightningSocketOf(place) });
  const before = await eventually(() => client.call('info', {}));
  const pid = running.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  const after = await eventually(async () => {
    const info = await client.call('info', {});
    expect(running.pid).not.toBe(pid);
    return info;
  });
  expect(after).toMatchObject({ nodeId: before.nodeId, listensOn: before.listensOn });
  expect(warnings.join()).toContain('it will be started again');
  client.close();
  await running.stop();
  await regtest.stop();
});

test('one that is set up for mainnet is not started again, and the log says why', async () => {
  const running = startLightningNodeProcess(
    {
      ...{ folder: join(folder.path, 'node'), network: 'mainnet', alias: 'no' },
      bitcoind: { url: 'http://127.0.0.1:1', user: 'u', password: 'p' },
    },
    log,
  );
  await eventually(() => {
    expect(warnings.join()).toMatch(/can not run: .*regtest only, not on mainnet/);
    return Promise.resolve();
  });
  await running.stop();
}, 90_000);
