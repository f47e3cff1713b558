import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  invalidForms,
  invalidOffers,
  validForms,
  validOffers,
} from './bolt12-examples.test-support.ts';
import { decodeOffer, type Offer } from './offer.ts';

const ISSUER = '02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619';
const plain = {
  networks: ['mainnet'],
  amount: null,
  description: 'Test vectors',
  issuer: null,
  expiresAtMs: null,
  quantityMax: null,
  issuerId: ISSUER,
  hasPaths: false,
} satisfies Omit<Offer, 'bolt12'>;

/** What the examples say about themselves, where it is not the plain offer. */
const meanings: Record<string, Partial<Offer>> = {
  'Minimal bolt12 offer': { description: null },
  'for testnet': { networks: ['testnet'] },
  'with amount': { amount: { amountMsat: 10_000n } },
  'with currency': { amount: { currency: 'USD', minorUnits: 10_000n } },
  'with expiry': { expiresAtMs: 0x7a4297d8 * 1_000 },
  'with issuer': { issuer: 'https://bolt12.org BOLT12 industries' },
  'with quantity': { quantityMax: 5n },
  'with unlimited (or unknown) quantity': { quantityMax: 0n },
  'with single quantity (weird but valid)': { quantityMax: 1n },
  'with blinded path via Bob (0x424242...), path_key 020202...': { hasPaths: true },
  'same, with blinded path first_node_id using sciddir': { hasPaths: true },
  'with no issuer_id and blinded path via Bob (0x424242...), path_key 020202...': {
    hasPaths: true,
    issuerId: null,
  },
  '... and with second blinded path via 1x2x3 (direction 1), path_key 020202...': {
    hasPaths: true,
  },
};

test.each(validOffers)('BOLT 12: the offer "%s" is read', (what, bolt12) => {
  const offer = { ...plain, bolt12, ...meanings[what] };
  expect(decodeOffer(bolt12)).toEqual({ ok: true, offer });
});

test('BOLT 12: every meaning above belongs to an example', () => {
  const names = validOffers.map(([what]) => what);
  expect(Object.keys(meanings).filter((each) => !names.includes(each))).toEqual([]);
});

test.each(invalidOffers)('BOLT 12: the offer "%s" is refused', (what, bolt12) => {
  const code = what.includes('feature') ? 'unknown_feature' : 'malformed';
  expect(decodeOffer(bolt12)).toEqual({ ok: false, code, reason: expect.any(String) });
});

test.each(validForms)('BOLT 12: %s (%s)', (_, text) => {
  const [, complete = ''] = validForms[0] ?? [];
  const read = decodeOffer(text);
  expect(read).toEqual(decodeOffer(complete));
  expect(read).toMatchObject({ ok: true, offer: { bolt12: complete, issuerId: ISSUER } });
});

test.each(invalidForms)('BOLT 12: %s (%s)', (_, text) => {
  const refused = { ok: false, code: 'not_an_offer', reason: expect.any(String) };
  expect(decodeOffer(text)).toEqual(refused);
});

test('an offer of another chain alone is refused, and one for several is read', () => {
  const liquid = validOffers.find(([what]) => what === 'for bitcoin or liquidv1')?.[1] ?? '';
  expect(decodeOffer(liquid)).toMatchObject({ ok: true, offer: { networks: ['mainnet'] } });
});

test('any text is answered and never thrown at', () => {
  const letters = fc.string({ unit: fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l+ Q') });
  fc.assert(
    fc.property(fc.oneof(letters, fc.string()), (text) => {
      decodeOffer(text);
      decodeOffer(`lno1${text}`);
      decodeOffer(`${validOffers[5]?.[1]}${text}`);
    }),
    { numRuns: 500 },
  );
});
