import { connect } from 'node:net';
import { errorTable, instanceScope, problemSchema, uuidText } from '@quittance/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { answers, buildHttp, type Caller, type Http, needs, open } from './index.ts';

const caller: Caller = {
  keyId: '0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c4',
  merchantId: '0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c5',
  scopes: ['orders:read'],
};
const logged: Record<string, unknown>[] = [];
let http: Http;
let port: number;

async function build(limits = {}): Promise<Http> {
  const made = await buildHttp({
    authenticate: (token) => (token === 'qt_good' ? caller : async () => undefined),
    log: { error: (details) => logged.push(details) },
    version: '0.0.0',
    publicUrl: 'https://pay.example',
    limits,
    instanceTag: 'test',
    checkAnswers: true,
  });
  const body = z.strictObject({ name: z.string().max(10), count: z.int().optional() });
  made.app.post(
    '/v1/things',
    { config: { ...open, idempotency: 'none' }, schema: { body, response: answers(200, body) } },
    async (request) => request.body,
  );
  made.app.post(
    '/exact',
    {
      config: { ...open, idempotency: 'none', exactNumbers: true },
      schema: { body: z.strictObject({ amount: z.string() }) },
    },
    async (request) => request.body,
  );
  made.app.get(
    '/v1/things/:id',
    { config: needs('orders:read'), schema: { params: z.strictObject({ id: uuidText }) } },
    async (request) => ({ id: request.params.id }),
  );
  made.app.get('/v1/settings', { config: needs('settings:write') }, async () => ({}));
  made.app.get('/v1/instance', { config: needs(instanceScope) }, async () => ({}));
  made.app.get('/v1/broken', { config: open }, async () => {
    throw new Error('the password is hunter2');
  });
  return made;
}

beforeAll(async () => {
  http = await build();
  port = await http.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => http.close());

async function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = '/v1/things',
) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { response, body: JSON.parse(await response.text()) };
}

async function expectProblem(response: Response, status: number, code: string) {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = problemSchema.parse(await response.json());
  expect({ status: response.status, code: problem.code }).toEqual({ status, code });
  expect(Object.keys(errorTable)).toContain(problem.code);
  expect(problem.status).toBe(status);
  return problem;
}

const send = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
const json = { 'content-type': 'application/json' };

test.each([
  ['broken JSON', '{"name":', 'invalid_request'],
  ['no body', '', 'invalid_request'],
  ['an array', '[]', 'invalid_request'],
  ['null', 'null', 'invalid_request'],
  ['an unknown field', '{"name":"a","x":1}', 'invalid_request'],
  ['a wrong type', '{"name":1}', 'invalid_request'],
  ['NUL in text', '{"name":"a\\u0000"}', 'invalid_request'],
  ['half of a surrogate pair', '{"name":"\\ud800"}', 'invalid_request'],
  ['a prototype', '{"name":"a","__proto__":{}}', 'invalid_request'],
  ['an escaped prototype', '{"name":"a","\\u005f_proto__":{}}', 'invalid_request'],
  ['an infinite number', '{"name":"a","count":1e999}', 'invalid_request'],
  ['a number beyond exact integers', '{"name":"a","count":90071992547409930}', 'invalid_request'],
  ['nesting without end', '['.repeat(100_000), 'invalid_request'],
])('a body with %s is refused with 400 and says so', async (_name, body, code) => {
  const response = await send('/v1/things', { method: 'POST', body, headers: json });
  await expectProblem(response, 400, code);
});

test('each wrong field is named by its JSON pointer', async () => {
  const { body } = await post('{"name":"far too long","count":1.5,"x/y":1}');
  expect(body.fields.map((field: { pointer: string }) => field.pointer).sort()).toEqual([
    '/count',
    '/name',
    '/x~1y',
  ]);
  expect((await post('{}')).body.fields).toEqual([{ pointer: '/name', detail: 'is needed' }]);
});

test('bytes that are not UTF-8 are refused, never replaced', async () => {
  const body = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
  expect((await post(body)).response.status).toBe(400);
});

test('other content types get 415, bodies beyond the limit 413', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const wrongType = await send('/v1/things', { method: 'POST', body: 'name=a', headers: form });
  await expectProblem(wrongType, 415, 'unsupported_media_type');
  const long = `{"name":"${'a'.repeat(300_000)}"}`;
  const tooLarge = await send('/v1/things', { method: 'POST', body: long, headers: json });
  await expectProblem(tooLarge, 413, 'payload_too_large');
});

test('float-money: a number in an exact body arrives as its source text', async () => {
  for (const text of ['0.29', '0.1', '12345678901234567890.123456789', '1e3']) {
    const { body } = await post(`{"amount":${text}}`, {}, '/exact');
    expect(body.amount).toBe(text);
  }
});

test('unknown paths get 404, known ones with another method 405 with Allow', async () => {
  await expectProblem(await send('/nothing'), 404, 'not_found');
  const response = await send('/v1/things', { method: 'DELETE' });
  expect(response.headers.get('allow')).toBe('POST');
  await expectProblem(response, 405, 'method_not_allowed');
});

test('bad percent-encoding and over-long ids get a 4xx', async () => {
  const auth = { authorization: 'Bearer qt_good' };
  for (const path of ['/v1/things/%zz', '/v1/things/%', `/v1/things/${'a'.repeat(300)}`]) {
    const response = await send(path, { headers: auth });
    expect(response.status, path).toBeGreaterThanOrEqual(400);
    expect(response.status, path).toBeLessThan(500);
    problemSchema.parse(await response.json());
  }
  await expectProblem(await send('/v1/things/%00', { headers: auth }), 400, 'invalid_request');
});

test('bytes that are no HTTP request get a problem too', async () => {
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('nonsense\r\n\r\n'));
    let received = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
  expect(text).toContain('application/problem+json');
});

test('a key is needed, must be right and must have the scope', async () => {
  const path = '/v1/things/0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c4';
  const none = await send(path);
  expect(none.headers.get('www-authenticate')).toBe('Bearer');
  await expectProblem(none, 401, 'unauthorized');
  for (const authorization of [
    'Basic abc',
    'Bearer',
    'Bearer qt_wrong',
    'Bearer a b',
    'x'.repeat(999),
  ]) {
    await expectProblem(await send(path, { headers: { authorization } }), 401, 'unauthorized');
  }
  const authorization = 'Bearer qt_good';
  expect((await send(path, { headers: { authorization } })).status).toBe(200);
  for (const other of ['/v1/settings', '/v1/instance']) {
    await expectProblem(await send(other, { headers: { authorization } }), 403, 'forbidden');
  }
});

test('an error of our own is logged with the request id and shown without detail', async () => {
  const response = await send('/v1/broken');
  const problem = await expectProblem(response, 500, 'internal');
  expect(JSON.stringify(problem)).not.toContain('hunter2');
  expect(response.headers.get('x-request-id')).toBe(problem.requestId);
  expect(logged.at(-1)).toMatchObject({ requestId: problem.requestId });
});

test('every answer carries the security headers', async () => {
  for (const path of ['/nothing', '/v1/broken', '/v1/openapi.json']) {
    const { headers } = await send(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('strict-transport-security')).not.toBeNull();
  }
});

test('the documentation page works from this server alone', async () => {
  const page = await send('/docs/');
  expect(page.status).toBe(200);
  const html = await page.text();
  expect(html).not.toMatch(/(src|href)="https?:/);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  for (const [, link] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    const file = await send(new URL(link ?? '', 'http://x/docs/').pathname);
    expect(file.status, link).toBe(200);
    await file.bytes();
  }
});

test('routes without access or idempotency stop the start', async () => {
  const made = await build();
  expect(() => made.app.get('/unguarded', async () => ({}))).toThrow('who may call it');
  expect(() => made.app.post('/forgetful', { config: open }, async () => ({}))).toThrow(
    'Idempotency-Key',
  );
  await made.close();
});

test('beyond a limit the answer is 429 with Retry-After, for that key or address only', async () => {
  const made = await build({ public: 3, wrongKey: 2 });
  const call = (url: string, headers = {}) => made.app.inject({ url, headers });
  for (let i = 0; i < 3; i++) expect((await call('/v1/broken')).statusCode).toBe(500);
  const limited = await call('/v1/broken');
  expect(limited.statusCode).toBe(429);
  expect(limited.json().code).toBe('rate_limited');
  expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
  const path = '/v1/things/0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c4';
  const codes: number[] = [];
  for (let i = 0; i < 4; i++) {
    codes.push((await call(path, { authorization: 'Bearer qt_wrong' })).statusCode);
  }
  expect(codes).toEqual([401, 401, 429, 429]);
  expect((await call(path, { authorization: 'Bearer qt_good' })).statusCode).toBe(200);
  await made.close();
});
