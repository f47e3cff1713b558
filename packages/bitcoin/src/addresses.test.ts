import { toHex } from '@quittance/kernel';
import { bech32, bech32m, createBase58check } from '@scure/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressToScript, scriptToAddress } from './addresses.ts';
import { sha256 } from './hashes.ts';
import { isNetwork, type Network, networkOfGenesis, networks } from './networks.ts';
import { classifyScript, p2pkhScript, p2shScript, witnessScript } from './scripts.ts';

const allNetworks: Network[] = ['mainnet', 'testnet4', 'signet', 'regtest'];

/** BIP350: valid addresses and their scripts; they contain those of BIP173 that stay valid. */
const VALID: [address: string, network: Network, script: string][] = [
  [
    'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4',
    'mainnet',
    '0014751e76e8199196d454941c45d1b3a323f1433bd6',
  ],
  [
    'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7',
    'testnet4',
    '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262',
  ],
  [
    'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y',
    'mainnet',
    '5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6',
  ],
  ['BC1SW50QGDZ25J', 'mainnet', '6002751e'],
  ['bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs', 'mainnet', '5210751e76e8199196d454941c45d1b3a323'],
  [
    'tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy',
    'signet',
    '0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433',
  ],
  [
    'tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c',
    'testnet4',
    '5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433',
  ],
  [
    'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
    'mainnet',
    '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
  ],
];

/** Invalid addresses of BIP173 and BIP350. */
const INVALID = [
  'tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty',
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5',
  'BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2',
  'bc1rw5uspcuh',
  'bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90',
  'BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P',
  'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7',
  'bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du',
  'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv',
  'bc1gmk9yu',
  'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx',
  'BC1SW50QA3JX3S',
  'bc1zw508d6qejxtdg4y5r3zarvaryvg6kdaj',
  'tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut',
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd',
  'tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf',
  'BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL',
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh',
  'tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47',
  'bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4',
  'BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R',
  'bc1pw5dgrnzv',
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav',
  'tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq',
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf',
  'tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j',
];

const anyScript = fc.oneof(
  fc.uint8Array({ minLength: 20, maxLength: 20 }).map(p2pkhScript),
  fc.uint8Array({ minLength: 20, maxLength: 20 }).map(p2shScript),
  fc.uint8Array({ minLength: 20, maxLength: 20 }).map((program) => witnessScript(0, program)),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((program) => witnessScript(0, program)),
  fc
    .tuple(fc.integer({ min: 1, max: 16 }), fc.uint8Array({ minLength: 2, maxLength: 40 }))
    .map(([version, program]) => witnessScript(version, program)),
);

test.each(VALID)('BIP350: %s is read and written', (address, network, script) => {
  const parsed = addressToScript(address, network);
  expect(parsed.ok && toHex(parsed.script)).toBe(script);
  expect(parsed.ok && scriptToAddress(parsed.script, network)).toBe(address.toLowerCase());
});

test.each(INVALID)('BIP173, BIP350: %s is refused', (address) => {
  for (const network of allNetworks) {
    expect(addressToScript(address, network)).toMatchObject({ ok: false, code: 'invalid' });
  }
});

test('base58 addresses of both kinds are read and written', () => {
  // BIP67's vectors give an address of 3…; the other pays the genesis block's key.
  for (const [address, kind] of [
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'p2pkh'],
    ['39bgKC7RFbpoCRbtD5KEdkYKtNyhpsNa3Z', 'p2sh'],
  ] as const) {
    const parsed = addressToScript(address, 'mainnet');
    expect(parsed).toMatchObject({ ok: true, kind });
    expect(parsed.ok && scriptToAddress(parsed.script, 'mainnet')).toBe(address);
  }
});

test('every addressable script survives the way through its address', () => {
  fc.assert(
    fc.property(anyScript, fc.constantFrom(...allNetworks), (script, network) => {
      const address = scriptToAddress(script, network);
      expect(address).not.toBeNull();
      const parsed = addressToScript(address ?? '', network);
      expect(parsed.ok && parsed.script).toEqual(script);
      expect(parsed.ok && parsed.kind).toBe(classifyScript(script)?.kind);
    }),
  );
});

test('an address of another network is refused with the name of its network', () => {
  const refused = (address: string, network: Network) => {
    const parsed = addressToScript(address, network);
    return parsed.ok ? 'accepted' : `${parsed.code}: ${parsed.reason}`;
  };
  expect(refused('tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7', 'mainnet')).toBe(
    'wrong_network: this is a testnet address, but Quittance runs on mainnet here',
  );
  expect(refused('1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'regtest')).toBe(
    'wrong_network: this is a mainnet address, but Quittance runs on regtest here',
  );
  const regtest = scriptToAddress(witnessScript(0, new Uint8Array(20)), 'regtest') ?? '';
  expect(refused(regtest, 'signet')).toBe(
    'wrong_network: this is a regtest address, but Quittance runs on signet here',
  );
  expect(refused('2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2', 'mainnet')).toContain('testnet address');
  expect(refused('2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2', 'regtest')).toBe('accepted');
});

test('one changed character never gives another valid address', () => {
  const alphabet = [...'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  fc.assert(
    fc.property(
      anyScript,
      fc.nat(),
      fc.constantFrom(...alphabet),
      (script, position, character) => {
        const address = scriptToAddress(script, 'mainnet') ?? '';
        const at = position % address.length;
        fc.pre(address[at]?.toLowerCase() !== character.toLowerCase());
        const changed = address.slice(0, at) + character + address.slice(at + 1);
        expect(addressToScript(changed, 'mainnet').ok).toBe(false);
      },
    ),
    { numRuns: 500 },
  );
});

test('garbage is refused and never throws', () => {
  const base58check = createBase58check(sha256);
  const words = fc.array(fc.integer({ min: 0, max: 31 }), { maxLength: 70 });
  const wellSummed = fc.oneof(
    words.map((each) => bech32.encode('bc', each, false)),
    words.map((each) => bech32m.encode('tb', each, false)),
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((each) => base58check.encode(each)),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), wellSummed),
      fc.constantFrom(...allNetworks),
      (text, network) => {
        const parsed = addressToScript(text, network);
        if (parsed.ok) expect(scriptToAddress(parsed.script, network)).toBe(text);
      },
    ),
    { numRuns: 500 },
  );
});

test('scripts without an address have none', () => {
  for (const hex of ['', '6a', '6a04deadbeef', '51', '0015', `21${'02'.repeat(33)}ac`, '0001aa']) {
    const script = Uint8Array.from(
      hex.match(/../g)?.map((each) => Number.parseInt(each, 16)) ?? [],
    );
    expect(scriptToAddress(script, 'mainnet')).toBeNull();
  }
});

test('a network is known by its name and by its first block', () => {
  for (const network of allNetworks) {
    expect(isNetwork(network)).toBe(true);
    expect(networkOfGenesis(networks[network].genesisHash)).toBe(network);
  }
  expect(isNetwork('testnet3')).toBe(false);
  expect(isNetwork('toString')).toBe(false);
  expect(networkOfGenesis('00'.repeat(32))).toBeNull();
});
