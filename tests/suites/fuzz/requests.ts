import { breakBody, brokenBytes, NASTY_TEXTS } from './mutations.ts';
import type { Dice } from './random.ts';
import { type Document, type Operation, operationsOf, validValue } from './schema.ts';
import type { WireRequest } from './wire.ts';

/** Keys that must not work, or not here, beside those that do. */
export type Keys = {
  merchant: string;
  admin: string;
  narrow: string;
  revoked: string;
  expired: string;
};

export type BadRequest = { kind: string; operation: string } & (
  | { wire: WireRequest }
  | { bytes: string }
);

type Make = (context: Context) => BadRequest | undefined;
type Context = {
  document: Document;
  operations: Operation[];
  operation: Operation;
  keys: Keys;
  dice: Dice;
};

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
/** Nobody's: a well-formed id that finds nothing. */
const NO_ID = '00000000-0000-7000-8000-000000000000';

/** Makes one bad request after the other, each of another kind and for another operation. */
export function badRequests(document: Document, keys: Keys, dice: Dice): () => BadRequest {
  const operations = operationsOf(document);
  return () => {
    const [kind, make] = dice.pick(Object.entries(makers));
    for (;;) {
      const operation = dice.pick(operations);
      const made = make({ document, operations, operation, keys, dice });
      if (made !== undefined) return { ...made, kind };
    }
  };
}

const makers: Record<string, Make> = {
  body: (context) => {
    const { document, operation, dice } = context;
    if (operation.body === undefined || !operation.bodyRequired) return undefined;
    const good = asObject(validValue(document, operation.body, dice));
    const bad = breakBody(document, operation.body, good, dice);
    return call(context, { body: encode(JSON.stringify(bad)), type: 'application/json' });
  },
  'body again': (context) => makers['body']?.(context),
  'uncalled-for body': (context) => {
    const { operation, dice } = context;
    if (operation.body === undefined || operation.bodyRequired) return undefined;
    const body = dice.pick(['{"unknown":1}', '[]', '"x"', '1', '{']);
    return call(context, { body: encode(body), type: 'application/json' });
  },
  bytes: (context) => {
    const { document, operation, dice } = context;
    if (operation.body === undefined || !operation.bodyRequired) return undefined;
    const good = JSON.stringify(validValue(document, operation.body, dice));
    const { bytes, type } = brokenBytes(good, dice);
    return call(context, { body: bytes, type });
  },
  meaning: (context) => {
    const body = meaninglessBody(context);
    return body && call(context, { body: encode(JSON.stringify(body)), type: 'application/json' });
  },
  method: (context) => {
    const { operations, operation, dice } = context;
    const known = operations.filter(({ path }) => path === operation.path);
    const wrong = METHODS.filter((method) => known.every((each) => each.method !== method));
    return call(context, { method: dice.pick(wrong), ...goodBody(context) });
  },
  key: (context) => {
    const { operation, keys, dice } = context;
    if (!operation.guarded) return undefined;
    const { isAdmins, isMerchants } = operation;
    const { merchant: key } = keys;
    const headers = [
      null,
      '',
      'Bearer',
      'Bearer ',
      'Basic YTpi',
      key,
      `Bearer ${key}x`,
      `Bearer ${key.slice(0, -1)}`,
      `Bearer ${key.slice(0, 36)}${'A'.repeat(43)}`,
      `Bearer ${key} ${key}`,
      `Bearer ${key}\t`.replace('\t', '%00'),
      `Bearer qt_${'0'.repeat(32)}_${'A'.repeat(43)}`,
      `Bearer ${'x'.repeat(5_000)}`,
      'Bearer null',
      `Bearer ' OR '1'='1`,
      `Bearer ${keys.revoked}`,
      `Bearer ${keys.expired}`,
      ...(isAdmins ? [] : [`Bearer ${keys.admin}`]),
      ...(isMerchants ? [] : [`Bearer ${keys.merchant}`]),
      ...(operation.id === 'readCurrentApiKey' || operation.id === 'listAudit'
        ? []
        : [`Bearer ${keys.narrow}`]),
    ];
    return call(context, { authorization: dice.pick(headers), ...goodBody(context) });
  },
  path: (context) => {
    const { operation, dice } = context;
    const bad = dice.pick([
      ...NASTY_TEXTS.slice(0, -3)
        .filter((text) => text !== '' && text.isWellFormed())
        .map(encodeURIComponent),
      '%',
      '%zz',
      '%c3%28',
      '%ff',
      '%00',
      '%2e%2e%2f',
      `${NO_ID}%20`,
      'x'.repeat(3_000),
    ]);
    const path = /\{(id|orderId|currency)\}/.test(operation.path)
      ? operation.path.replace(/\{\w+\}/, bad)
      : `${operation.path}/${bad}`;
    return call(context, { path, ...goodBody(context) });
  },
  query: (context) => {
    const { operation, dice } = context;
    const names = operation.parameters.filter((each) => each.in === 'query').map((q) => q.name);
    if (names.length === 0) return undefined;
    const wrong: Record<string, readonly string[]> = {
      limit: ['0', '101', '-1', '1.5', 'x', 'NaN', '1&limit=2', '%00', '1e9'],
      starting_after: ['x', '', '1', '%00', '%27', NO_ID.slice(1), `${NO_ID}&starting_after=1`],
      status: ['x', '', 'pending', 'PENDING%00', 'PENDING&status=EXPIRED'],
      state: ['x', '', 'pending&state=failed'],
      external_id: ['', '%00', 'x'.repeat(201), 'a&external_id=b', '%1b'],
      rule: ['', '%00', 'x'.repeat(101), 'a&rule=b', '%1b'],
      subject_id: ['', '%00', 'x'.repeat(201), 'a&subject_id=b', '%1b'],
      type: ['', 'x', '%00', 'order.created%27', 'A.B'],
      as_of: ['', 'x', '2026-13-01T00:00:00Z', '2026-01-01', '1767225600', '%00'],
      unknown: ['1'],
      'constructor[prototype]': ['1'],
      __proto__x: ['1'],
    };
    const name = dice.pick([...names, 'unknown', 'constructor[prototype]', '__proto__x']);
    const value = dice.pick(wrong[name] ?? ['x']);
    return call(context, { query: `?${name}=${value}` });
  },
  idempotency: (context) => {
    if (context.operation.method !== 'POST') return undefined;
    const wrong = ['', 'x'.repeat(256), 'caf\u00e9', '\u00ff', 'a\tb', 'x'.repeat(4_000)];
    return call(context, {
      headers: { 'idempotency-key': context.dice.pick(wrong) },
      ...goodBody(context),
    });
  },
  raw: ({ dice, operation }) => ({
    kind: 'raw',
    operation: operation.id,
    bytes: dice.pick(RAW),
  }),
};

/** Well formed, and still not possible: what only the rules behind the schema refuse. */
function meaninglessBody({ operation, dice }: Context): Record<string, unknown> | undefined {
  const amounts = ['0', '0.001', '99999999999999', '1.234', '0.00', '9'.repeat(40)];
  const fair = { amount: '5.00', currency: 'EUR' };
  const orders = [
    { ...fair, currency: dice.pick(['XXX', 'ZZZ', 'AAA']) },
    { ...fair, amount: dice.pick(amounts) },
    { amount: dice.pick(['0.00000001', '21000001', '0']), currency: 'BTC' },
  ];
  const bodies: Record<string, Record<string, unknown>[]> = {
    createOrder: orders,
    classicCreatePayment: [{ merchantId: NO_ID, amount: '1', currency: 'EUR' }],
    createWebhookEndpoint: [
      { url: dice.pick(PRIVATE_URLS) },
      { url: 'https://shop.example/', eventTypes: ['order.never'] },
    ],
    addWallet: DESCRIPTORS.map((descriptor) => ({ descriptor })),
    createMerchant: DESCRIPTORS.map((descriptor) => ({ name: 'x', descriptor })),
    createApiKey: [{ name: 'x', scopes: ['orders:read'], expiresAt: '2001-01-01T00:00:00Z' }],
  };
  const choices = bodies[operation.id];
  return choices === undefined ? undefined : dice.pick(choices);
}

const PRIVATE_URLS = [
  'https://127.0.0.1/',
  'https://[::1]/',
  'https://10.0.0.1/',
  'https://169.254.169.254/latest',
  'https://2130706433/',
  'http://shop.example/',
  'https://user:pass@shop.example/',
  'https://localhost/',
];
const DESCRIPTORS = [
  'x',
  'wpkh()',
  'wpkh(xpub/0/*)',
  `wpkh(${'('.repeat(1_000)})`,
  'tr(02',
  `pkh(${'x'.repeat(3_000)})`,
  // BIP32 test vector 1: a private key.
  'xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi',
  'wpkh(xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8/<0;1>/*)',
];

const RAW = [
  'nonsense\r\n\r\n',
  'GET\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  'GET /v1/orders HTTP/1.1\r\n\r\n',
  'GET /v1/orders HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n',
  'GET /v1/orders HTTP/1.1\r\nhost: x\r\nx: \u0000\r\n\r\n',
  'get /v1/orders HTTP/1.1\r\nhost: x\r\n\r\n',
  'BREW /v1/orders HTTP/1.1\r\nhost: x\r\n\r\n',
  'POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
  'POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
  'POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc',
  'POST /v1/orders HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n',
  `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
  `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\nhost: x\r\n${'x: 1\r\n'.repeat(3_000)}\r\n`,
  'GET /v1/orders\u00ff HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET http://other.example/v1/orders HTTP/1.1\r\nhost: x\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
];

type Change = {
  method?: string;
  path?: string;
  query?: string;
  authorization?: string | null;
  headers?: Record<string, string>;
  body?: Uint8Array | undefined;
  type?: string | undefined;
};

/** A request that would be answered, but for the change. */
function call({ operation, keys }: Context, change: Change): BadRequest {
  const path = (change.path ?? operation.path)
    .replace(/\{(id|orderId)\}/, NO_ID)
    .replace('{currency}', 'EUR');
  const own = `Bearer ${operation.isMerchants ? keys.merchant : keys.admin}`;
  const authorization = change.authorization === undefined ? own : change.authorization;
  const headers: Record<string, string> = { ...change.headers };
  if (authorization !== null) headers['authorization'] = authorization;
  if (change.type !== undefined) headers['content-type'] = change.type;
  if (change.body !== undefined) headers['content-length'] = String(change.body.length);
  const method = change.method ?? operation.method;
  const wire = { method, path: path + (change.query ?? ''), headers, body: change.body };
  return { kind: '', operation: operation.id, wire };
}

function goodBody({ document, operation, dice }: Context): Pick<Change, 'body' | 'type'> {
  if (operation.body === undefined || !operation.bodyRequired) return {};
  const text = JSON.stringify(validValue(document, operation.body, dice));
  return { body: encode(text), type: 'application/json' };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
