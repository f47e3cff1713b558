import { toHex } from '@quittance/kernel';
import { createBase58check } from '@scure/base';
import { HDKey } from '@scure/bip32';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from '../hashes.ts';
import { parseDescriptor } from './descriptor.ts';
import { holdsPrivateKey } from './private-keys.ts';
import { parseReceivingDescriptor } from './receiving.ts';

const base58check = createBase58check(sha256);

/** Private versions of BIP32 and SLIP132: xprv, yprv, zprv, Yprv, Zprv, tprv, uprv, vprv, … */
const PRIVATE_VERSIONS = [
  0x0488ade4, 0x049d7878, 0x04b2430c, 0x0295b005, 0x02aa7a99, 0x04358394, 0x044a4e28, 0x045f18bc,
  0x024285b5, 0x02575048, 0x12345678,
];

const privateKey = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .filter((bytes) => bytes[0] !== 0 && bytes[0] !== 0xff);

const anySecret = fc.oneof(
  fc.tuple(privateKey, fc.constantFrom(...PRIVATE_VERSIONS)).map(([seed, version]) => {
    const versions = { private: version, public: 0x0488b21e };
    return HDKey.fromMasterSeed(seed, versions).privateExtendedKey;
  }),
  fc
    .tuple(privateKey, fc.constantFrom(0x80, 0xef), fc.boolean())
    .map(([key, version, isCompressed]) =>
      base58check.encode(Uint8Array.of(version, ...key, ...(isCompressed ? [1] : []))),
    ),
  privateKey.map(toHex),
  privateKey.map((key) => toHex(key).toUpperCase()),
);

const WRAPPERS: ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => `  ${secret}\n`,
  (secret) => `wpkh(${secret})`,
  (secret) => `wpkh([deadbeef/84h/0h/0h]${secret}/<0;1>/*)`,
  (secret) => `sh(wpkh(${secret}/0/*))#aaaaaaaa`,
  (secret) => `wsh(sortedmulti(1,${secret}/0/*,${secret}/1/*))`,
  (secret) => `{"key":"${secret}"}`,
];

test('a private key is refused wherever it stands, and never repeated', () => {
  fc.assert(
    fc.property(anySecret, fc.constantFrom(...WRAPPERS), (secret, wrap) => {
      for (const parse of [parseReceivingDescriptor, parseDescriptor]) {
        const parsed = parse(wrap(secret), 'mainnet');
        expect(parsed).toMatchObject({ ok: false, code: 'private_key' });
        expect(JSON.stringify(parsed)).not.toContain(secret.slice(0, 8));
      }
    }),
    { numRuns: 300 },
  );
});

test('a mistyped private key is refused as one too', () => {
  const xprv =
    'xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U';
  for (const text of [xprv.replace('Q', 'q'), xprv.slice(0, 60), xprv.toUpperCase()]) {
    expect(parseReceivingDescriptor(text, 'mainnet')).toMatchObject({ code: 'private_key' });
  }
  const wif = 'L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY2';
  expect(parseReceivingDescriptor(wif, 'mainnet')).toMatchObject({ code: 'private_key' });
});

test('seed phrases, encrypted keys and codex32 shares are refused', () => {
  const phrase = `${'abandon '.repeat(11)}about`;
  const texts = [
    phrase,
    phrase.toUpperCase(),
    `  ${phrase.replaceAll(' ', '\n')}`,
    'あいこくしん '.repeat(12),
    '6PYNKZ1EAgYgmQfmNVamxyXVWHzK5s6DGhwP4J5o44cvXdoY7sRzhtpUeo',
    'ms10testsxxxxxxxxxxxxxxxxxxxxxxxxxx4nzvca9cmczlw',
    `0x${'1f'.repeat(32)}`,
  ];
  for (const text of texts) {
    expect(parseReceivingDescriptor(text, 'mainnet')).toMatchObject({ code: 'private_key' });
  }
});

test('public descriptors, addresses and plain words are not taken for private keys', () => {
  const texts = [
    'tr(a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)',
    'wpkh(03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)',
    'zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs',
    'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
    '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
    'a few words only',
  ];
  for (const text of texts) expect(holdsPrivateKey(text)).toBe(false);
});
