import { MAX_SATS } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bip21ForQr, formatBip21, type PaymentRequest, parseBip21 } from './bip21.ts';

const BASE58 = '175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W';
const BECH32 = 'bc1qufgy354j3kmvuch987xe4s40836x3h0lg8f5nq';

/** Half a surrogate pair is no character, and comes back as U+FFFD: not a round trip. */
const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((each) => each.isWellFormed());
const anyRequest: fc.Arbitrary<PaymentRequest> = fc.record(
  {
    address: fc.constantFrom(BASE58, BECH32, 'bcrt1qabc'),
    amountSats: fc.bigInt({ min: 1n, max: MAX_SATS }),
    label: text,
    message: text,
    lightning: fc.constantFrom('lnbc20m1pvjluez', 'lntb1abc'),
    lno: fc.constant('lno1pgx9getnwss8vetrw3hhyuc'),
    pj: fc.webUrl({ withQueryParameters: true, withFragments: true }),
  },
  { requiredKeys: ['address'] },
);

test('a request survives its link, also in the form for QR codes', () => {
  fc.assert(
    fc.property(anyRequest, (request) => {
      const expected = { ok: true, request, otherAddresses: [] };
      expect(parseBip21(formatBip21(request))).toEqual(expected);
      expect(parseBip21(bip21ForQr(request))).toEqual(expected);
    }),
    { numRuns: 1_000 },
  );
});

test('a link holds only characters that need no further quoting in HTML or a QR code', () => {
  fc.assert(
    fc.property(anyRequest, (request) => {
      expect(formatBip21(request)).toMatch(/^bitcoin:[A-Za-z0-9?&=%._~!*'()-]*$/);
    }),
  );
});

test('amounts are decimal BTC without needless zeros', () => {
  const link = (amountSats: bigint) => formatBip21({ address: BASE58, amountSats });
  expect(link(28_999_999n)).toBe(`bitcoin:${BASE58}?amount=0.28999999`);
  expect(link(2_030_000_000n)).toBe(`bitcoin:${BASE58}?amount=20.3`);
  expect(link(10_000_000_000n)).toBe(`bitcoin:${BASE58}?amount=100`);
  expect(link(1n)).toBe(`bitcoin:${BASE58}?amount=0.00000001`);
  expect(() => link(0n)).toThrow('amount');
  expect(() => link(MAX_SATS + 1n)).toThrow('amount');
});

test('the QR form is in capitals where they mean the same, and only there', () => {
  expect(bip21ForQr({ address: BECH32, amountSats: 1_000n })).toBe(
    `bitcoin:${BECH32.toUpperCase()}?amount=0.00001`,
  );
  expect(bip21ForQr({ address: BASE58, amountSats: 1_000n })).toBe(
    `bitcoin:${BASE58}?amount=0.00001`,
  );
  expect(bip21ForQr({ address: BASE58, lightning: `lnbc1${'q'.repeat(100)}` })).toBe(
    `bitcoin:${BASE58}?lightning=LNBC1${'Q'.repeat(100)}`,
  );
  expect(bip21ForQr({ address: BECH32, label: 'Shop' })).toContain('?label=Shop');
  const unified = { address: BECH32, amountSats: 1_000n, lightning: 'lnbc10u1p', lno: 'lno1qq' };
  expect(bip21ForQr(unified)).toBe(
    `bitcoin:${BECH32.toUpperCase()}?amount=0.00001&lightning=LNBC10U1P&lno=LNO1QQ`,
  );
});

/** The examples of BIP321. */
const VALID: [string, object, string[]?][] = [
  [`bitcoin:${BASE58}`, { address: BASE58 }],
  [`bitcoin:${BASE58}?label=Luke-Jr`, { address: BASE58, label: 'Luke-Jr' }],
  [
    `bitcoin:${BASE58}?amount=20.3&label=Luke-Jr`,
    { address: BASE58, amountSats: 2_030_000_000n, label: 'Luke-Jr' },
  ],
  [
    `bitcoin:${BASE58}?amount=50&label=Luke-Jr&message=Donation%20for%20project%20xyz`,
    {
      address: BASE58,
      amountSats: 5_000_000_000n,
      label: 'Luke-Jr',
      message: 'Donation for project xyz',
    },
  ],
  [
    `bitcoin:${BASE58}?lightning=lnbc420bogusinvoice`,
    { address: BASE58, lightning: 'lnbc420bogusinvoice' },
  ],
  ['bitcoin:?lightning=lnbc420bogusinvoice', { lightning: 'lnbc420bogusinvoice' }],
  ['bitcoin:?lno=lno1bogusoffer&sp=sp1qsilentpayment', { lno: 'lno1bogusoffer' }],
  [
    `bitcoin:${BASE58}?somethingyoudontunderstand=50&somethingelseyoudontget=999`,
    { address: BASE58 },
  ],
  [
    `bitcoin:?bc=${BECH32}&bc=bc1p5swkugezn97763tl0yty6556856uug0q6jflljvep9m4p7339x5qzyrh4q`,
    {},
    [BECH32, 'bc1p5swkugezn97763tl0yty6556856uug0q6jflljvep9m4p7339x5qzyrh4q'],
  ],
  [`BITCOIN:${BECH32.toUpperCase()}?AMOUNT=0.5`, { address: BECH32, amountSats: 50_000_000n }],
  [
    'bitcoin:?tb=tb1qghfhmd4zh7ncpmxl3qzhmq566jk8ckq4gafnmq',
    {},
    ['tb1qghfhmd4zh7ncpmxl3qzhmq566jk8ckq4gafnmq'],
  ],
  [`bitcoin:${BASE58}?pop=initiatingapp%3a`, { address: BASE58 }],
  [`bitcoin:${BASE58}?amount=.5`, { address: BASE58, amountSats: 50_000_000n }],
  [`bitcoin:${BASE58}?amount=050.000000000`, { address: BASE58, amountSats: 5_000_000_000n }],
  [`bitcoin:${BASE58}?req-label=a+b&&x#top`, { address: BASE58, label: 'a+b' }],
];

test.each(VALID)('BIP321: %s is read', (link, request, otherAddresses = []) => {
  expect(parseBip21(link)).toEqual({ ok: true, request, otherAddresses });
});

test.each([
  [`bitcoin:${BASE58}?label=Luke-Jr&label=Matt`, 'invalid'],
  [`bitcoin:${BASE58}?amount=42&amount=10`, 'invalid'],
  [`bitcoin:${BASE58}?amount=42&AMOUNT=42`, 'invalid'],
  [`bitcoin:${BASE58}?amount=42&req-amount=42`, 'invalid'],
  [`bitcoin:${BASE58}?pop=callback%3a&req-pop=callback%3a`, 'invalid'],
  ['bitcoin:?bc=tb1qghfhmd4zh7ncpmxl3qzhmq566jk8ckq4gafnmq', 'invalid'],
  [`bitcoin:${BASE58}?req-somethingyoudontunderstand=50`, 'unknown_requirement'],
  [`bitcoin:${BASE58}?REQ-other`, 'unknown_requirement'],
  [`bitcoin:${BASE58}?req-pop=https%3aevilwebsite.com`, 'unknown_requirement'],
  [`bitcoin:${BASE58}?amount=50,000.00`, 'invalid'],
  [`bitcoin:${BASE58}?amount=-1`, 'invalid'],
  [`bitcoin:${BASE58}?amount=1e3`, 'invalid'],
  [`bitcoin:${BASE58}?amount=.`, 'invalid'],
  [`bitcoin:${BASE58}?amount=`, 'invalid'],
  [`bitcoin:${BASE58}?amount=0.000000001`, 'invalid'],
  [`bitcoin:${BASE58}?amount=21000000.00000001`, 'invalid'],
  [`bitcoin:${BASE58}?label=%ff`, 'invalid'],
  [`bitcoin:${BASE58}?label=%`, 'invalid'],
  [`bitcoin://${BASE58}`, 'invalid'],
  ['bitcoin:', 'invalid'],
  ['bitcoin:?amount=1', 'invalid'],
  [`litecoin:${BASE58}`, 'invalid'],
  [`bitcoin:${BASE58}?label=${'x'.repeat(9_000)}`, 'invalid'],
])('BIP321: %s is refused', (link, code) => {
  expect(parseBip21(link)).toMatchObject({ ok: false, code });
});

test('garbage is answered and never throws', () => {
  const pieces = fc.constantFrom(
    'bitcoin:',
    '?',
    '&',
    '=',
    '%',
    'amount',
    'req-',
    '1.5',
    'bc',
    '#',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 20 }), (parts) => {
      parseBip21(parts.join(''));
      parseBip21(`bitcoin:${BASE58}?${parts.join('')}`);
    }),
    { numRuns: 1_000 },
  );
});

test('a label that is not well-formed text is written, not thrown at', () => {
  expect(formatBip21({ address: BASE58, label: '\ud800' })).toBe(
    `bitcoin:${BASE58}?label=%EF%BF%BD`,
  );
});
