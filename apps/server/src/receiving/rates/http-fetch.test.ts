import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { createHttpFetch, type FetchOptions } from './http-fetch.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

function get(url: string, options: Partial<FetchOptions> = {}) {
  const http = createHttpFetch();
  closers.push(http.close);
  return http.fetchText(url, { timeoutMs: 5_000, maxBytes: 1_000, ...options });
}

test('status and body arrive as they were sent, and the request says who asks', async () => {
  const url = await serve((request, response) => {
    response.statusCode = 418;
    response.end(`${request.headers['user-agent']} ${request.headers.accept} é`);
  });
  const answer = await get(url, { headers: { accept: 'application/json' } });
  expect(answer).toEqual({ status: 418, body: 'quittance application/json é' });
});

test('a redirect is an answer like any other: it is not followed', async () => {
  let followed = 0;
  const elsewhere = await serve((_, response) => {
    followed += 1;
    response.end('{"bid":"1"}');
  });
  const url = await serve((_, response) => {
    response.writeHead(302, { location: elsewhere }).end();
  });
  expect(await get(url)).toEqual({ status: 302, body: '' });
  expect(followed).toBe(0);
});

test('a server that never answers is given up in time', async () => {
  const url = await serve(() => {});
  await expect(get(url, { timeoutMs: 50 })).rejects.toThrow('no answer within 50 ms');
});

test('a server that drips its body is given up in time: the limit is for the whole', async () => {
  const url = await serve((_, response) => {
    const drip = setInterval(() => response.write('x'), 10);
    response.on('close', () => clearInterval(drip));
  });
  await expect(get(url, { timeoutMs: 100 })).rejects.toThrow('no answer within 100 ms');
});

test('a body is read up to the limit and refused beyond it, however it is announced', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/announced') response.setHeader('content-length', 5_000_000);
    response.write('x'.repeat(request.url === '/fits' ? 1_000 : 1_001));
    // An endless answer: only the reader ends it.
    if (request.url === '/fits') response.end();
  });
  expect((await get(`${url}/fits`)).body.length).toBe(1_000);
  await expect(get(url)).rejects.toThrow('the answer is larger than 1000 bytes');
  await expect(get(`${url}/announced`)).rejects.toThrow('larger than 1000 bytes');
});

test('a body cut short, bytes that are no text and a closed port are failures with a reason', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/text') response.end(Buffer.from([0xff, 0xfe, 0x00]));
    else {
      response.setHeader('content-length', 100);
      response.write('{"bid":"60000');
      setTimeout(() => response.destroy(), 20);
    }
  });
  await expect(get(`${url}/text`)).rejects.toThrow('not UTF-8');
  await expect(get(url)).rejects.toThrow('could not be reached');
  const gone = await serve(() => {});
  await closers.pop()?.();
  await expect(get(gone)).rejects.toThrow('could not be reached (ECONNREFUSED)');
});

test('a stop ends what is under way', async () => {
  const url = await serve(() => {});
  const stop = new AbortController();
  const answer = get(url, { signal: stop.signal });
  stop.abort();
  await expect(answer).rejects.toThrow('stopped');
});
