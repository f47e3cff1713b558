import { toHex } from '@quittance/kernel';
import { HDKey } from '@scure/bip32';
import { SigHash, Transaction } from '@scure/btc-signer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveScript } from '../descriptors/derive.ts';
import { type Descriptor, parseDescriptor } from '../descriptors/descriptor.ts';
import { witnessScript } from '../scripts.ts';
import { seededRandom } from '../testing/seeded.ts';
import { parseTransaction } from '../transaction.ts';
import { writeTransaction } from '../transaction-writer.ts';
import { buildPsbt } from './build-psbt.ts';
import { checkSignedPsbt, combinePsbts, finalizePsbt } from './collect-signatures.ts';
import { antiFeeSniping, shuffled } from './habits.ts';
import { psbtToBase64 } from './psbt-format.ts';

const VERSIONS = { public: 0x043587cf, private: 0x04358394 };
const seeds = [1, 2, 3, 4].map((seed) =>
  HDKey.fromMasterSeed(new Uint8Array(32).fill(seed), VERSIONS),
);
const path = "m/84'/1'/0'";

function descriptorOf(write: (...keys: string[]) => string): Descriptor {
  const keys = seeds.map((root) => {
    const fingerprint = root.fingerprint.toString(16).padStart(8, '0');
    return `[${fingerprint}/84h/1h/0h]${root.derive(path).publicExtendedKey}/<0;1>/*`;
  });
  const parsed = parseDescriptor(write(...keys), 'regtest');
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.descriptor;
}

const kinds = {
  wpkh: descriptorOf((a) => `wpkh(${a})`),
  tr: descriptorOf((a) => `tr(${a})`),
  sh_wpkh: descriptorOf((a) => `sh(wpkh(${a}))`),
  pkh: descriptorOf((a) => `pkh(${a})`),
  wsh: descriptorOf((a, b, c) => `wsh(sortedmulti(2,${a},${b},${c}))`),
};
type Kind = keyof typeof kinds;
const all = Object.keys(kinds).filter((kind): kind is Kind => Object.hasOwn(kinds, kind));

const foreign = witnessScript(0, new Uint8Array(20).fill(9));

function previous(script: Uint8Array, valueSats: bigint): Uint8Array {
  const input = { prevTxid: new Uint8Array(32).fill(7), prevVout: 1, sequence: 0xffffffff };
  const outputs = [
    { valueSats: 1_000n, script: foreign },
    { valueSats, script },
  ];
  return writeTransaction({ version: 2, locktime: 0, inputs: [input], outputs });
}

function build(kind: Kind, paidSats = 150_000n): Uint8Array {
  const descriptor = kinds[kind];
  const inputs = [0, 1].map((index) => ({
    descriptor,
    branch: 0,
    index,
    previous: previous(deriveScript(descriptor, { branch: 0, index }), 100_000n),
    vout: 1,
  }));
  const change = { descriptor, branch: 1, index: 5 };
  const outputs = [
    { script: foreign, amountSats: paidSats },
    { script: deriveScript(descriptor, change), amountSats: 40_000n, own: change },
  ];
  return buildPsbt({ inputs, outputs, locktime: 100 });
}

/** Signs as a hardware wallet does, with the library that the product does not verify with. */
function sign(
  psbt: Uint8Array,
  options: { seed?: number; sighash?: number; spoil?: (transaction: Transaction) => void } = {},
): Uint8Array {
  const transaction = Transaction.fromPSBT(psbt, { allowLegacyWitnessUtxo: true });
  options.spoil?.(transaction);
  const root = seeds[options.seed ?? 0];
  if (root === undefined) throw new Error('no such seed');
  const allowed = options.sighash === undefined ? undefined : [options.sighash];
  for (const index of [0, 1]) {
    const key = root.derive(`${path}/0/${index}`).privateKey;
    if (key === null) throw new Error('no private key');
    transaction.signIdx(key, index, allowed);
  }
  return transaction.toPSBT();
}

describe.each(all)('a PSBT of %s', (kind) => {
  const needed = kind === 'wsh' ? 2 : 1;
  const signed = (psbt: Uint8Array) =>
    Array.from({ length: needed }, (_, seed) => sign(psbt, { seed }));

  test('is accepted with its signatures, as text and as a file, and makes one transaction', () => {
    const psbt = build(kind);
    const returned = signed(psbt);
    const binary = combinePsbts(psbt, returned);
    const text = combinePsbts(psbt, returned.map(psbtToBase64));
    expect(binary).toMatchObject({ ok: true, added: 2 * needed, isComplete: true });
    expect(text).toEqual(binary);
    if (!binary.ok) return;
    const final = finalizePsbt(binary.psbt);
    if (!final.ok) throw new Error(final.reason);
    const { outputs, locktime, inputs } = parseTransaction(final.raw);
    expect(outputs.map(({ valueSats }) => valueSats)).toEqual([150_000n, 40_000n]);
    expect(locktime).toBe(100);
    expect(inputs.map(({ sequence }) => sequence)).toEqual([0xfffffffd, 0xfffffffd]);
  });

  test('adds nothing when the same signatures come again', () => {
    const psbt = build(kind);
    const once = combinePsbts(psbt, signed(psbt));
    if (!once.ok) throw new Error(once.reason);
    const again = combinePsbts(once.psbt, signed(psbt));
    expect(again).toMatchObject({ ok: true, added: 0, isComplete: true });
    if (again.ok) expect(toHex(again.psbt)).toBe(toHex(once.psbt));
  });

  test('is refused with a signature of which any bit was changed', () => {
    const psbt = build(kind);
    const good = Transaction.fromPSBT(sign(psbt));
    fc.assert(
      fc.property(fc.nat(511), (bit) => {
        const bad = Transaction.fromPSBT(psbt);
        const input = good.getInput(1);
        const flip = (signature: Uint8Array) => {
          const copy = Uint8Array.from(signature);
          // The last byte of an ECDSA signature is its sighash, which has its own refusal.
          const at = (bit >>> 3) % (kind === 'tr' ? 64 : copy.length - 1);
          copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
          return copy;
        };
        if (input.tapKeySig !== undefined) {
          bad.updateInput(1, { tapKeySig: flip(input.tapKeySig) }, true);
        } else {
          const [entry] = input.partialSig ?? [];
          if (entry === undefined) throw new Error('not signed');
          bad.updateInput(1, { partialSig: [[entry[0], flip(entry[1])]] }, true);
        }
        const checked = checkSignedPsbt(psbt, bad.toPSBT());
        // What is no DER signature any more does not even pass as a PSBT.
        expect(checked.ok).toBe(false);
        if (!checked.ok) expect(['invalid_signature', 'not_a_psbt']).toContain(checked.code);
      }),
      { numRuns: 30 },
    );
  });

  test('is refused when it is of another transaction, however little differs', () => {
    const psbt = build(kind);
    const other = sign(build(kind, 150_001n));
    expect(checkSignedPsbt(psbt, other)).toMatchObject({ code: 'other_transaction' });
  });

  test('is refused with a signature that does not commit to everything', () => {
    const psbt = build(kind);
    const sighash = SigHash.NONE;
    const spoil = (transaction: Transaction) => {
      for (const index of [0, 1]) transaction.updateInput(index, { sighashType: sighash });
    };
    const loose = sign(psbt, { sighash, spoil });
    expect(checkSignedPsbt(psbt, loose)).toMatchObject({ code: 'sighash', input: 0 });
  });

  test('without signatures is no transaction, and says what is missing', () => {
    const psbt = build(kind);
    expect(checkSignedPsbt(psbt, psbt)).toMatchObject({ ok: true, added: 0, isComplete: false });
    expect(finalizePsbt(psbt)).toMatchObject({
      code: 'incomplete',
      missing: [
        { input: 0, have: 0, need: needed },
        { input: 1, have: 0, need: needed },
      ],
    });
  });
});

test('a signature over a lied amount is refused: only our own record of it counts', () => {
  const psbt = build('wpkh');
  const spoil = (transaction: Transaction) => {
    const script = transaction.getInput(0).witnessUtxo?.script;
    if (script === undefined) throw new Error('no output');
    const lie: object = { nonWitnessUtxo: undefined, witnessUtxo: { amount: 90_000n, script } };
    transaction.updateInput(0, lie);
  };
  expect(checkSignedPsbt(psbt, sign(psbt, { spoil }))).toMatchObject({
    code: 'invalid_signature',
    input: 0,
  });
});

test('a signature by a key that has no say is refused', () => {
  const psbt = build('wsh');
  const key = seeds[3]?.derive(`${path}/0/0`);
  const [entry] = Transaction.fromPSBT(sign(psbt)).getInput(0).partialSig ?? [];
  if (!key?.publicKey || entry === undefined) throw new Error('no key');
  const transaction = Transaction.fromPSBT(psbt);
  transaction.updateInput(0, { partialSig: [[key.publicKey, entry[1]]] }, true);
  const checked = checkSignedPsbt(psbt, transaction.toPSBT());
  expect(checked).toMatchObject({ code: 'foreign_key', input: 0 });
});

test('what is no PSBT is refused without an exception', () => {
  const psbt = build('wpkh');
  const whole = sign(psbt);
  for (const given of ['', 'cHNidP8=', 'hello', new Uint8Array(), new Uint8Array(100)]) {
    expect(checkSignedPsbt(psbt, given)).toMatchObject({ code: 'not_a_psbt' });
  }
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Uint8Array.from(whole);
      damaged[at] = byte;
      const checked = checkSignedPsbt(psbt, damaged);
      // Either the damage is noticed, or it hit what is not taken over anyway.
      if (checked.ok) expect(finalizePsbt(checked.psbt).ok || checked.added < 2).toBe(true);
      expect(checkSignedPsbt(psbt, whole.slice(0, at)).ok).toBe(false);
    }),
    { numRuns: 80 },
  );
});

test('our own records that contradict each other are never written down', () => {
  const descriptor = kinds.wpkh;
  const script = deriveScript(descriptor, { branch: 0, index: 0 });
  const input = { descriptor, branch: 0, index: 0, previous: previous(script, 9_000n), vout: 1 };
  const output = { script: foreign, amountSats: 8_000n };
  const attempt =
    (change: object, outputs: object = {}) =>
    () =>
      buildPsbt({ inputs: [{ ...input, ...change }], outputs: [{ ...output, ...outputs }] });
  expect(attempt({})).not.toThrow();
  expect(attempt({ index: 1 })).toThrow(/not what its descriptor derives/);
  expect(attempt({ vout: 0 })).toThrow(/not what its descriptor derives/);
  expect(attempt({ vout: 2 })).toThrow(/no such output/);
  const own = { descriptor, branch: 1, index: 0 };
  expect(attempt({}, { own })).toThrow(/not what its descriptor derives/);
});

test('the lock time is the tip, one time in ten a little earlier, and none with an old tip', () => {
  const random = seededRandom(11);
  const chain = { tipHeight: 900_000, tipTimeMs: 1_000, nowMs: 2_000, random };
  const heights = Array.from({ length: 5_000 }, () => antiFeeSniping(chain));
  const back = heights.filter((height) => height !== 900_000);
  expect(back.length).toBeGreaterThan(400);
  expect(back.length).toBeLessThan(600);
  for (const height of back) expect(height).toBeGreaterThan(900_000 - 100);
  for (const height of back) expect(height).toBeLessThan(900_000);
  expect(antiFeeSniping({ ...chain, nowMs: 8 * 3_600_000 + 1_001 })).toBe(0);
  expect(antiFeeSniping({ ...chain, tipHeight: 3 })).toBeLessThanOrEqual(3);
});

test('a shuffle keeps the items, and puts each in each place', () => {
  const random = seededRandom(12);
  const places = [0, 0, 0];
  for (let i = 0; i < 3_000; i++) {
    const order = shuffled(['a', 'b', 'c'], random);
    expect(order.toSorted()).toEqual(['a', 'b', 'c']);
    const at = order.indexOf('c');
    places[at] = (places[at] ?? 0) + 1;
  }
  for (const count of places) expect(Math.abs(count - 1_000)).toBeLessThan(120);
});
