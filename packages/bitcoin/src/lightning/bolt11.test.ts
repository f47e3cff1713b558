import { createHash } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bech32 } from '@scure/base';
import { fromHex } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { examples } from './bolt11-examples.test-support.ts';
import { bolt11Digest, type DecodedBolt11, decodeBolt11 } from './bolt11.ts';
import { type Bolt11Fields, encodeBolt11 } from './encode-bolt11.ts';
import { bytesToWords } from './words.ts';

const KEY = fromHex('e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734');
const PAYEE = '03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad';
const PAYMENT_HASH = '0001020304050607080900010203040506070809000102030405060708090102';
const PAYMENT_SECRET = '11'.repeat(32);
const LIST_HASH = createHash('sha256')
  .update(
    'One piece of chocolate cake, one icecream cone, one pickle, one slice of swiss cheese, ' +
      'one slice of salami, one lollypop, one piece of cherry pie, one sausage, one cupcake, ' +
      'and one slice of watermelon',
  )
  .digest('hex');

/** What most of the examples have in common. */
const common = {
  network: 'mainnet',
  amountMsat: 2_000_000_000n,
  createdAtMs: 1_496_314_658_000,
  expirySeconds: 3_600,
  expiresAtMs: 1_496_318_258_000,
  paymentHash: PAYMENT_HASH,
  paymentSecret: PAYMENT_SECRET,
  description: null,
  descriptionHash: LIST_HASH,
  metadata: null,
  payee: PAYEE,
  minFinalCltvExpiryDelta: 18,
  features: [8, 14],
  allowsMultiPart: false,
  routeHints: [],
  fallbackAddresses: [],
} satisfies Omit<DecodedBolt11, 'bolt11'>;

const donation = {
  amountMsat: null,
  description: 'Please consider supporting this project',
  descriptionHash: null,
};
const beans = {
  amountMsat: 2_500_000_000n,
  description: 'coffee beans',
  descriptionHash: null,
  features: [8, 14, 99],
};
const hops = [
  {
    nodeId: '029e03a901b85534ff1e92c43c74431f7ce72046060fcf7a95c37e148f78c77255',
    shortChannelId: '66051x263430x1800',
    feeBaseMsat: 1n,
    feeProportionalMillionths: 20,
    cltvExpiryDelta: 3,
  },
  {
    nodeId: '039e03a901b85534ff1e92c43c74431f7ce72046060fcf7a95c37e148f78c77255',
    shortChannelId: '197637x395016x2314',
    feeBaseMsat: 2n,
    feeProportionalMillionths: 30,
    cltvExpiryDelta: 4,
  },
];

const readable: [name: keyof typeof examples, fields: Partial<DecodedBolt11>][] = [
  ['donation', donation],
  [
    'coffee',
    {
      amountMsat: 250_000_000n,
      description: '1 cup coffee',
      descriptionHash: null,
      expirySeconds: 60,
      expiresAtMs: 1_496_314_718_000,
    },
  ],
  [
    'nonsense',
    {
      amountMsat: 250_000_000n,
      description: 'ナンセンス 1杯',
      descriptionHash: null,
      expirySeconds: 60,
      expiresAtMs: 1_496_314_718_000,
    },
  ],
  ['list', {}],
  ['testnet', { network: 'testnet', fallbackAddresses: ['mk2QpYatsKicvFVuTAQLBryyccRXMUaGHP'] }],
  ['routed', { routeHints: [hops], fallbackAddresses: ['1RustyRX2oai4EYYDpQGWvEL62BBGqN9T'] }],
  ['p2sh', { fallbackAddresses: ['3EktnHQD7RiAE6uzMj2ZifT9YgRrkSgzQX'] }],
  ['p2wpkh', { fallbackAddresses: ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'] }],
  [
    'p2wsh',
    {
      fallbackAddresses: ['bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3'],
    },
  ],
  [
    'p2tr',
    {
      fallbackAddresses: ['bc1pptdvg0d2nj99568qn6ssdy4cygnwuxgw2ukmnwgwz7jpqjz2kszse2s3lm'],
    },
  ],
  [
    'pico',
    {
      amountMsat: 967_878_534n,
      createdAtMs: 1_572_468_703_000,
      expirySeconds: 604_800,
      expiresAtMs: 1_573_073_503_000,
      paymentHash: '462264ede7e14047e9b249da94fefc47f41f7d02ee9b091815a5506bc8abf75f',
      description:
        'Blockstream Store: 88.85 USD for Blockstream Ledger Nano S x 1, "Back In My Day" ' +
        'Sticker x 2, "I Got Lightning Working" Sticker x 2 and 1 more items',
      descriptionHash: null,
      minFinalCltvExpiryDelta: 10,
      routeHints: [
        [
          {
            nodeId: '03d06758583bb5154774a6eb221b1276c9e82d65bbaceca806d90e20c108f4b1c7',
            shortChannelId: '589390x3312x1',
            feeBaseMsat: 1_000n,
            feeProportionalMillionths: 2_500,
            cltvExpiryDelta: 40,
          },
        ],
      ],
    },
  ],
  ['beans', beans],
  ['capitals', { ...beans, bolt11: examples.beans }],
  ['ignored', beans],
  [
    'metadata',
    {
      amountMsat: 1_000_000_000n,
      description: 'payment metadata inside',
      descriptionHash: null,
      metadata: '01fafaf0',
      features: [8, 14, 48],
    },
  ],
  // The same recovery id with the other S is another key; libsecp256k1 says so too.
  [
    'highS',
    {
      ...donation,
      payee: '02d0139ce7427d6dfffd26a326c18be754ef1e64672b42694ba5b23ef6e6e7803d',
    },
  ],
];

test.each(readable)('BOLT 11: the example "%s" is read field by field', (name, fields) => {
  const expected = { ...common, bolt11: examples[name], ...fields };
  expect(decodeBolt11(examples[name])).toEqual({ ok: true, invoice: expected });
  const pasted = ` LIGHTNING:${examples[name]}\n`;
  expect(decodeBolt11(pasted)).toEqual({ ok: true, invoice: expected });
});

test.each([
  ['feature100', 'unknown_feature', /: 100$/],
  ['checksum', 'checksum', /typing mistake/],
  ['noSeparator', 'not_an_invoice', /form/],
  ['mixedCase', 'not_an_invoice', /capital/],
  ['notRecoverable', 'signature', /signature/],
  ['tooShort', 'not_an_invoice', /cut short/],
  ['multiplier', 'amount', /2500x/],
  ['precision', 'amount_precision', /fraction/],
  ['noSecret', 'missing_field', /payment secret/],
  ['highSWithPayee', 'duplicate_field', /payment secret/],
] as const)('BOLT 11: the invalid example "%s" is refused as %s', (name, code, reason) => {
  const refused = { ok: false, code, reason: expect.stringMatching(reason) };
  expect(decodeBolt11(examples[name])).toEqual(refused);
});

test('BOLT 11: the examples are written again, letter for letter', () => {
  const fields = {
    network: 'mainnet',
    amountMsat: null,
    createdAtMs: common.createdAtMs,
    paymentHash: PAYMENT_HASH,
    paymentSecret: PAYMENT_SECRET,
    description: donation.description,
    features: [8, 14],
  } satisfies Bolt11Fields;
  expect(encodeBolt11(fields, KEY)).toBe(examples.donation);
  const coffee = { ...fields, amountMsat: 250_000_000n, expirySeconds: 60 };
  expect(encodeBolt11({ ...coffee, description: '1 cup coffee' }, KEY)).toBe(examples.coffee);
  expect(encodeBolt11({ ...coffee, description: 'ナンセンス 1杯' }, KEY)).toBe(examples.nonsense);
  const list = { ...fields, amountMsat: common.amountMsat, description: { sha256: LIST_HASH } };
  expect(encodeBolt11(list, KEY)).toBe(examples.list);
  const routed = {
    ...list,
    routeHints: [hops],
    fallbackAddresses: ['1RustyRX2oai4EYYDpQGWvEL62BBGqN9T'],
  };
  expect(encodeBolt11(routed, KEY)).toBe(examples.routed);
});

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => hexOf(bytes));
const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((key) => (key[0] ?? 0) < 255);
const hop = fc.record({
  nodeId: fc.constantFrom(PAYEE, hops[0]?.nodeId ?? ''),
  shortChannelId: fc
    .tuple(fc.nat(0xffffff), fc.nat(0xffffff), fc.nat(0xffff))
    .map((parts) => parts.join('x')),
  feeBaseMsat: fc.bigInt({ min: 0n, max: 0xffff_ffffn }),
  feeProportionalMillionths: fc.nat({ max: 0xffff_ffff }),
  cltvExpiryDelta: fc.nat({ max: 0xffff }),
});
const text = fc
  .string({ unit: 'binary', maxLength: 150 })
  .filter((each) => each.isWellFormed() && Buffer.byteLength(each) <= 639);
const anyFields: fc.Arbitrary<Bolt11Fields & { key: Uint8Array }> = fc.record(
  {
    key: keys.filter((key) => key.some((byte) => byte !== 0)),
    network: fc.constantFrom('mainnet', 'testnet', 'signet', 'regtest'),
    amountMsat: fc.option(fc.bigInt({ min: 1n, max: 2_100_000_000_000_000_000n })),
    createdAtMs: fc.integer({ min: 0, max: 2 ** 35 - 1 }).map((seconds) => seconds * 1_000),
    paymentHash: hash,
    paymentSecret: hash,
    description: fc.oneof(text, fc.record({ sha256: hash })),
    expirySeconds: fc.integer({ min: 0, max: 2 ** 35 - 1 }),
    minFinalCltvExpiryDelta: fc.nat({ max: 100_000 }),
    features: fc
      .uniqueArray(
        fc.nat({ max: 400 }).map((bit) => 2 * bit + 1),
        { maxLength: 5 },
      )
      .map((bits) => [8, ...bits]),
    routeHints: fc.array(fc.array(hop, { minLength: 1, maxLength: 12 }), { maxLength: 4 }),
    metadata: fc.uint8Array({ maxLength: 639 }).map((bytes) => hexOf(bytes)),
    statesPayee: fc.boolean(),
  },
  {
    requiredKeys: [
      ...(['key', 'network', 'amountMsat', 'createdAtMs', 'paymentHash'] as const),
      ...(['paymentSecret', 'description'] as const),
    ],
  },
);

test('what is written is read again, to the millisatoshi and the second', () => {
  fc.assert(
    fc.property(anyFields, ({ key, ...fields }) => {
      const bolt11 = encodeBolt11(fields, key);
      const read = decodeBolt11(bolt11);
      if (!read.ok) throw new Error(read.reason);
      const { invoice } = read;
      const isHashed = typeof fields.description !== 'string';
      const expirySeconds = fields.expirySeconds ?? 3_600;
      const features = (fields.features ?? [8, 14, 17]).toSorted((a, b) => a - b);
      expect(invoice).toEqual({
        bolt11,
        network: fields.network,
        amountMsat: fields.amountMsat,
        createdAtMs: fields.createdAtMs,
        expirySeconds,
        expiresAtMs: fields.createdAtMs + expirySeconds * 1_000,
        paymentHash: fields.paymentHash,
        paymentSecret: fields.paymentSecret,
        description: isHashed ? null : fields.description,
        descriptionHash: typeof fields.description === 'string' ? null : fields.description.sha256,
        metadata: fields.metadata ?? null,
        payee: invoice.payee,
        minFinalCltvExpiryDelta: fields.minFinalCltvExpiryDelta ?? 18,
        features,
        allowsMultiPart: features.includes(17),
        routeHints: fields.routeHints ?? [],
        fallbackAddresses: [],
      });
      const stated = decodeBolt11(encodeBolt11({ ...fields, statesPayee: true }, key));
      expect(stated).toMatchObject({ ok: true, invoice: { payee: invoice.payee } });
    }),
    { numRuns: 150 },
  );
});

test('a letter that is changed, left out or added is noticed', () => {
  const at = fc.nat({ max: examples.coffee.length - 1 });
  const letter = fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l');
  fc.assert(
    fc.property(at, letter, (index, other) => {
      const [before, after] = [examples.coffee.slice(0, index), examples.coffee.slice(index + 1)];
      const changed = before + other + after;
      return (
        (changed === examples.coffee || !decodeBolt11(changed).ok) &&
        !decodeBolt11(before + after).ok
      );
    }),
    { numRuns: 300 },
  );
});

test('any text is answered and never thrown at', () => {
  const piece = fc.constantFrom('ln', 'bc', '1', '25m', 'lightning:', 'pvjluez', 'q', 'LN');
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 12 }), (pieces) => {
      decodeBolt11(pieces.join(''));
    }),
    { numRuns: 500 },
  );
  const words = fc.array(fc.nat({ max: 31 }), { maxLength: 400 });
  fc.assert(
    fc.property(words, (each) => {
      decodeBolt11(bech32.encode('lnbc', each, false));
      decodeBolt11(signedRaw('lnbcrt1u', each));
    }),
    { numRuns: 150 },
  );
});

const SECRET_FIELD = [16, 1, 20, ...bytesToWords(new Uint8Array(32))];
const HASH_FIELD = [1, 1, 20, ...bytesToWords(new Uint8Array(32))];
const TEXT_FIELD = [13, 0, 2, ...bytesToWords(Uint8Array.of(65))];
const ALL = [...SECRET_FIELD, ...HASH_FIELD, ...TEXT_FIELD];

test.each<[what: string, prefix: string, fields: number[], code: string]>([
  ['two payment hashes', 'lnbc', [...ALL, ...HASH_FIELD], 'duplicate_field'],
  ['two descriptions', 'lnbc', [...ALL, ...TEXT_FIELD], 'duplicate_field'],
  ['text and hash', 'lnbc', [...ALL, 23, ...HASH_FIELD.slice(1)], 'duplicate_field'],
  ['no payment hash', 'lnbc', [...SECRET_FIELD, ...TEXT_FIELD], 'missing_field'],
  ['no description', 'lnbc', [...SECRET_FIELD, ...HASH_FIELD], 'missing_field'],
  ['a hash of 31 bytes only', 'lnbc', [...SECRET_FIELD, 1, 0, 0, ...TEXT_FIELD], 'missing_field'],
  ['a field beyond the end', 'lnbc', [...ALL, 13, 31, 31], 'malformed'],
  ['half a field', 'lnbc', [...ALL, 13], 'malformed'],
  ['an expiry with a zero before it', 'lnbc', [...ALL, 6, 0, 2, 0, 1], 'malformed'],
  ['features with a zero before them', 'lnbc', [...ALL, 5, 0, 4, 0, 16, 8, 0], 'malformed'],
  ['an expiry beyond all reason', 'lnbc', [...ALL, 6, 0, 8, 1, 0, 0, 0, 0, 0, 0, 0], 'malformed'],
  ['half a route hint', 'lnbc', [...ALL, 3, 0, 2, 0, 0], 'malformed'],
  ['text that is not UTF-8', 'lnbc', [...ALL.slice(0, -2), 31, 28], 'malformed'],
  ['rubbish after a text', 'lnbc', [...ALL.slice(0, -1), 5], 'malformed'],
  ['a payee that is no point', 'lnbc', [...ALL, 19, 1, 21, ...Array(53).fill(0)], 'malformed'],
  ['litecoin', 'lnltc', ALL, 'unknown_chain'],
  ['a longer prefix', 'lnbcr', ALL, 'unknown_chain'],
  ['an amount of zero', 'lnbc0u', ALL, 'amount'],
  ['an amount with a zero before it', 'lnbc01u', ALL, 'amount'],
  ['a multiplier alone', 'lnbcm', ALL, 'unknown_chain'],
  ['two multipliers', 'lnbc1mm', ALL, 'amount'],
  ['more than all bitcoin', 'lnbc21000001', ALL, 'amount'],
  ['an amount without end', `lnbc${'9'.repeat(60)}`, ALL, 'amount'],
])('an invoice with %s is refused', (_, prefix, fields, code) => {
  const refused = { ok: false, code, reason: expect.any(String) };
  expect(decodeBolt11(signedRaw(prefix, fields))).toEqual(refused);
});

test('the same fields without the fault are read, so that the refusals above mean something', () => {
  const expected = { paymentHash: '00'.repeat(32), payee: PAYEE, expirySeconds: 0, features: [3] };
  const fields = [...ALL, 6, 0, 0, 5, 0, 1, 8, 31, 0, 1, 7];
  const read = decodeBolt11(signedRaw('lnbc21000000', fields));
  const amountMsat = 2_100_000_000_000_000_000n;
  expect(read).toMatchObject({ ok: true, invoice: { ...expected, amountMsat } });
});

test('the amount is exact with every multiplier', () => {
  const amounts: [string, bigint][] = [
    ['1', 100_000_000_000n],
    ['1m', 100_000_000n],
    ['1u', 100_000n],
    ['1n', 100n],
    ['10p', 1n],
    ['2500u', 250_000_000n],
    ['25000000n', 2_500_000_000n],
    ['28999999990p', 2_899_999_999n],
  ];
  for (const [amount, amountMsat] of amounts) {
    const read = decodeBolt11(signedRaw(`lnbc${amount}`, ALL));
    expect([amount, read]).toMatchObject([amount, { ok: true, invoice: { amountMsat } }]);
  }
});

test('a stated payee must have signed, with low S', () => {
  const payee = (key: Uint8Array) => [19, 1, 21, ...bytesToWords(secp256k1.getPublicKey(key))];
  const own = [...ALL, ...payee(KEY)];
  const code = 'signature';
  expect(decodeBolt11(signedRaw('lnbc', own))).toMatchObject({ ok: true });
  const foreign = [...ALL, ...payee(fromHex('22'.repeat(32)))];
  expect(decodeBolt11(signedRaw('lnbc', foreign))).toMatchObject({ ok: false, code });
  expect(decodeBolt11(signedRaw('lnbc', own, { highS: true }))).toMatchObject({ ok: false, code });
  expect(decodeBolt11(signedRaw('lnbc', ALL, { highS: true }))).toMatchObject({
    ok: true,
    invoice: { payee: PAYEE },
  });
});

test('what merely looks like an invoice is named', () => {
  const reason = (each: string) => {
    const read = decodeBolt11(each);
    return read.ok ? 'read' : read.reason;
  };
  expect(reason('lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese')).toMatch(/BOLT 12/);
  expect(reason('LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35')).toMatch(/LNURL/);
  expect(reason('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toMatch(/form/);
  expect(reason(`lnbc1${'q'.repeat(8_000)}`)).toMatch(/too long/);
  expect(reason('')).toMatch(/form/);
});

/** An invoice of any fields, signed by KEY: what `encodeBolt11` would refuse to write. */
function signedRaw(prefix: string, fields: readonly number[], options = { highS: false }): string {
  const signed = [...bytesToWords(Uint8Array.of(1, 2, 3, 4)), ...fields];
  const digest = bolt11Digest(prefix, signed);
  const signature = secp256k1.sign(digest, KEY, { prehash: false, format: 'recovered' });
  const { r, s } = secp256k1.Signature.fromBytes(signature, 'recovered');
  const recovery = signature[0] ?? 0;
  const bytes = options.highS
    ? [...scalar(r), ...scalar(secp256k1.Point.Fn.ORDER - s), recovery ^ 1]
    : [...scalar(r), ...scalar(s), recovery];
  return bech32.encode(prefix, [...signed, ...bytesToWords(Uint8Array.from(bytes))], false);
}

function scalar(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0'));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
