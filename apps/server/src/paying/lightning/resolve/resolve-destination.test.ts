import { decodeBolt11, encodeBolt11, encodeLnurl } from '@quittance/bitcoin';
import { fromHex } from '@quittance/kernel';
import { afterAll, afterEach, expect, test } from 'vitest';
import {
  type OutboundReader,
  openOutboundReader,
  type UrlPolicy,
} from '../../../platform/outbound/index.ts';
import { type Resolved, type ResolveRequest, resolveDestination } from './resolve-destination.ts';
import {
  type Answer,
  answering,
  INNER_HOST,
  invoiceFor,
  makeCertificate,
  NOW_MS,
  OPEN_HOST,
  payRequest,
  type Service,
  startService,
  testReader,
  type Tls,
} from './service.test-support.ts';

const AMOUNT = 50_000n;
const honest = answering(payRequest, (amount) => ({ pr: invoiceFor(amount), routes: [] }));

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

async function serve(answer: Answer, tls?: Tls): Promise<Service> {
  const service = await startService(answer, tls);
  opened.push(service);
  return service;
}

function reader(options?: Parameters<typeof testReader>[0]): OutboundReader {
  const made = testReader(options);
  opened.push(made);
  return made;
}

const asked = { amountMsat: AMOUNT, network: 'regtest', nowMs: NOW_MS } as const;

async function resolveAt(
  service: Pick<Service, 'port'>,
  more: Partial<ResolveRequest> = {},
  through = reader(),
) {
  const host = `${OPEN_HOST}:${service.port}`;
  return await resolveDestination(
    { reader: through, plainHttpHosts: [OPEN_HOST] },
    { destination: `alice@${host}`, ...asked, ...more },
  );
}

/** What the destination came to: "ok", or the failure's code. */
async function outcome(answer: Answer, more: Partial<ResolveRequest> = {}) {
  const resolved = await resolveAt(await serve(answer), more);
  return resolved.ok ? 'ok' : resolved.failure;
}

test('a Lightning address gives a fresh invoice for exactly the amount, and says whose it is', async () => {
  const service = await serve(honest);
  const resolved = await resolveAt(service);
  expect(resolved).toEqual({
    ok: true,
    bolt11: invoiceFor(AMOUNT),
    invoice: expect.objectContaining({ amountMsat: AMOUNT, network: 'regtest' }),
    amountMsat: AMOUNT,
    source: 'address',
    domain: `${OPEN_HOST}:${service.port}`,
    description: 'For Alice',
    identifier: 'alice@shop.example',
    comment: 'none',
    successAction: null,
  } satisfies Record<keyof Resolved, unknown>);
  expect(service.asked).toEqual(['/.well-known/lnurlp/alice', '/callback?id=1&amount=50000']);
});

test('an LNURL in each of its forms leads to the same', async () => {
  const service = await serve(honest);
  const lnurl = encodeLnurl(`http://${OPEN_HOST}:${service.port}/pay?a=1#part`);
  const inside = `http://${OPEN_HOST}:${service.port}/pay?a=1`;
  for (const destination of [lnurl, lnurl.toUpperCase(), `lightning:${lnurl}`, inside]) {
    const resolved = await resolveAt(service, { destination });
    expect(resolved).toMatchObject({ ok: true, source: 'lnurl', bolt11: invoiceFor(AMOUNT) });
  }
  expect(service.asked[0]).toBe('/pay?a=1');
});

test('a given invoice is checked and nobody is asked', async () => {
  const resolve = (destination: string, more: Partial<ResolveRequest> = {}) =>
    resolveAt({ port: 1 }, { destination, ...more });
  const given = invoiceFor(AMOUNT);
  expect(await resolve(`lightning:${given.toUpperCase()}`)).toMatchObject({
    ok: true,
    bolt11: given,
    source: 'invoice',
    domain: null,
  });
  expect(await resolve(invoiceFor(null))).toMatchObject({ ok: true, amountMsat: AMOUNT });
  const failing: [string, Partial<ResolveRequest>, object][] = [
    [invoiceFor(AMOUNT - 1n), {}, { code: 'amount_differs', failureClass: 'amount_out_of_range' }],
    [given, { network: 'mainnet' }, { code: 'wrong_network', failureClass: 'wrong_network' }],
    [given, { nowMs: NOW_MS + 600_000 }, { code: 'invoice_expired', failureClass: 'expired' }],
    [given, { nowMs: NOW_MS + 570_000 }, { code: 'invoice_expired', retryable: false }],
    [given.replace('lnbcrt', 'lnbc'), {}, { code: 'unreadable_invoice', failureClass: 'invalid' }],
    ['nonsense', {}, { code: 'not_a_destination', failureClass: 'invalid' }],
    ['lnurlw://shop.example/take', {}, { code: 'not_a_destination' }],
    [`02${'ee'.repeat(31)}19`, {}, { failureClass: 'invalid' }],
    [
      'lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese',
      {},
      { code: 'not_resolvable' },
    ],
  ];
  for (const [destination, more, failure] of failing) {
    const refused = await resolve(destination, more);
    expect(refused).toMatchObject({ ok: false, failure: { ...failure, domain: null } });
  }
  const lasting = await resolve(given, { nowMs: NOW_MS + 570_000, minRemainingMs: 10_000 });
  expect(lasting.ok).toBe(true);
});

test('the invoice may be signed by any node: an address names none, so the result does', async () => {
  const other = fromHex('42'.repeat(32));
  const swapped = encodeBolt11(
    {
      network: 'regtest',
      amountMsat: AMOUNT,
      createdAtMs: NOW_MS,
      paymentHash: '00'.repeat(32),
      paymentSecret: '11'.repeat(32),
      description: 'anything',
    },
    other,
  );
  const resolved = await resolveAt(await serve(answering(payRequest, () => ({ pr: swapped }))));
  const decoded = decodeBolt11(swapped);
  expect(resolved).toMatchObject({
    ok: true,
    invoice: { payee: decoded.ok && decoded.invoice.payee },
  });
});

const privateWays: [what: string, to: (port: number) => string][] = [
  ['a literal private address', (port) => `http://127.0.0.1:${port}/`],
  ['the metadata service of a cloud', () => 'http://169.254.169.254/latest/'],
  ['an IPv6 form of a private address', (port) => `http://[::ffff:127.0.0.1]:${port}/`],
  ['a name that resolves to a private address', (port) => `http://${INNER_HOST}:${port}/`],
  ['another scheme', () => 'file:///etc/passwd'],
  ['nothing that is an address', () => 'http://'],
];

test.each(privateWays)('a redirect to %s is refused, and nobody there is asked', async (_, to) => {
  const inner = await serve((_request, response) => response.end('{}'));
  const service = await serve((_request, response) => {
    response.writeHead(302, { location: to(inner.port) }).end();
  });
  const refused = await resolveAt(service);
  expect(refused).toMatchObject({
    failure: { code: 'address_refused', failureClass: 'not_resolved', retryable: false },
  });
  expect(inner.asked).toEqual([]);
});

test.each(privateWays)('a callback to %s is refused, and nobody there is asked', async (_, to) => {
  const inner = await serve((_request, response) => response.end('{}'));
  const first = (port: number) => payRequest(port, { callback: to(inner.port) });
  const failure = await outcome(answering(first, () => ({})));
  expect(['address_refused', 'bad_answer']).toContain((failure as { code: string }).code);
  expect(inner.asked).toEqual([]);
});

test('an address whose name resolves into the private network is refused, however it is written', async () => {
  const inner = await serve(honest);
  const closed: UrlPolicy = { allowInsecureHttp: true };
  for (const destination of [
    `alice@${INNER_HOST}:${inner.port}`,
    `alice@127.0.0.1:${inner.port}`,
    `alice@localhost:${inner.port}`,
    `lnurlp://${INNER_HOST}:${inner.port}/pay`,
    `lnurlp://2130706433:${inner.port}/pay`,
    encodeLnurl(`http://0x7f.1:${inner.port}/pay`),
  ]) {
    const through = reader({ policy: closed });
    const refused = await resolveAt(inner, { destination }, through);
    expect([destination, refused]).toMatchObject([
      destination,
      { ok: false, failure: { code: 'address_refused', retryable: false } },
    ]);
  }
  expect(inner.asked).toEqual([]);
});

test('plain http is refused unless a setting allows it', async () => {
  const service = await serve(honest);
  const through = reader({ policy: { privateHosts: [OPEN_HOST] } });
  const destination = encodeLnurl(`http://${OPEN_HOST}:${service.port}/pay`);
  const refused = await resolveAt(service, { destination }, through);
  expect(refused).toMatchObject({ failure: { code: 'address_refused' } });
  expect(service.asked).toEqual([]);
});

test('two redirects are followed, and a third is not', async () => {
  const hops = (count: number): Answer => {
    return (request, response) => {
      const at = Number(/\/hop\/(\d)/.exec(request.url ?? '')?.[1] ?? '0');
      if (request.url?.startsWith('/callback') === true || at >= count) honest(request, response);
      else response.writeHead(307, { location: `/hop/${at + 1}#x` }).end('moved');
    };
  };
  expect(await outcome(hops(2))).toBe('ok');
  expect(await outcome(hops(3))).toMatchObject({ code: 'too_many_redirects' });
});

const certificate = makeCertificate();
test.skipIf(certificate === null)(
  'https: the certificate counts, and a redirect may not leave it',
  async () => {
    if (certificate === null) return;
    const policy: UrlPolicy = { privateHosts: [OPEN_HOST], allowInsecureHttp: true };
    const secure = answering(
      (port) => payRequest(port, { callback: `https://${OPEN_HOST}:${port}/callback` }),
      (amount) => ({ pr: invoiceFor(amount) }),
    );
    const service = await serve(secure, certificate);
    const ask = (port: number, through: OutboundReader) =>
      resolveDestination(
        { reader: through },
        { destination: `alice@${OPEN_HOST}:${port}`, ...asked },
      );
    const trusting = reader({ policy, ca: certificate.cert });
    expect(await ask(service.port, trusting)).toMatchObject({ ok: true });
    const distrusting = await ask(service.port, reader({ policy }));
    expect(distrusting).toMatchObject({ failure: { code: 'tls', failureClass: 'not_resolved' } });

    const plain = await serve(honest);
    const leaving = await serve((_request, response) => {
      response.writeHead(302, { location: `http://${OPEN_HOST}:${plain.port}/` }).end();
    }, certificate);
    const left = await ask(leaving.port, trusting);
    expect(left).toMatchObject({ failure: { code: 'address_refused' } });
    expect(plain.asked).toEqual([]);
  },
);
afterAll(() => {
  if (certificate === null) console.warn('skipped the https test: there is no openssl here');
});

const listening = (write: (response: Parameters<Answer>[1]) => void): Answer => {
  return (_request, response) => write(response);
};
const drip = (response: Parameters<Answer>[1]) => {
  response.write('{"tag":"');
  const timer = setInterval(() => response.write('x'), 40);
  response.on('close', () => clearInterval(timer));
};

const hostile: [what: string, answer: Answer, failure: object][] = [
  ['hangs up', listening((response) => response.destroy()), { code: 'unreachable' }],
  ['says nothing', listening(() => {}), { code: 'timeout' }],
  ['drips a byte at a time', listening(drip), { code: 'timeout', retryable: true }],
  [
    'answers 10 megabytes',
    listening((response) => response.end('x'.repeat(10_000_000))),
    { code: 'too_large', retryable: false },
  ],
  [
    'answers with a page',
    listening((response) => response.end('<!doctype html><h1>Hello</h1>')),
    { code: 'bad_answer', retryable: false },
  ],
  [
    'answers with half of a JSON object',
    listening((response) => response.end('{"tag": "payRequest", ')),
    { code: 'bad_answer' },
  ],
  [
    'answers with a JSON array',
    listening((response) => response.end('[]')),
    { code: 'bad_answer' },
  ],
  ['answers nothing', listening((response) => response.end()), { code: 'bad_answer' }],
  [
    'has an outage',
    listening((response) => response.writeHead(503).end('Service Unavailable')),
    { code: 'server_error', retryable: true },
  ],
  [
    'does not know the user',
    listening((response) => response.writeHead(404).end('Not Found')),
    { code: 'unknown_user', retryable: false },
  ],
  [
    'refuses with a reason',
    listening((response) =>
      response.writeHead(400).end('{"status":"ERROR","reason":"too\\nmany \\u202epayments"}'),
    ),
    {
      code: 'service_refused',
      retryable: true,
      sentence: expect.stringContaining('refused: "too many payments"'),
    },
  ],
  [
    'wants to be paid out of',
    answering(
      () => ({ tag: 'withdrawRequest' }),
      () => ({}),
    ),
    { code: 'not_for_paying' },
  ],
];

const firstAnswers: [what: string, more: object, code: string][] = [
  ['takes less than it is to get', { maxSendable: 49_999 }, 'amount_out_of_range'],
  ['takes more than it is to get', { minSendable: 50_001 }, 'amount_out_of_range'],
  ['takes from 2 to 1', { minSendable: 2, maxSendable: 1 }, 'bad_answer'],
  ['takes half a millisatoshi', { minSendable: 0.5 }, 'bad_answer'],
  ['takes nothing', { minSendable: 0 }, 'bad_answer'],
  ['takes negative amounts', { minSendable: -5 }, 'bad_answer'],
  ['writes amounts as text', { minSendable: '1000' }, 'bad_answer'],
  ['has no metadata', { metadata: undefined }, 'bad_answer'],
  ['has metadata that are no JSON', { metadata: 'For Alice' }, 'bad_answer'],
  ['has metadata that are an object', { metadata: '{"text/plain":"a"}' }, 'bad_answer'],
  ['has metadata without a text', { metadata: '[["text/identifier","a@b.c"]]' }, 'bad_answer'],
  [
    'has two texts in its metadata',
    { metadata: '[["text/plain","a"],["text/plain","b"],["text/email","a@b.c"]]' },
    'bad_answer',
  ],
  ['does not name the address', { metadata: '[["text/plain","a"]]' }, 'bad_answer'],
  ['has no callback', { callback: undefined }, 'bad_answer'],
  ['has a callback that is no address', { callback: 'callback' }, 'bad_answer'],
  ['sets the amount itself', { callback: 'http://shop.example/?amount=1' }, 'bad_answer'],
  ['wants to know the payer', { payerData: { name: { mandatory: true } } }, 'payer_data_required'],
];

const secondAnswers: [what: string, second: (amount: bigint) => object, failure: object][] = [
  ['gives no invoice', () => ({ routes: [] }), { code: 'bad_answer' }],
  ['gives an invoice of null', () => ({ pr: null }), { code: 'bad_answer' }],
  [
    'gives text for an invoice',
    () => ({ pr: 'lnbcrt500n1pjust' }),
    { code: 'unreadable_invoice', failureClass: 'invalid' },
  ],
  [
    'asks for a millisatoshi more',
    (amount) => ({ pr: invoiceFor(amount + 1n) }),
    { code: 'other_amount', sentence: expect.stringContaining('50001 msat instead of 50000') },
  ],
  ['asks for less', (amount) => ({ pr: invoiceFor(amount - 1n) }), { code: 'other_amount' }],
  ['leaves the amount open', () => ({ pr: invoiceFor(null) }), { code: 'other_amount' }],
  [
    'gives an invoice of another chain',
    (amount) => ({ pr: invoiceFor(amount, { network: 'mainnet' }) }),
    { code: 'wrong_network', failureClass: 'wrong_network', retryable: false },
  ],
  [
    'gives an expired invoice',
    (amount) => ({ pr: invoiceFor(amount, { expirySeconds: 1 }) }),
    { code: 'fresh_invoice_expired', failureClass: 'expired', retryable: true },
  ],
  [
    'gives an invoice that ends too soon',
    (amount) => ({ pr: invoiceFor(amount, { expirySeconds: 30 }) }),
    { code: 'fresh_invoice_expired', sentence: expect.stringContaining('ends in 29 s') },
  ],
  [
    'gives an invoice for something else',
    (amount) => ({ pr: invoiceFor(amount, { description: { sha256: 'ff'.repeat(32) } }) }),
    { code: 'other_description', failureClass: 'not_resolved', retryable: false },
  ],
  [
    'wants to run something after the payment',
    (amount) => ({ pr: invoiceFor(amount), successAction: { tag: 'script', code: 'x' } }),
    { code: 'unknown_success_action' },
  ],
  [
    'fails at the second question',
    () => ({ status: 'error', reason: 1 }),
    { code: 'service_refused' },
  ],
];

const allHostile: [what: string, answer: Answer, failure: object][] = [
  ...hostile,
  ...firstAnswers.map(([what, more, code]): [string, Answer, object] => [
    what,
    answering(
      (port) => payRequest(port, more),
      () => ({}),
    ),
    { code },
  ]),
  ...secondAnswers.map(([what, second, failure]): [string, Answer, object] => [
    what,
    answering(payRequest, second),
    failure,
  ]),
];

test.each(allHostile)(
  'payout-lnurl-fetch-throws: a service that %s is a typed failure with its reason',
  async (_, answer, expected) => {
    const began = performance.now();
    const isSlow = 'code' in expected && expected.code === 'timeout';
    const through = reader(isSlow ? { limits: { totalMs: 700 } } : {});
    const resolved = await resolveAt(await serve(answer), {}, through);
    const failure = resolved.ok ? 'ok' : resolved.failure;
    expect(failure).toMatchObject({
      payerSentence: expect.stringMatching(/\.$/),
      sentence: expect.stringContaining(OPEN_HOST),
      domain: expect.stringContaining(OPEN_HOST),
      ...expected,
    });
    expect(performance.now() - began).toBeLessThan(8_000);
  },
);

test('payout-lnurl-fetch-throws: a server that is gone or unknown is a typed failure', async () => {
  const service = await serve(honest);
  await service.close();
  expect(await resolveAt(service)).toMatchObject({
    ok: false,
    failure: { code: 'unreachable', failureClass: 'not_resolved', retryable: true },
  });
  const failing: OutboundReader = {
    get: async () => ({ ok: false, code: 'name_unknown', reason: 'its name is not known' }),
    close: async () => {},
  };
  expect(await resolveAt(service, {}, failing)).toMatchObject({
    failure: { code: 'name_unknown', retryable: true },
  });
});

test('payout-lnurl-fetch-throws: a name service that never answers ends in time too', async () => {
  const silent = openOutboundReader({
    policy: {},
    limits: { connectMs: 10_000, totalMs: 400 },
    resolve: () => new Promise(() => {}),
  });
  opened.push(silent);
  const began = performance.now();
  const refused = await resolveAt({ port: 443 }, { destination: 'a@slow.example' }, silent);
  expect(refused).toMatchObject({ failure: { code: 'timeout', retryable: true } });
  expect(performance.now() - began).toBeLessThan(6_000);
});

test('both answers together have one time limit', async () => {
  const slow: Answer = (request, response) => {
    setTimeout(() => honest(request, response), 400);
  };
  const patient = () => reader({ limits: { totalMs: 9_000 } });
  const service = await serve(slow);
  expect(await resolveAt(service, {}, patient())).toMatchObject({ ok: true });
  const cut = await resolveAt(service, { timeoutMs: 600 }, patient());
  expect(cut).toMatchObject({ failure: { code: 'timeout' } });
});

test('an invoice with a plain description is taken: LUD-06 no longer demands the hash', async () => {
  const second = (amount: bigint) => ({ pr: invoiceFor(amount, { description: 'For Alice' }) });
  expect(await outcome(answering(payRequest, second))).toBe('ok');
});

test('a comment is sent where it fits, and left out where it does not', async () => {
  const texts: (string | null)[] = [];
  const listeningTo = answering(payRequest, (amount, query) => {
    texts.push(query.get('comment'));
    return { pr: invoiceFor(amount) };
  });
  const service = await serve(listeningTo);
  const said = async (comment: string) => {
    const resolved = await resolveAt(service, { comment });
    return resolved.ok ? resolved.comment : resolved.failure;
  };
  expect(await said('Thanks & bye = 100%')).toBe('sent');
  expect(await said('😀'.repeat(20))).toBe('sent');
  expect(await said('x'.repeat(21))).toBe('not_taken');
  expect(await said('')).toBe('none');
  expect(texts).toEqual(['Thanks & bye = 100%', '😀'.repeat(20), null, null]);
});

test('what a service wants to show afterwards is kept as text, and cut', async () => {
  const shown = async (successAction: unknown) => {
    const second = (amount: bigint) => ({ pr: invoiceFor(amount), successAction });
    const resolved = await resolveAt(await serve(answering(payRequest, second)));
    return resolved.ok ? resolved.successAction : resolved.failure.code;
  };
  expect(await shown(null)).toBeNull();
  expect(await shown({ tag: 'message', message: `\u0007${'m'.repeat(300)}` })).toEqual({
    tag: 'message',
    message: 'm'.repeat(144),
  });
  const url = { tag: 'url', description: 'Your order', url: 'https://shop.example/1' };
  expect(await shown(url)).toEqual(url);
  const words = { tag: 'message', message: 'Your order' };
  expect(await shown({ ...url, url: 'javascript:alert(1)' })).toEqual(words);
  expect(await shown({ ...url, url: 'https://elsewhere.example/1' })).toEqual(words);
  const iv = 'a'.repeat(24);
  const aes = { tag: 'aes', description: 'Code', ciphertext: 'b'.repeat(64), iv };
  expect(await shown(aes)).toEqual(aes);
  expect(await shown({ ...aes, ciphertext: 'b'.repeat(5_000) })).toBe('unknown_success_action');
});
