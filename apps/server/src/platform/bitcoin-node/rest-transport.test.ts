import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createRestTransport, type RestTransport } from './rest-transport.ts';
import { createBitcoinRpc } from './rpc.ts';

let server: Server | undefined;
let transport: RestTransport | undefined;
const sockets = new Set<Socket>();
afterEach(() => {
  transport?.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

const settle = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));
const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** A server that hands every request's path to the test. */
async function serve(
  onRequest: (path: string, socket: Socket) => void,
  options: { connections?: number; keepAliveMs?: number } = {},
) {
  let connections = 0;
  server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      onRequest(/^GET (\S+) HTTP\/1\.1\r\n/.exec(data.toString())?.[1] ?? '', socket);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const origin = `http://127.0.0.1:${port}`;
  const made = createRestTransport({
    origin,
    connections: options.connections ?? 2,
    connectTimeoutMs: 1_000,
    keepAliveMs: options.keepAliveMs ?? 1_000,
  });
  transport = made;
  const get = async (
    path: string,
    signal = AbortSignal.timeout(2_000),
    room?: () => Uint8Array,
  ) => {
    const { bytes } = await made.send({ path, authorization: 'Basic dTpw', signal, room });
    return Buffer.from(bytes).toString();
  };
  return { origin, get, opened: () => connections };
}

test('requests one after the other share a connection', async () => {
  const { get, opened } = await serve((path, socket) => socket.write(answer(path)));
  for (const path of ['/a', '/b', '/c']) expect(await get(path)).toBe(path);
  expect(opened()).toBe(1);
});

test('many requests at once use no more connections than allowed, and each gets its answer', async () => {
  const { get, opened } = await serve((path, socket) => {
    setTimeout(() => socket.write(answer(path)), Math.random() * 5);
  });
  const paths = Array.from({ length: 40 }, (_, i) => `/${i}`);
  expect(await Promise.all(paths.map((path) => get(path)))).toEqual(paths);
  expect(opened()).toBe(2);
});

test('a request on a connection that was closed in the meantime is sent again on a fresh one', async () => {
  let first = true;
  const { get, opened } = await serve((path, socket) => {
    if (path === '/b' && first) {
      first = false;
      socket.destroy();
    } else socket.write(answer(path));
  });
  expect(await get('/a')).toBe('/a');
  expect(await get('/b')).toBe('/b');
  expect(opened()).toBe(2);
});

test('a fresh connection that is closed without an answer is a failure, not a loop', async () => {
  const { get, opened } = await serve((_path, socket) => socket.destroy());
  await expect(get('/a')).rejects.toThrow();
  expect(opened()).toBe(1);
});

test('an answer that is cut is a failure and is not asked for again', async () => {
  const asked: string[] = [];
  const { get } = await serve((path, socket) => {
    asked.push(path);
    if (path === '/a') socket.write(answer(path));
    else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  });
  await get('/a');
  await expect(get('/b')).rejects.toThrow('within an answer');
  expect(asked).toEqual(['/a', '/b']);
});

test('a connection whose answer says that it is closed is not used again', async () => {
  const { get, opened } = await serve((path, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n${path}`);
  });
  expect(await get('/a')).toBe('/a');
  expect(await get('/b')).toBe('/b');
  expect(opened()).toBe(2);
});

test('an idle connection is closed after a while', async () => {
  const { get, opened } = await serve((path, socket) => socket.write(answer(path)), {
    keepAliveMs: 20,
  });
  await get('/a');
  const [socket] = sockets;
  await new Promise((resolve) => socket?.once('close', resolve));
  expect(await get('/b')).toBe('/b');
  expect(opened()).toBe(2);
});

test('who gives up, waiting or asking, is told at once; its memory is not written to any more', async () => {
  const held: Socket[] = [];
  const { get } = await serve(
    (path, socket) => {
      if (path === '/slow') held.push(socket);
      else socket.write(answer(path));
    },
    { connections: 1 },
  );
  const room = new Uint8Array(5);
  const asking = get('/slow', AbortSignal.timeout(50), () => room);
  const waiting = get('/waits', AbortSignal.timeout(20));
  const next = get('/next');
  await settle(5);
  held[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab');
  await expect(waiting).rejects.toThrow('timeout');
  await expect(asking).rejects.toThrow('timeout');
  held[0]?.write('cde');
  expect(await next).toBe('/next');
  await settle();
  expect([...room]).toEqual([97, 98, 0, 0, 0]);
});

test('closing ends what is under way and refuses what comes after', async () => {
  const { get, opened } = await serve(() => {});
  const asking = ['/a', '/b', '/waits'].map((path) => get(path));
  const outcomes = Promise.allSettled(asking);
  await settle();
  transport?.close();
  expect((await outcomes).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
  await expect(get('/late')).rejects.toThrow('closed');
  expect(opened()).toBe(2);
});

test('a path can not smuggle in a second request', async () => {
  const { get, opened } = await serve((path, socket) => socket.write(answer(path)));
  await expect(get('/a HTTP/1.1\r\n\r\nGET /b')).rejects.toThrow('path');
  expect(opened()).toBe(0);
});

test('an answer in chunks is read all the same', async () => {
  const { origin } = await serve((_path, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
  });
  const rpc = createBitcoinRpc({ url: origin, user: 'u', password: 'p' });
  for (let i = 0; i < 2; i++) {
    expect(Buffer.from(await rpc.fetchBytes('/rest/x')).toString()).toBe('abc');
  }
  await rpc.close();
});

test('an answer that is none is malformed to the caller', async () => {
  const { origin } = await serve((_path, socket) => socket.write('hello\r\n\r\n'));
  const rpc = createBitcoinRpc({ url: origin, user: 'u', password: 'p' });
  await expect(rpc.fetchBytes('/rest/x')).rejects.toMatchObject({ kind: 'malformed' });
  await rpc.close();
});

test('the name localhost is found whichever address the server listens on', async () => {
  const { origin } = await serve((path, socket) => socket.write(answer(path)));
  const url = origin.replace('127.0.0.1', 'localhost');
  const rpc = createBitcoinRpc({ url, user: 'u', password: 'p' });
  expect(Buffer.from(await rpc.fetchBytes('/rest/x')).toString()).toBe('/rest/x');
  await rpc.close();
});

/** A node that answers calls with their method, in the form that `write` gives; and what it was sent. */
async function answerCalls(write: (socket: Socket, body: string, nth: number) => void) {
  const calls: { head: string; method: string }[] = [];
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let received = '';
    socket.on('data', (data) => {
      received += data.toString();
      // The end of the one call that is asked at a time; another client may send its head alone first.
      const [head = '', body = ''] = received.split('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(head)?.[1] ?? '0';
      if (body.length < Number(length) || head === '') return;
      received = '';
      const { id, method } = JSON.parse(body);
      calls.push({ head, method });
      write(socket, JSON.stringify({ jsonrpc: '2.0', id, result: method }), calls.length);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const rpc = createBitcoinRpc({ url: `http://127.0.0.1:${port}`, user: 'u', password: 'p' });
  return { rpc, calls };
}

test('calls go the short way once the node has announced the length of an answer', async () => {
  const { rpc, calls } = await answerCalls((socket, body) => socket.write(answer(body)));
  for (const method of ['first', 'second', 'third']) expect(await rpc.call(method)).toBe(method);
  expect(calls.map(({ method }) => method)).toEqual(['first', 'second', 'third']);
  // How the short way writes it, and whose answer it waits for.
  expect(calls[1]?.head).toMatch(/^POST \/ HTTP\/1\.1\r\nHost: /);
  expect(calls[1]?.head).toContain('Content-Type: application/json\r\n');
  await rpc.close();
});

test('a call whose connection ends without an answer is not sent again', async () => {
  const { rpc, calls } = await answerCalls((socket, body, nth) => {
    if (nth === 3) socket.destroy();
    else socket.write(answer(body));
  });
  expect([await rpc.call('a'), await rpc.call('b')]).toEqual(['a', 'b']);
  await expect(rpc.call('sendrawtransaction')).rejects.toMatchObject({ kind: 'unreachable' });
  expect(calls.map(({ method }) => method)).toEqual(['a', 'b', 'sendrawtransaction']);
  expect(await rpc.call('c')).toBe('c');
  await rpc.close();
});

test('where answers begin to come in chunks a call is not sent again, and the next ones are read', async () => {
  const { rpc, calls } = await answerCalls((socket, body, nth) => {
    const size = body.length.toString(16);
    const chunks = `${size}\r\n${body}\r\n0\r\n\r\n`;
    if (nth < 3) socket.write(answer(body));
    else socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
  });
  expect([await rpc.call('a'), await rpc.call('b')]).toEqual(['a', 'b']);
  await expect(rpc.call('sendrawtransaction')).rejects.toMatchObject({ kind: 'malformed' });
  expect(await rpc.call('c')).toBe('c');
  expect(calls.map(({ method }) => method)).toEqual(['a', 'b', 'sendrawtransaction', 'c']);
  await rpc.close();
});
