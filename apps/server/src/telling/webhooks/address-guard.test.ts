import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  checkOutboundUrl,
  isGlobalUnicast,
  type ResolvedAddress,
  type UrlPolicy,
} from '../../platform/outbound/index.ts';
import { openSender } from './send.ts';

let server: Server;
let port = 0;
let requests = 0;
beforeAll(async () => {
  server = createServer((_, response) => {
    requests++;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
});

const http: UrlPolicy = { allowInsecureHttp: true };

async function sendTo(url: string, resolved: string[] = [], policy: UrlPolicy = http) {
  const resolve = async (): Promise<ResolvedAddress[]> =>
    resolved.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const sender = openSender({ policy, resolve, timeouts: { connectMs: 500, totalMs: 1_000 } });
  const attempt = await sender.send(url, { headers: {}, body: '{}' });
  await sender.close();
  return attempt;
}

const refusedAddresses = [
  ...['127.0.0.1', '127.9.9.9', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ...['169.254.169.254', '100.64.0.1', '100.127.255.254', '0.0.0.0', '0.1.2.3', '224.0.0.1'],
  ...['255.255.255.255', '240.0.0.1', '192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1'],
  ...['203.0.113.1', '::', '::1', 'fe80::1', 'fec0::1', 'fc00::1', 'fd12:3456::1', 'ff02::1'],
  ...['::ffff:127.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::808:808'],
  ...['64:ff9b:1::7f00:1', '2002:7f00:1::', '2001::1', '2001:db8::1', '100::1', '4000::1'],
  ...['5f00::1', '', 'localhost', '127.1', 'fe80::1%eth0'],
];

test('webhook-ssrf: only global unicast addresses are public', () => {
  for (const address of refusedAddresses)
    expect([address, isGlobalUnicast(address)]).toEqual([address, false]);
  for (const address of ['1.1.1.1', '8.8.8.8', '93.184.216.34', '2606:4700::1111', '2a00:1450::1'])
    expect([address, isGlobalUnicast(address)]).toEqual([address, true]);
});

test('webhook-ssrf: a literal private address is refused in every way of writing it', async () => {
  const hosts = ['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '0x7f.1', '0'];
  hosts.push(
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::]',
    '127。0。0。1',
    '%31%32%37.0.0.1',
  );
  for (const host of hosts) {
    const url = `http://${host}:${port}/`;
    expect([url, checkOutboundUrl(url, http).ok]).toEqual([url, false]);
    expect((await sendTo(url)).ok).toBe(false);
  }
  expect(requests).toBe(0);
});

test('webhook-ssrf: a name is refused at connect time when any of its addresses is private', async () => {
  const cases = [
    ['127.0.0.1'],
    ['8.8.8.8', '127.0.0.1'],
    ['::ffff:127.0.0.1'],
    ['10.0.0.1', '::1'],
  ];
  for (const resolved of cases) {
    const attempt = await sendTo(`http://shop.example:${port}/`, resolved);
    expect(attempt.ok).toBe(false);
    expect(attempt.error).toBe('shop.example resolves to an address that is not public');
  }
  expect(requests).toBe(0);
});

test('webhook-ssrf: the connection goes to the address that was checked, not to a later answer', async () => {
  let asked = 0;
  const resolve = async () => [{ address: asked++ === 0 ? '192.0.2.1' : '127.0.0.1', family: 4 }];
  const policy = { ...http, allowPrivateAddresses: true };
  const sender = openSender({ policy, resolve, timeouts: { connectMs: 300, totalMs: 1_000 } });
  await sender.send(`http://shop.example:${port}/`, { headers: {}, body: '' });
  await sender.close();
  expect(asked).toBe(1);
  expect(requests).toBe(0);
});

test('webhook-ssrf: the explicit option opens the way for the demo', async () => {
  const attempt = await sendTo(`http://shop.example:${port}/`, ['127.0.0.1'], {
    ...http,
    allowPrivateAddresses: true,
  });
  expect(attempt).toMatchObject({ ok: true, status: 200 });
  expect(requests).toBe(1);
});

test('webhook-ssrf: addresses that can be refused before asking anybody are', () => {
  const refused = [
    ...['http://shop.example/', 'ftp://shop.example/', 'file:///etc/passwd', 'javascript:1', '/x'],
    ...['https://user:pass@shop.example/', 'https://user@shop.example/', 'https://shop.example/#a'],
    ...['https://shop.example:22/', 'https://shop.example:25/', 'https://shop.example:6/'],
    ...[
      'https://localhost/',
      'https://a.localhost/',
      'https://printer.local/',
      'https://intranet/',
    ],
    ...['https://metadata.google.internal/', 'https://localhost./', 'https://[fe80::1]/'],
    `https://shop.example/${'a'.repeat(2_000)}`,
  ];
  for (const url of refused) expect([url, checkOutboundUrl(url, {}).ok]).toEqual([url, false]);
  for (const url of [
    'https://shop.example/hook?a=1',
    'https://shop.example:8443/',
    'https://1.1.1.1/',
  ])
    expect([url, checkOutboundUrl(url, {}).ok]).toEqual([url, true]);
});

test('any text is either refused or an https URL without credentials', () => {
  const text = fc.oneof(
    fc.webUrl(),
    fc.string(),
    fc.string().map((host) => `https://${host}/`),
  );
  fc.assert(
    fc.property(text, (url) => {
      const checked = checkOutboundUrl(url, {});
      return !checked.ok || (checked.url.protocol === 'https:' && checked.url.username === '');
    }),
  );
});
