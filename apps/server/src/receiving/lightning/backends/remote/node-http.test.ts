import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNodeHttp, type NodeHttp, NotSentError } from './node-http.ts';

let seen = 0;
const server = createServer((request, response) => {
  seen += 1;
  request.resume();
  response.end('{}');
});
let http: NodeHttp;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const trust = { kind: 'system' } as const;
  http = createNodeHttp(new URL(`http://127.0.0.1:${port}`), trust, {});
});
afterAll(async () => {
  await http.close();
  server.close();
});

const post = (mayWrite: () => boolean) =>
  http.call({ method: 'POST', path: '/pay', body: '{}', timeoutMs: 5_000, mayWrite });

test('whether a request may be written is asked when there is a connection, and no is not sent', async () => {
  const asked: number[] = [];
  const startedMs = performance.now();
  await expect(
    post(() => {
      asked.push(performance.now() - startedMs);
      return false;
    }),
  ).rejects.toBeInstanceOf(NotSentError);
  await sleep(50);
  expect(seen).toBe(0);
  expect(asked).toHaveLength(1);
});

test('a process that stands still between its wish and the connection sends nothing late', async () => {
  const notAfterMs = performance.now() + 100;
  const sending = post(() => performance.now() < notAfterMs);
  // Nothing of this process runs, as when it is suspended; then the connection is there.
  while (performance.now() < notAfterMs + 50);
  await expect(sending).rejects.toBeInstanceOf(NotSentError);
  await sleep(50);
  expect(seen).toBe(0);
});

test('what is in time is sent, over the same connections', async () => {
  expect(await post(() => true)).toEqual({ status: 200, text: '{}' });
  expect(seen).toBe(1);
});
