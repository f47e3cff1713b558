import { secp256k1 } from '@noble/curves/secp256k1.js';
import { type Bolt11Fields, encodeBolt11, encodeLnurl } from '@quittance/bitcoin';
import { toHex } from '@quittance/kernel';
import { expect, test } from 'vitest';
import { identifiersOf, identifiersOfInvoice } from './identifiers.ts';

const PAYEE_KEY = new Uint8Array(32).fill(7);
const payee = toHex(secp256k1.getPublicKey(PAYEE_KEY));
const hint = toHex(secp256k1.getPublicKey(new Uint8Array(32).fill(8)));

const domains = (...texts: string[]) => texts.map((text) => ({ kind: 'domain', text }));

test('an address on chain is asked about as it is', () => {
  expect(identifiersOf('onchain', 'bc1qx')).toEqual([{ kind: 'address', text: 'bc1qx' }]);
});

test('an invoice names its payee, the nodes of its route hints, and its fallback address', () => {
  const fields: Bolt11Fields = {
    ...{ network: 'regtest', amountMsat: 1_000n, createdAtMs: 0, expirySeconds: 3_600 },
    ...{ paymentHash: '01'.repeat(32), paymentSecret: '02'.repeat(32), description: 'x' },
    routeHints: [
      [
        {
          ...{ nodeId: hint, shortChannelId: '1x2x3', feeBaseMsat: 0n },
          ...{ feeProportionalMillionths: 0, cltvExpiryDelta: 40 },
        },
      ],
    ],
  };
  const invoice = encodeBolt11(fields, PAYEE_KEY);
  const expected = [
    { kind: 'node', text: payee },
    { kind: 'node', text: hint },
  ];
  expect(identifiersOf('lightning', invoice)).toEqual(expected);
  expect(identifiersOfInvoice(invoice.toUpperCase())).toEqual(expected);
});

test('a Lightning address and an LNURL name their domain and all that it is below, in one spelling', () => {
  expect(identifiersOf('lightning', 'Bob@Pay.Example.COM')).toEqual([
    { kind: 'account', text: 'bob@pay.example.com' },
    ...domains('pay.example.com', 'example.com'),
  ]);
  const url = 'https://Shop.Example.org:8443/lnurlp?x=1';
  const expected = domains('shop.example.org', 'example.org');
  expect(identifiersOf('lightning', encodeLnurl(url))).toEqual(expected);
  expect(identifiersOf('lightning', url)).toEqual(expected);
});

test('what can not be read names nobody, and is never taken for something', () => {
  expect(identifiersOf('lightning', 'nonsense')).toEqual([]);
  expect(identifiersOfInvoice('lni1qqqq')).toEqual([]);
});
