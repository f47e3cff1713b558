import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../../apps/server/src/platform/embedded/companion.ts';
import { type Edit, startRpcProxy } from '../suites/support/rpc-proxy.ts';
import { createServerProcess, type ServerProcess } from '../suites/support/server-process.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { temporaryFolder } from '../support/temporary.ts';

const CLI = fileURLToPath(new URL('../../apps/server/src/cli.ts', import.meta.url));
const MAINNET_GENESIS = '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f';
/** A start takes two seconds; on a busy machine several times that. */
const START_MS = 45_000;

const folder = temporaryFolder('wrong-inputs');
let database: TestDatabase;
let regtest: Regtest;

beforeAll(async () => {
  [database, regtest] = await Promise.all([createTestDatabase(), startRegtest()]);
});
afterAll(async () => {
  await regtest.stop();
  await database.drop();
  folder.remove();
});

async function settings(changed: Record<string, string> = {}): Promise<Record<string, string>> {
  const { node } = regtest;
  return {
    DATABASE_URL: database.ownerUrl,
    QUITTANCE_NETWORK: 'regtest',
    QUITTANCE_HTTP_PORT: String(await findFreePort()),
    QUITTANCE_RATES_FIXED: '{"USD":"65000.00"}',
    QUITTANCE_BITCOIN_RPC_URL: node.rpcUrl,
    QUITTANCE_BITCOIN_RPC_USER: node.rpcUser,
    QUITTANCE_BITCOIN_RPC_PASSWORD: node.rpcPassword,
    ...changed,
  };
}

/** Runs `start` where it can't: gives what a person sees. */
async function refusedStart(
  changed: Record<string, string>,
): Promise<{ status: number | null; output: string }> {
  const env = { PATH: process.env['PATH'] ?? '', ...(await settings(changed)) };
  const child = spawn(process.execPath, [CLI, 'start'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { status, output };
}

/** Starts the server, asks until its check of the chain says something, and stops it. */
async function chainCheck(changed: Record<string, string>): Promise<string> {
  const env = await settings(changed);
  const server: ServerProcess = createServerProcess({
    port: Number(env['QUITTANCE_HTTP_PORT']),
    env,
    logFile: `${folder.path}/server.log`,
    onSelfExit: () => undefined,
  });
  server.start();
  try {
    expect(await server.untilAnswering(START_MS), server.tail).toBe(true);
    const deadline = Date.now() + START_MS;
    for (;;) {
      const answer = await fetch(`${server.url}/readyz`);
      const body = (await answer.json()) as {
        checks: { name: string; status: string; detail: string; action?: string }[];
      };
      const chain = body.checks.find(({ name }) => name === 'chain');
      const told = `${answer.status} ${chain?.status}: ${chain?.detail}`;
      const settled = chain !== undefined && !/unknown|another process|^height/.test(chain.detail);
      if (settled || Date.now() > deadline) {
        expect(server.tail, 'the log has sentences, not stacks').not.toContain('    at ');
        return told;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    await server.kill();
  }
}

function expectOneSentence({ status, output }: { status: number | null; output: string }): void {
  expect(output).not.toMatch(/\n\s+at /);
  expect(output).toContain('quittance start: ');
  expect(status).toBe(1);
}

test('a start without a database says where it looked and what to do, and ends', async () => {
  const port = await findFreePort();
  const refused = await refusedStart({ DATABASE_URL: `postgres://o:p@127.0.0.1:${port}/shop` });
  expectOneSentence(refused);
  expect(refused.output).toContain(`"shop" at 127.0.0.1:${port} can not be reached`);
  expect(refused.output).toContain('start PostgreSQL, or check DATABASE_URL');
}, 60_000);

test('a start with a wrong database password or name says which', async () => {
  const url = new URL(database.ownerUrl);
  url.password = 'wrong';
  const password = await refusedStart({ DATABASE_URL: url.href });
  expectOneSentence(password);
  expect(password.output).toContain('check user and password in DATABASE_URL');
  expect(password.output).not.toContain('wrong');
  const other = new URL(database.ownerUrl);
  other.pathname = '/there_is_none';
  const name = await refusedStart({ DATABASE_URL: other.href });
  expectOneSentence(name);
  expect(name.output).toContain('make it with createdb');
}, 90_000);

test('a start on a port that is taken names the port and the setting', async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
  const address = squatter.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const refused = await refusedStart({ QUITTANCE_HTTP_PORT: String(address.port) });
  squatter.close();
  expectOneSentence(refused);
  expect(refused.output).toContain(`127.0.0.1:${address.port} is taken`);
  expect(refused.output).toContain('http.port');
}, 60_000);

test('without a node the server answers, is not ready, and says how to reach one', async () => {
  const url = `http://127.0.0.1:${await findFreePort()}`;
  const told = await chainCheck({ QUITTANCE_BITCOIN_RPC_URL: url });
  expect(told).toContain(`503 failed: cannot reach the node at ${url}`);
}, 90_000);

test('a wrong RPC password is named as such', async () => {
  const told = await chainCheck({ QUITTANCE_BITCOIN_RPC_PASSWORD: 'wrong' });
  expect(told).toContain('503 failed');
  expect(told).toContain('check the RPC user and password');
}, 90_000);

test('a node on another chain is not followed, and both chains are named', async () => {
  const told = await chainCheck({ QUITTANCE_NETWORK: 'signet', QUITTANCE_RATES_FIXED: '' });
  expect(told).toContain('503 failed');
  expect(told).toContain('signet');
}, 90_000);

/** The regtest node dressed as one on mainnet. */
function asMainnet(deployments: Record<string, unknown>): Edit {
  return (method, result) => {
    const info = result as Record<string, unknown>;
    switch (method) {
      case 'getblockhash':
        return MAINNET_GENESIS;
      case 'getblockchaininfo':
        return { ...info, chain: 'main', initialblockdownload: false, pruned: false };
      case 'getdeploymentinfo':
        return { ...info, deployments };
      default:
        return result;
    }
  };
}

test('a mainnet node that will leave the chain is refused by the name of its rule', async () => {
  const { node } = regtest;
  const proxy = await startRpcProxy(node.rpcUrl, asMainnet({ taproot: {}, blake2b: {} }));
  const told = await chainCheck({
    QUITTANCE_NETWORK: 'mainnet',
    QUITTANCE_RATES_FIXED: '',
    QUITTANCE_BITCOIN_RPC_URL: proxy.url,
  });
  await proxy.close();
  expect(told).toContain('503 failed');
  expect(told).toContain('consensus rules that Bitcoin Core does not have: blake2b');
  expect(told).toContain('run Bitcoin Core');
}, 90_000);

test('a pruned node is refused only for blocks that are still to be read', async () => {
  const { node } = regtest;
  const proxy = await startRpcProxy(node.rpcUrl, (method, result) =>
    method === 'getblockchaininfo'
      ? { ...(result as object), pruned: true, pruneheight: 80 }
      : result,
  );
  // A database of its own: no other start may have gone ahead of this one.
  const fresh = await createTestDatabase();
  const start = { DATABASE_URL: fresh.ownerUrl, QUITTANCE_START_HEIGHT: '5' };
  const pruned = { ...start, QUITTANCE_BITCOIN_RPC_URL: proxy.url };
  const first = await chainCheck(pruned);
  expect(first).toContain('503 failed');
  expect(first).toContain('pruned and begins at block 80; blocks from 5 on');
  // Another node had them. From then on it does not matter where the first start began.
  expect(await chainCheck(start)).toContain('ok: at the node');
  expect(await chainCheck(pruned)).toContain('ok: at the node');
  await proxy.close();
  await fresh.drop();
}, 120_000);
