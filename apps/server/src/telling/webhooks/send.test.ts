import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { openSender } from './send.ts';
import { localPolicy, startReceiver } from './test-support.ts';

const message = { headers: { 'webhook-id': '1' }, body: '{}' };
const timeouts = { connectMs: 300, headersMs: 300, bodyMs: 300, totalMs: 600 };

async function sendTo(url: string) {
  const sender = openSender({ policy: localPolicy, timeouts });
  const began = performance.now();
  const attempt = await sender.send(url, message);
  await sender.close();
  return { ...attempt, tookMs: performance.now() - began };
}

async function rawServer(onData: (write: (text: string) => void) => void) {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => onData((text) => socket.writable && socket.write(text)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

test('a redirect is a failure and is not followed', async () => {
  const target = await startReceiver();
  const receiver = await startReceiver((response) =>
    response.writeHead(307, { location: target.url }).end(),
  );
  const attempt = await sendTo(receiver.url);
  expect(attempt).toMatchObject({ ok: false, status: 307, error: 'redirects are not followed' });
  expect(target.received).toEqual([]);
  await Promise.all([target.close(), receiver.close()]);
});

test('an endless answer is cut, and its status counts', async () => {
  let written = 0;
  const receiver = await startReceiver((response) => {
    const pump = () => {
      while (response.writable && written < 50_000_000) {
        written += 65_536;
        if (!response.write('x'.repeat(65_536))) break;
      }
    };
    response.on('drain', pump);
    pump();
  });
  const attempt = await sendTo(receiver.url);
  expect(attempt).toMatchObject({ ok: true, status: 200 });
  expect(attempt.response?.length).toBe(1_024);
  expect(written).toBeLessThan(20_000_000);
  await receiver.close();
});

test('silence, a dripping header and a refused connection all end in bounded time', async () => {
  const silent = await rawServer(() => {});
  const dripping = await rawServer((write) => {
    write('HTTP/1.1 200 OK\r\n');
    const drip = setInterval(() => write('x'), 50);
    setTimeout(() => clearInterval(drip), 2_000);
  });
  for (const { url, server } of [silent, dripping]) {
    const attempt = await sendTo(url);
    expect(attempt).toMatchObject({ ok: false, status: null });
    expect(attempt.error).toMatch(/no answer within/);
    expect(attempt.tookMs).toBeLessThan(2_500);
    server.close();
  }
  const refused = await sendTo('http://127.0.0.1:1/');
  expect(refused).toMatchObject({ ok: false, status: null });
  expect(refused.error).toMatch(/ECONNREFUSED/);
});
