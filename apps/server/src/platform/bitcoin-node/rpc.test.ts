import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { formatBtc } from '@quittance/kernel';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Regtest, satsOf, startRegtest } from '../../../../../tests/support/regtest.ts';
import { quietLog, temporaryFolder } from '../../../../../tests/support/temporary.ts';
import { BitcoinRpcError, createBitcoinRpc } from './rpc.ts';
import { startRegtestNode } from '../embedded/bitcoind.ts';
import { findFreePort } from '../embedded/companion.ts';

describe('with a real node', () => {
  let regtest: Regtest;
  beforeAll(async () => {
    regtest = await startRegtest();
  });
  afterAll(() => regtest.stop());

  test('an amount sent and read back is the same to the satoshi', async () => {
    const address = await regtest.newAddress();
    // 0.1 + 0.2 is the classic that a float gets wrong.
    for (const amount of [29_999_999n, 30_000_001n, 100_000_000n]) {
      const txid = await regtest.sendTo(address, amount);
      const { details } = await regtest.walletRpc<{ details: { amount: unknown }[] }>(
        'gettransaction',
        [txid],
      );
      expect(details.map((detail) => satsOf(detail.amount))).toContain(amount);
      expect(details.map((detail) => detail.amount)).toContain(formatBtc(amount));
    }
  });

  test('a wrong password is unauthorized', async () => {
    const { rpcUrl, rpcUser } = regtest.node;
    const rpc = createBitcoinRpc({ url: rpcUrl, user: rpcUser, password: 'wrong' });
    await expect(rpc.call('getblockcount')).rejects.toMatchObject({ kind: 'unauthorized' });
    await rpc.close();
  });

  test('a refused call carries the code and message of the node, alone and in a batch', async () => {
    await expect(regtest.rpc.call('getblockhash', [1_000_000])).rejects.toMatchObject({
      kind: 'rpc',
      code: -8,
      message: expect.stringContaining('Block height out of range'),
    });
    const results = await regtest.rpc.batch([
      { method: 'getblockcount' },
      { method: 'getblockhash', params: [1_000_000] },
      { method: 'getblockhash', params: [0] },
    ]);
    expect(results.map((result) => result.ok)).toEqual([true, false, true]);
    expect(results[1]).toMatchObject({ error: { kind: 'rpc', code: -8 } });
  });

  test('a batch larger than one request answers every call in its place', async () => {
    const heights = Array.from({ length: 1_100 }, (_, i) => i % 100);
    const results = await regtest.rpc.batch(
      heights.map((height) => ({ method: 'getblockstats', params: [height, ['height']] })),
    );
    expect(results).toEqual(heights.map((height) => ({ ok: true, result: { height } })));
  });

  test('a block read as bytes is the block that the RPC shows', async () => {
    const [hash = ''] = await regtest.mine(1);
    const bytes = await regtest.rpc.fetchBytes(`/rest/block/${hash}.bin`);
    const hex = await regtest.rpc.call<string>('getblock', [hash, 0]);
    expect(Buffer.from(bytes).toString('hex')).toBe(hex);
    const missing = regtest.rpc.fetchBytes(`/rest/block/${'0'.repeat(64)}.bin`);
    await expect(missing).rejects.toMatchObject({ kind: 'rpc', code: 404 });
  });

  test('a call that outlasts its time is a timeout and leaves the client usable', async () => {
    const slow = regtest.rpc.call('waitfornewblock', [2_000], undefined, { timeoutMs: 100 });
    await expect(slow).rejects.toMatchObject({ kind: 'timeout' });
    expect(await regtest.rpc.call('getblockcount')).toBeGreaterThan(0);
  });

  test('a node that was killed and came back is reached again by the same client', async () => {
    const before = await regtest.rpc.call('getblockcount');
    await regtest.crashNode();
    expect(await regtest.rpc.call('getblockcount')).toBeTypeOf(typeof before);
  });
});

test('a cookie that the node wrote anew is read again', async () => {
  const folder = temporaryFolder('cookie');
  const options = { dataDir: folder.path, log: quietLog };
  const first = await startRegtestNode(options);
  const rpc = createBitcoinRpc({
    url: first.rpcUrl,
    cookieFile: join(folder.path, 'regtest/.cookie'),
  });
  expect(await rpc.call('getblockcount')).toBe(0);
  await first.stop();
  await expect(rpc.call('getblockcount')).rejects.toMatchObject({ kind: 'unreachable' });
  const second = await startRegtestNode({ ...options, replaces: first });
  expect(await rpc.call('getblockcount')).toBe(0);
  await rpc.close();
  await second.stop();
  folder.remove();
});

describe('with a peer that is no healthy node', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function against(listener: RequestListener): Promise<ReturnType<typeof createBitcoinRpc>> {
    const port = await findFreePort();
    server = createServer(listener);
    await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve));
    return createBitcoinRpc({ url: `http://127.0.0.1:${port}`, user: 'u', password: 'p' });
  }

  test('a closed port is unreachable', async () => {
    const url = `http://127.0.0.1:${await findFreePort()}`;
    const rpc = createBitcoinRpc({ url, user: 'u', password: 'p' });
    const error: unknown = await rpc.call('getblockcount').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BitcoinRpcError);
    expect(error).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('a node that is still loading is warming up, under both protocol versions', async () => {
    for (const status of [200, 500]) {
      const rpc = await against((_request, response) => {
        response.statusCode = status;
        response.end(
          '{"result":null,"error":{"code":-28,"message":"Loading block index…"},"id":1}',
        );
      });
      await expect(rpc.call('getblockcount')).rejects.toMatchObject({ kind: 'warming_up' });
    }
  });

  test.each([
    ['a web page', '<html>'],
    ['an answer to another call', '{"jsonrpc":"2.0","result":1,"id":77}'],
    ['an answer without a result', '{"jsonrpc":"2.0","id":1}'],
    ['a list', '[]'],
    ['an error without a code', '{"error":{"message":"x"},"id":1}'],
  ])('%s is malformed', async (_name, body) => {
    const rpc = await against((_request, response) => response.end(body));
    await expect(rpc.call('getblockcount')).rejects.toMatchObject({ kind: 'malformed' });
  });

  test('a connection cut in the middle of an answer is unreachable', async () => {
    const rpc = await against((_request, response) => {
      response.setHeader('content-length', 100);
      response.write('{"result":');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(rpc.call('getblockcount')).rejects.toMatchObject({ kind: 'unreachable' });
  });

  test('a missing cookie file says which', async () => {
    const cookieFile = '/nonexistent/.cookie';
    const rpc = createBitcoinRpc({ url: 'http://127.0.0.1:1', cookieFile });
    await expect(rpc.call('getblockcount')).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining(cookieFile),
    });
  });
});
