import { toHex } from '@quittance/kernel';
import { HDKey } from '@scure/bip32';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deriveAddress, deriveScript, deriveScripts } from './derive.ts';
import { parseDescriptor } from './descriptor.ts';
import { parseReceivingDescriptor, type SingleKeyType } from './receiving.ts';

const ZPUB =
  'zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs';
const UPUB =
  'upub5EFU65HtV5TeiSHmZZm7FUffBGy8UKeqp7vw43jYbvZPpoVsgU93oac7Wk3u6moKegAEWtGNF8DehrnHtv21XXEMYRUocHqguyjknFHYfgY';
const XPUB86 =
  'xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ';
const COSIGNER =
  'xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y';

function accepted(...args: Parameters<typeof parseReceivingDescriptor>) {
  const parsed = parseReceivingDescriptor(...args);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.descriptor;
}

/** The same key under another SLIP132 or BIP32 version. */
function withVersion(key: string, version: number): string {
  const hd = HDKey.fromExtendedKey(key, { public: 0x0488b21e, private: 0x0488ade4 });
  const options = {
    versions: { public: version, private: 0 },
    depth: hd.depth,
    index: hd.index,
    parentFingerprint: hd.parentFingerprint,
    chainCode: hd.chainCode ?? new Uint8Array(32),
    publicKey: hd.publicKey ?? new Uint8Array(33),
  };
  return new HDKey(options).publicExtendedKey;
}

test('BIP84: a bare zpub gives the published addresses', () => {
  const descriptor = accepted(ZPUB, 'mainnet');
  expect(descriptor.text).toMatch(/^wpkh\(xpub6\w+\/<0;1>\/\*\)#\w{8}$/);
  expect(deriveAddress(descriptor, { branch: 0, index: 0 })).toBe(
    'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu',
  );
  expect(deriveAddress(descriptor, { branch: 0, index: 1 })).toBe(
    'bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g',
  );
  expect(deriveAddress(descriptor, { branch: 1, index: 0 })).toBe(
    'bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el',
  );
});

test('BIP49: a bare upub gives the published address', () => {
  const descriptor = accepted(UPUB, 'regtest');
  expect(descriptor.kind).toBe('sh_wpkh');
  expect(descriptor.text).toContain('tpub');
  expect(deriveAddress(descriptor, { branch: 0, index: 0 })).toBe(
    '2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2',
  );
});

test('BIP86: tr() gives the published addresses', () => {
  const descriptor = accepted(`tr(${XPUB86}/<0;1>/*)`, 'mainnet');
  expect(deriveAddress(descriptor, { branch: 0, index: 0 })).toBe(
    'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
  );
  expect(deriveAddress(descriptor, { branch: 0, index: 1 })).toBe(
    'bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh',
  );
  expect(deriveAddress(descriptor, { branch: 1, index: 0 })).toBe(
    'bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7',
  );
});

/** Public derivation steps among BIP32's test vectors 1 and 2. */
test.each([
  [
    'xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw/1',
    'xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ',
  ],
  [
    'xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5/2/1000000000',
    'xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy',
  ],
  [
    'xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL/2',
    'xpub6FnCn6nSzZAw5Tw7cgR9bi15UV96gLZhjDstkXXxvCLsUXBGXPdSnLFbdpq8p9HmGsApME5hQTZ3emM2rnY5agb9rXpVGyy3bdW6EEgAtqt',
  ],
])('BIP32: %s derives the published child', (path, child) => {
  const scripts = [`pkh(${path})`, `pkh(${child})`].map((text) => {
    const parsed = parseDescriptor(text, 'mainnet');
    if (!parsed.ok) throw new Error(parsed.reason);
    return toHex(deriveScript(parsed.descriptor, { branch: 0, index: 0 }));
  });
  expect(scripts[0]).toBe(scripts[1]);
});

/** BIP32's test vector 5, the public half. */
test.each([
  'xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6LBpB85b3D2yc8sfvZU521AAwdZafEz7mnzBBsz4wKY5fTtTQBm',
  'xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Txnt3siSujt9RCVYsx4qHZGc62TG4McvMGcAUjeuwZdduYEvFn',
  'xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6N8ZMMXctdiCjxTNq964yKkwrkBJJwpzZS4HS2fxvyYUA4q2Xe4',
  'xpub661no6RGEX3uJkY4bNnPcw4URcQTrSibUZ4NqJEw5eBkv7ovTwgiT91XX27VbEXGENhYRCf7hyEbWrR3FewATdCEebj6znwMfQkhRYHRLpJ',
  'xpub661MyMwAuDcm6CRQ5N4qiHKrJ39Xe1R1NyfouMKTTWcguwVcfrZJaNvhpebzGerh7gucBvzEQWRugZDuDXjNDRmXzSZe4c7mnTK97pTvGS8',
  'DMwo58pR1QLEFihHiXPVykYB6fJmsTeHvyTp7hRThAtCX8CvYzgPcn8XnmdfHGMQzT7ayAmfo4z3gY5KfbrZWZ6St24UVf2Qgo6oujFktLHdHY4',
  'DMwo58pR1QLEFihHiXPVykYB6fJmsTeHvyTp7hRThAtCX8CvYzgPcn8XnmdfHPmHJiEDXkTiJTVV9rHEBUem2mwVbbNfvT2MTcAqj3nesx8uBf9',
  'xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Q5JXayek4PRsn35jii4veMimro1xefsM58PgBMrvdYre8QyULY',
])('BIP32: the invalid key %s is refused', (key) => {
  const parsed = parseReceivingDescriptor(`wpkh(${key}/0/*)`, 'mainnet');
  expect(!parsed.ok && ['invalid', 'private_key'].includes(parsed.code)).toBe(true);
});

test('derivation agrees with an independent BIP32 library', () => {
  const step = fc.integer({ min: 0, max: 0x7fffffff });
  const seed = fc.uint8Array({ minLength: 16, maxLength: 64 });
  fc.assert(
    fc.property(seed, fc.array(step, { maxLength: 3 }), step, (bytes, steps, index) => {
      const root = HDKey.fromMasterSeed(bytes);
      const path = steps.map((each) => `/${each}`).join('');
      const descriptor = accepted(`pkh(${root.publicExtendedKey}${path}/*)`, 'mainnet');
      const expected = root.derive(`m${path}/${index}`).pubKeyHash ?? new Uint8Array();
      const script = deriveScript(descriptor, { branch: 0, index });
      expect(toHex(script)).toBe(`76a914${toHex(expected)}88ac`);
    }),
    { numRuns: 30 },
  );
});

test('a batch gives the same scripts as one by one, for every kind', () => {
  const texts = [
    `pkh(${XPUB86}/<0;1>/*)`,
    `wpkh(${XPUB86}/<0;1>/*)`,
    `sh(wpkh(${XPUB86}/<0;1>/*))`,
    `tr(${XPUB86}/<0;1>/*)`,
    `wsh(multi(1,${XPUB86}/<0;1>/*,${COSIGNER}/<0;1>/*))`,
    `sh(wsh(sortedmulti(2,${XPUB86}/<0;1>/*,${COSIGNER}/<0;1>/*)))`,
  ];
  const seen = new Set<string>();
  for (const text of texts) {
    const descriptor = accepted(text, 'mainnet');
    for (const branch of [0, 1]) {
      const batch = deriveScripts(descriptor, { branch, from: 3, count: 4 });
      batch.forEach((script, row) => {
        expect(deriveScript(descriptor, { branch, index: 3 + row })).toEqual(script);
        seen.add(toHex(script));
      });
    }
  }
  expect(seen.size).toBe(texts.length * 2 * 4);
});

test('the script type of a bare xpub comes from its origin or an explicit choice, never a guess', () => {
  expect(parseReceivingDescriptor(XPUB86, 'mainnet')).toMatchObject({
    ok: false,
    code: 'script_type_needed',
  });
  const purposes: [string, SingleKeyType][] = [
    ['44h', 'pkh'],
    ["49'", 'sh_wpkh'],
    ['84h', 'wpkh'],
    ['86h', 'tr'],
  ];
  for (const [purpose, kind] of purposes) {
    const text = `[deadbeef/${purpose}/0h/0h]${XPUB86}`;
    expect(accepted(text, 'mainnet').kind).toBe(kind);
    expect(accepted(XPUB86, 'mainnet', { scriptType: kind }).kind).toBe(kind);
  }
  const contradicting = `[deadbeef/86h/0h/0h]${ZPUB}`;
  expect(parseReceivingDescriptor(contradicting, 'mainnet')).toMatchObject({ code: 'invalid' });
  expect(parseReceivingDescriptor(ZPUB, 'mainnet', { scriptType: 'tr' }).ok).toBe(false);
});

test('a path that is given is taken as it is', () => {
  expect(accepted(`${ZPUB}/0/*`, 'mainnet').branches).toBe(1);
  expect(accepted(`${ZPUB}/*`, 'mainnet').text).toMatch(/^wpkh\(xpub\w+\/\*\)#/);
  expect(accepted(`wpkh(${XPUB86}/0/*)`, 'mainnet').branches).toBe(1);
  for (const text of [`${ZPUB}/0`, `wpkh(${XPUB86})`, `wpkh(${XPUB86}/0)`]) {
    expect(parseReceivingDescriptor(text, 'mainnet')).toMatchObject({ code: 'not_ranged' });
  }
  const mixed = `wsh(sortedmulti(1,${XPUB86}/0/*,${COSIGNER}/0))`;
  expect(parseReceivingDescriptor(mixed, 'mainnet')).toMatchObject({ code: 'not_ranged' });
  const three = `wpkh(${XPUB86}/<0;1;2>/*)`;
  expect(parseReceivingDescriptor(three, 'mainnet')).toMatchObject({ code: 'unsupported' });
});

test('SLIP132 keys are accepted where their version fits, and refused elsewhere', () => {
  const xpub = accepted(ZPUB, 'mainnet').text.slice(5, 116);
  const ypub = withVersion(xpub, 0x049d7cb2);
  const upperY = withVersion(xpub, 0x0295b43f);
  const upperZ = withVersion(xpub, 0x02aa7ed3);
  expect([ypub, upperY, upperZ].map((key) => key.slice(0, 4))).toEqual(['ypub', 'Ypub', 'Zpub']);
  expect(accepted(ypub, 'mainnet').text).toContain(`sh(wpkh(${xpub}/<0;1>/*))`);
  expect(accepted(`wpkh(${ZPUB}/0/*)`, 'mainnet').text).toContain(`wpkh(${xpub}/0/*)`);
  const multisig = `wsh(sortedmulti(1,${upperZ}/0/*,${COSIGNER}/0/*))`;
  expect(accepted(multisig, 'mainnet').text).toContain(xpub);
  expect(accepted(`sh(wsh(multi(1,${upperY}/*)))`, 'mainnet').kind).toBe('sh_wsh_multi');
  for (const text of [`wpkh(${ypub}/*)`, `tr(${ZPUB}/*)`, `wsh(multi(1,${upperY}/*))`]) {
    expect(parseReceivingDescriptor(text, 'mainnet')).toMatchObject({ code: 'invalid' });
  }
  for (const text of [upperY, upperZ]) {
    expect(parseReceivingDescriptor(text, 'mainnet')).toMatchObject({ code: 'unsupported' });
  }
});

test('a key of another network is refused, whichever its form', () => {
  const tpub = withVersion(XPUB86, 0x043587cf);
  for (const [text, network] of [
    [`wpkh(${tpub}/<0;1>/*)`, 'mainnet'],
    [UPUB, 'mainnet'],
    [ZPUB, 'signet'],
    [`tr(${XPUB86}/<0;1>/*)`, 'regtest'],
  ] as const) {
    expect(parseReceivingDescriptor(text, network)).toMatchObject({ code: 'wrong_network' });
  }
  expect(accepted(`wpkh(${tpub}/<0;1>/*)`, 'testnet4').network).toBe('testnet4');
});
