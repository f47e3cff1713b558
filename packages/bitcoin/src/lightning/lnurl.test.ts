import { bech32 } from '@scure/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { examples } from './bolt11-examples.test-support.ts';
import { parseLightningDestination } from './destination.ts';
import {
  decodeLnurl,
  encodeLnurl,
  lightningAddressUrl,
  lnurlWithScheme,
  parseLightningAddress,
} from './lnurl.ts';

/** The example of LUD-01. */
const URL_TEXT =
  'https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df';
const LNURL =
  'LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS';

test('LUD-01: the example is read and written', () => {
  expect(encodeLnurl(URL_TEXT)).toBe(LNURL.toLowerCase());
  for (const text of [
    LNURL,
    LNURL.toLowerCase(),
    ` lightning:${LNURL}`,
    `LIGHTNING://${LNURL}`,
    `https://service.com/giftcard/redeem?id=123&lightning=${LNURL}`,
  ]) {
    expect(decodeLnurl(text)).toEqual({ ok: true, url: URL_TEXT, purpose: null });
  }
});

test('LUD-01: any web address survives', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
      const url = new URL(text).href;
      expect(decodeLnurl(encodeLnurl(url))).toEqual({ ok: true, url, purpose: null });
    }),
    // Making web addresses is slow.
    { numRuns: 40 },
  );
});

test('LUD-17: the schemes say what they are for', () => {
  const read = (text: string) => decodeLnurl(text);
  const url = 'https://domain.com/path?a=1';
  expect(read('lnurlp://domain.com/path?a=1')).toEqual({ ok: true, url, purpose: 'pay' });
  expect(read('LNURLW://domain.com/path?a=1')).toEqual({ ok: true, url, purpose: 'withdraw' });
  expect(read('lnurlp:domain.com/path?a=1')).toEqual({ ok: true, url, purpose: 'pay' });
  expect(read('lnurlp://examplennn.onion/path')).toMatchObject({
    url: 'http://examplennn.onion/path',
  });
  expect(read('lnurlp://domain.com/.onion/')).toMatchObject({ url: 'https://domain.com/.onion/' });
  expect(lnurlWithScheme(url, 'withdraw')).toBe('lnurlw://domain.com/path?a=1');
  expect(read(lnurlWithScheme(url, 'pay'))).toEqual({ ok: true, url, purpose: 'pay' });
});

test.each([
  ['LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34', /typing/],
  [LNURL.replace('LNURL', 'lnurl'), /mixes/],
  ['keyauth://domain.com/login', /not an LNURL/],
  ['https://service.com/giftcard?lightning=lnbc1', /not an LNURL/],
  ['satoshi@bitcoin.org', /not an LNURL/],
  ['lnurlp://', /no web address/],
  ['lnurlp://user name/', /no web address/],
  [`lnurlp://domain.com/${'a'.repeat(2_000)}`, /no web address/],
  [`lnurl1${'q'.repeat(4_000)}`, /too long/],
])('%s is refused as LNURL', (text, reason) => {
  expect(decodeLnurl(text)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
});

test('an LNURL can hold only web addresses', () => {
  for (const url of ['file:///etc/passwd', 'javascript:alert(1)', 'nowhere', 'ftp://a.b/']) {
    expect(() => encodeLnurl(url)).toThrow('not a web address');
  }
  const ftp = bech32.encodeFromBytes('lnurl', new TextEncoder().encode('ftp://a.b/'));
  expect(decodeLnurl(ftp)).toMatchObject({
    ok: false,
    reason: 'the LNURL leads to no web address',
  });
});

test('LUD-16: a Lightning address leads to its place on the domain', () => {
  const read = parseLightningAddress(' Satoshi@Bitcoin.ORG');
  const address = { address: 'satoshi@bitcoin.org', user: 'satoshi', domain: 'bitcoin.org' };
  expect(read).toEqual({ ok: true, ...address });
  expect(lightningAddressUrl(address, 'https')).toBe(
    'https://bitcoin.org/.well-known/lnurlp/satoshi',
  );
  expect(parseLightningAddress('a@shop.example:443')).toMatchObject({ domain: 'shop.example' });
  expect(parseLightningAddress('a@аpple.example')).toMatchObject({
    address: 'a@xn--pple-43d.example',
  });
  for (const good of ['a-b_c.d+e@shop.example', '0@1.example', 'me@shop.example:8443'])
    expect([good, parseLightningAddress(good).ok]).toEqual([good, true]);
});

test.each([
  ...['satoshi', '@bitcoin.org', 'satoshi@', 'a b@bitcoin.org', 'ä@bitcoin.org', 'a@b@c.org'],
  ...['a@bitcoin.org/evil', 'a@bitcoin.org?x', 'a@bitcoin.org#x', 'a@bitcoin.org\\@evil.org'],
  ...['a%2f..@bitcoin.org', 'a/../b@bitcoin.org', 'a@0x7f.1', 'a@2130706433', 'a@b:99999'],
  `${'a'.repeat(65)}@bitcoin.org`,
  `a@${'b'.repeat(400)}.org`,
])('%s is refused as Lightning address', (text) => {
  expect(parseLightningAddress(text)).toEqual({ ok: false, reason: expect.any(String) });
});

test('a destination of each kind is told apart', () => {
  const kind = (text: string) => {
    const read = parseLightningDestination(text);
    return read.ok ? read.destination.kind : read.code;
  };
  expect(kind(`lightning:${examples.coffee.toUpperCase()}`)).toBe('bolt11');
  expect(kind('satoshi@bitcoin.org')).toBe('address');
  expect(kind(`lightning:${LNURL}`)).toBe('lnurl');
  expect(kind('lnurlp://domain.com/x')).toBe('lnurl');
  expect(kind('lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese')).toBe('offer');
  expect(kind('l+no1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese')).toBe('offer');
  expect(kind('02EEC7245D6B7D2CCB30380BFBE2A3648CD7A942653F5AA340EDCEA1F283686619')).toBe('node');
  expect(kind('lnurlw://domain.com/x')).toBe('lnurl_withdraw');
  expect(kind('https://domain.com/pay?a=1')).toBe('lnurl');
  expect(kind('https://')).toBe('invalid_lnurl');
  expect(kind(examples.checksum)).toBe('checksum');
  expect(kind(examples.noSecret)).toBe('missing_field');
  expect(kind('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toBe('not_a_destination');
  expect(kind(`02${'00'.repeat(32)}`)).toBe('not_a_destination');
  expect(kind('a b@bitcoin.org')).toBe('not_a_destination');
});

test('what was read is read again as the same', () => {
  for (const text of [
    LNURL,
    `https://a.example/?lightning=${LNURL}`,
    'lnurlp://domain.com/x?a=b',
  ]) {
    const read = parseLightningDestination(text);
    if (!read.ok || read.destination.kind !== 'lnurl') throw new Error('not read');
    expect(parseLightningDestination(read.destination.url)).toEqual(read);
  }
});

test('any text is answered and never thrown at', () => {
  const piece = fc.constantFrom('lnurlp:', '//', '@', 'lno1', 'lnurl1', 'lightning:', '+', '1');
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 8 }), (pieces) => {
      parseLightningDestination(pieces.join(''));
    }),
    { numRuns: 1_000 },
  );
});
