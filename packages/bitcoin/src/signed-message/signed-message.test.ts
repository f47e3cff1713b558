import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@quittance/kernel';
import { base64 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressToScript, scriptToAddress } from '../addresses.ts';
import { type SigningKind, scriptOfKey, signBip322, signLegacy } from '../testing/sign-message.ts';
import { displayHash, parseTransaction } from '../transaction.ts';
import { writeTransaction } from '../transaction-writer.ts';
import { messageHash, toSign, toSpendTxid } from './message-transactions.ts';
import { MAX_MESSAGE_LENGTH, verifyMessage } from './verify-message.ts';

const data =
  process.env['QUITTANCE_TESTDATA'] ?? join(import.meta.dirname, '../../../../../shared/data');
const file = join(data, 'bips/bip322-basic.json');

type Vectors = {
  tx_hashes: {
    message: string;
    address: string;
    message_hash: string;
    to_spend_tx_hash: string;
    to_sign_tx_hash: string;
  }[];
  simple: { message: string; address: string; type: string; bip322_signatures: string[] }[];
  error: {
    description: string;
    message: string;
    address: string;
    signature: string;
    error_substr: string;
  }[];
};

describe.skipIf(!existsSync(file))("BIP322's own vectors", () => {
  const vectors = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Vectors)
    : { tx_hashes: [], simple: [], error: [] };

  test('give the hashes of message and transactions', () => {
    expect(vectors.tx_hashes.length).toBeGreaterThan(2);
    for (const vector of vectors.tx_hashes) {
      const parsed = addressToScript(vector.address, 'mainnet');
      if (!parsed.ok) throw new Error(parsed.reason);
      expect(toHex(messageHash(vector.message))).toBe(vector.message_hash);
      const { script } = parsed;
      expect(displayHash(toSpendTxid(vector.message, script))).toBe(vector.to_spend_tx_hash);
      const signing = parseTransaction(writeTransaction(toSign(vector.message, script)));
      expect(displayHash(signing.txid)).toBe(vector.to_sign_tx_hash);
    }
  });

  test('are accepted in the simple form, each only with its own message', () => {
    expect(vectors.simple.length).toBeGreaterThan(3);
    for (const { message, address, bip322_signatures: signatures } of vectors.simple) {
      for (const signature of signatures) {
        const claim = { address, network: 'mainnet', message, signature } as const;
        expect(verifyMessage(claim)).toEqual({ ok: true, form: 'simple' });
        const other = verifyMessage({ ...claim, message: `${message}.` });
        expect(other).toMatchObject({ ok: false, code: 'invalid_signature' });
      }
    }
  });

  const codes = new Map([
    ['base64', ['not_base64']],
    ['signature too short', ['malformed']],
    ['invalid signature', ['invalid_signature']],
    ['error decoding signature as base64', ['not_base64']],
    ['error parsing signature as full variant', ['malformed']],
  ]);

  test.each(vectors.error)('are refused: $description', (vector) => {
    const { message, address, signature, error_substr: expected } = vector;
    const verdict = verifyMessage({ address, network: 'mainnet', message, signature });
    expect(verdict.ok).toBe(false);
    if (!verdict.ok) expect(codes.get(expected)).toContain(verdict.code);
  });
});

const kinds: SigningKind[] = ['wpkh', 'tr', 'sh_wpkh', 'pkh'];
const key = (seed: number) => new Uint8Array(32).fill(seed);
const addressOf = (seed: number, kind: SigningKind) =>
  scriptToAddress(scriptOfKey(key(seed), kind), 'regtest') ?? '';
const verify = (address: string, message: string, signature: string) =>
  verifyMessage({ address, network: 'regtest', message, signature });

describe.each(kinds)('a message signed for %s', (kind) => {
  // The simple form is a witness, and P2PKH has none.
  const forms = kind === 'pkh' ? [true] : [false, true];

  test('is accepted with its own message and address and no other', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...forms), (message, full) => {
        const signature = signBip322(key(1), { kind, message, full });
        const form = full ? 'full' : 'simple';
        expect(verify(addressOf(1, kind), message, signature)).toEqual({ ok: true, form });
        const bare = signature.slice(3);
        expect(verify(addressOf(1, kind), message, bare)).toEqual({ ok: true, form });
        const refused = { ok: false, code: 'invalid_signature' };
        expect(verify(addressOf(1, kind), `${message}x`, signature)).toMatchObject(refused);
        expect(verify(addressOf(2, kind), message, signature)).toMatchObject(refused);
      }),
      { numRuns: 20 },
    );
  });

  test("is refused when a forger's own key signs for the address", () => {
    for (const full of forms) {
      const forged = { kind, message: 'hello', full, victim: key(1) };
      expect(verify(addressOf(1, kind), 'hello', signBip322(key(1), forged)).ok).toBe(true);
      const signature = signBip322(key(2), forged);
      expect(verify(addressOf(1, kind), 'hello', signature)).toMatchObject({
        code: 'invalid_signature',
      });
    }
  });

  test('is refused with any bit changed, and never by an exception', () => {
    const full = kind === 'pkh';
    const signature = signBip322(key(1), { kind, message: 'hello', full });
    const bytes = base64.decode(signature.slice(3));
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const bad = Uint8Array.from(bytes);
        bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        const text = signature.slice(0, 3) + base64.encode(bad);
        const verdict = verify(addressOf(1, kind), 'hello', text);
        // Version 2 is as good as 0 in the full form, but then another transaction was signed.
        expect(verdict.ok).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});

test('signmessage is accepted for P2PKH and for no other kind of address', () => {
  const signature = signLegacy(key(1), 'hello');
  expect(verify(addressOf(1, 'pkh'), 'hello', signature)).toEqual({ ok: true, form: 'legacy' });
  expect(verify(addressOf(1, 'pkh'), 'hullo', signature)).toMatchObject({
    code: 'invalid_signature',
  });
  expect(verify(addressOf(2, 'pkh'), 'hello', signature)).toMatchObject({
    code: 'invalid_signature',
  });
  expect(verify(addressOf(1, 'wpkh'), 'hello', signature)).toMatchObject({ code: 'unsupported' });
});

test('what cannot be judged is refused with its own reason', () => {
  const signature = signBip322(key(1), { kind: 'wpkh', message: 'hello' });
  const address = addressOf(1, 'wpkh');
  expect(verify('nonsense', 'hello', signature)).toMatchObject({ code: 'bad_address' });
  const foreign = { address, network: 'mainnet', message: 'hello', signature } as const;
  expect(verifyMessage(foreign)).toMatchObject({ code: 'wrong_network' });
  const long = 'x'.repeat(MAX_MESSAGE_LENGTH + 1);
  expect(verify(address, long, signature)).toMatchObject({ code: 'too_long' });
  expect(verify(address, 'hello', `pof${signature.slice(3)}`)).toMatchObject({
    code: 'unsupported',
  });
});
