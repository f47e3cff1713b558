import { fromHex, toHex } from '@quittance/kernel';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stretch, stretchInJavaScript } from './kdf.ts';
import { masterKey, newWords, readBackup, wordsOf } from './root-key.ts';
import { openSealed, sealBody } from './sealed-file.ts';
import { newAuthKey, openVault, sealVault, type Unlocker, type VaultSecrets } from './vault.ts';

const COST = { memoryKiB: 64, passes: 1 };
const passphrase = (text: string): Unlocker => ({ kind: 'passphrase', bytes: Buffer.from(text) });
const secrets = (): VaultSecrets => ({
  authKey: newAuthKey(),
  root: { kind: 'seed', bytes: new Uint8Array(64).fill(9) },
});

describe('the vault', () => {
  test('gives back what was put in, for the right passphrase or key file only', () => {
    const key: Unlocker = { kind: 'key-file', bytes: new Uint8Array(32).fill(4) };
    for (const unlocker of [passphrase('right'), key]) {
      const inside = secrets();
      const text = sealVault(inside, { network: 'regtest', unlocker, cost: COST });
      expect(openVault(text, unlocker)).toEqual(inside);
      const other: Unlocker = { ...unlocker, bytes: Uint8Array.from(unlocker.bytes).fill(7) };
      expect(() => openVault(text, other)).toThrow(/is wrong, or the vault file was damaged/);
    }
    const text = sealVault(secrets(), { network: 'regtest', unlocker: key, cost: COST });
    expect(() => openVault(text, passphrase('x'))).toThrow('unlocked with a key file');
  });

  test('notices every change of the file', () => {
    const unlocker = passphrase('right');
    const text = sealVault(secrets(), { network: 'regtest', unlocker, cost: COST });
    const value = JSON.parse(text) as Record<string, unknown> & { kdf: Record<string, unknown> };
    const changed = [
      { ...value, network: 'signet' },
      { ...value, kdf: { ...value.kdf, passes: 2 } },
      { ...value, kdf: { ...value.kdf, memoryKiB: 65 } },
      { ...value, kdf: { ...value.kdf, salt: '00'.repeat(16) } },
      { ...value, nonce: '00'.repeat(24) },
      { ...value, sealed: `00${String(value['sealed']).slice(2)}` },
      { ...value, sealed: String(value['sealed']).slice(2) },
      { ...value, kdf: { ...value.kdf, memoryKiB: 10 ** 9 } },
      { ...value, version: 2 },
      {},
    ];
    for (const each of changed) {
      expect(() => openVault(JSON.stringify(each), unlocker)).toThrow(/wrong|damaged|newer/);
    }
    expect(() => openVault('{', unlocker)).toThrow('damaged');
  });

  test('stretches passphrases by Argon2id, alike in the runtime and in JavaScript', () => {
    const salt = new Uint8Array(16).fill(1);
    const cost = { memoryKiB: 256, passes: 3 };
    const key = stretch(Buffer.from('password'), salt, cost);
    expect(toHex(key)).toBe(toHex(stretchInJavaScript(Buffer.from('password'), salt, cost)));
    // 64 MiB, three passes, one lane: worked out with another implementation (OpenSSL 3.5).
    const full = stretch(Buffer.from('password'), salt, { memoryKiB: 65_536, passes: 3 });
    expect(toHex(full)).toBe('29661e137750df9054176693d50d858c717c4da4aa852273131a082203946ee1');
  });
});

describe('the backup', () => {
  // First vector of BIP39's reference list (passphrase TREZOR) and of BIP32.
  const words = wordsOf(new Uint8Array(16));

  test('of words is the seed of BIP39', () => {
    const root = readBackup(`  ${words.toUpperCase()}\n`, {
      network: 'mainnet',
      bip39Passphrase: 'TREZOR',
    });
    expect(toHex(root.bytes)).toMatch(
      /^c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e5/,
    );
  });

  test('of an extended private key is the same master key', () => {
    const root = readBackup(words, { network: 'mainnet' });
    const master = masterKey(root, 'mainnet');
    const again = readBackup(master.privateExtendedKey, { network: 'mainnet' });
    expect(again.kind).toBe('master-key');
    expect(masterKey(again, 'mainnet').privateExtendedKey).toBe(master.privateExtendedKey);
  });

  test('that is wrong is refused with the reason, and no reason repeats it', () => {
    const master = masterKey(readBackup(words, { network: 'mainnet' }), 'mainnet');
    const cases: [string, RegExp][] = [
      ['', /these are 0/],
      [words.split(' ').slice(1).join(' '), /these are 11/],
      [words.replace('about', 'abouut'), /word 12 is not in the English list/],
      [words.replace('about', 'abandon'), /checksum/],
      [master.privateExtendedKey.replace(/.$/, 'z'), /typing mistake/],
      [master.publicExtendedKey, /neither BIP39 words|public key/],
      [master.deriveChild(0).privateExtendedKey, /not a master key/],
    ];
    for (const [text, reason] of cases) {
      const attempt = () => readBackup(text, { network: 'mainnet' });
      expect(attempt).toThrow(reason);
      try {
        attempt();
      } catch (error) {
        const said = String(error);
        for (const secret of text.split(' ')) {
          if (secret.length > 3) expect(said).not.toContain(secret);
        }
      }
    }
    expect(() => readBackup(master.privateExtendedKey, { network: 'regtest' })).toThrow(
      /for mainnet, the vault for regtest/,
    );
  });

  test('new words are 24 and always another', () => {
    const [one, two] = [newWords(), newWords()];
    expect(one.split(' ')).toHaveLength(24);
    expect(one).not.toBe(two);
    expect(readBackup(one, { network: 'signet' }).bytes).toHaveLength(64);
  });
});

describe('a sealed file', () => {
  const key = fromHex('11'.repeat(32));
  test('opens as it was sealed, and not when it was changed or is of another kind', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // A body of the file is always an object; "-0" has no JSON of its own.
        const body = JSON.parse(JSON.stringify({ value })) as unknown;
        const bytes = Buffer.from(sealBody('policy', body, key));
        const at = { key, path: 'policy.json' };
        expect(openSealed('policy', bytes, at)).toEqual(body);
        expect(() => openSealed('wallets', bytes, at)).toThrow('was not written by this signer');
        const other = { ...at, key: fromHex('12'.repeat(32)) };
        expect(() => openSealed('policy', bytes, other)).toThrow('was not written by this signer');
      }),
    );
    const text = sealBody('policy', { maxFeeSats: '5' }, key).replace('"5"', '"6"');
    const at = { key, path: 'policy.json' };
    expect(() => openSealed('policy', Buffer.from(text), at)).toThrow('changed since');
  });
});
