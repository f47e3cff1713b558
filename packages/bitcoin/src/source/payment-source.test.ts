import { toHex } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MalformedError } from '../errors.ts';
import { hash160, sha256 } from '../hashes.ts';
import { p2pkhScript, p2shScript, witnessScript } from '../scripts.ts';
import { paymentSource } from './payment-source.ts';

/** The signed example of BIP143 for P2WPKH in P2SH, and the script that it spends. */
const BIP143 =
  '01000000000101db6b1b20aa0fd7b23880be2ecbd4a98130974cf4748fb66092ac4d3ceb1a5477010000001716001479091972186c449eb1ded22b78e40d009bdf0089feffffff02b8b4eb0b000000001976a914a457b684d7f0d539a46a45bbc043f35b59d0d96388ac0008af2f000000001976a914fd270b1ee6abcaea97fea7ad0402e8bd8ad6d77c88ac02473044022047ac8e878352d3ebbde1c94ce3a10d057c24175747116f8288e5d794d12d482f0220217f36a485cae903c713331d877c1f64677e3622ad4010726870540656fe9dcb012103ad1d8e89212f0b92c74d23bb710c00662ad1470198ac48c43f7d6f93a2a2687392040000';
const BIP143_SCRIPT = 'a9144733f37cf4db86fbc2efed2500b4f4e49f31202387';

const KEY = Uint8Array.of(2, ...Array<number>(32).fill(7));
const SIGNATURE = new Uint8Array(71).fill(0x30);
const MULTISIG = Uint8Array.of(0x51, 33, ...KEY, 33, ...KEY, 0x52, 0xae);

type Input = { scriptSig?: readonly number[]; witness?: readonly Uint8Array[] };

/** A transaction that spends such inputs and has so many outputs of so much. */
function transaction(inputs: readonly Input[], amounts: readonly number[] = [1, 2]): Uint8Array {
  const bytes: number[] = [2, 0, 0, 0, 0, 1, inputs.length];
  inputs.forEach(({ scriptSig = [] }, i) => {
    bytes.push(...Array<number>(32).fill(i + 1), 0, 0, 0, 0, scriptSig.length, ...scriptSig);
    bytes.push(0xff, 0xff, 0xff, 0xff);
  });
  bytes.push(amounts.length);
  amounts.forEach((amount, i) => {
    bytes.push(amount, 0, 0, 0, 0, 0, 0, 0, 22, 0, 20, ...Array<number>(20).fill(i));
  });
  for (const { witness = [] } of inputs) {
    bytes.push(witness.length);
    for (const item of witness) bytes.push(item.length, ...item);
  }
  return Uint8Array.from([...bytes, 0, 0, 0, 0]);
}

const push = (bytes: Uint8Array) => [bytes.length, ...bytes];
const told = (raw: Uint8Array) => {
  const { scripts, unknownInputs, warnings } = paymentSource(raw);
  return { scripts: scripts.map(toHex), unknownInputs, warnings };
};

test('an input that carries what it spent tells it: the example of BIP143', () => {
  const raw = new Uint8Array(Buffer.from(BIP143, 'hex'));
  expect(told(raw)).toEqual({ scripts: [BIP143_SCRIPT], unknownInputs: 0, warnings: [] });
});

test.each([
  ['P2WPKH', { witness: [SIGNATURE, KEY] }, witnessScript(0, hash160(KEY)), []],
  [
    'P2WSH',
    { witness: [new Uint8Array(), SIGNATURE, MULTISIG] },
    witnessScript(0, sha256(MULTISIG)),
    ['shared_custody'],
  ],
  ['P2PKH', { scriptSig: [...push(SIGNATURE), ...push(KEY)] }, p2pkhScript(hash160(KEY)), []],
  [
    'multisig in P2SH',
    { scriptSig: [0, ...push(SIGNATURE), 0x4c, ...push(MULTISIG)] },
    p2shScript(hash160(MULTISIG)),
    ['shared_custody'],
  ],
] as const)('the script that an input of %s spent', (_, input, script, warnings) => {
  // A transaction without any witness has another form; an input beside it brings one.
  const raw = transaction([input, { witness: [new Uint8Array(64)] }]);
  const { scripts, unknownInputs, warnings: all } = told(raw);
  expect({ scripts, unknownInputs }).toEqual({ scripts: [toHex(script)], unknownInputs: 1 });
  expect(all).toEqual([...warnings, 'several_sources', 'unknown_source']);
});

test('taproot tells nothing by itself, and is told from what is on record', () => {
  const byKey = transaction([{ witness: [new Uint8Array(64)] }]);
  const control = Uint8Array.of(0xc0, ...KEY.slice(1));
  const byScript = transaction([{ witness: [SIGNATURE, MULTISIG, control] }]);
  for (const raw of [byKey, byScript]) {
    expect(told(raw)).toEqual({ scripts: [], unknownInputs: 1, warnings: ['unknown_source'] });
  }
  const script = witnessScript(1, new Uint8Array(32));
  const known = new Map([[`${'01'.repeat(32)}:0`, script]]);
  expect(paymentSource(byKey, known)).toMatchObject({ scripts: [script], warnings: [] });
});

test('a payout of many and a coinjoin are warned of', () => {
  const own = { witness: [SIGNATURE, KEY] };
  const amounts = Array.from({ length: 12 }, (_, i) => i + 1);
  expect(told(transaction([own], amounts)).warnings).toEqual(['exchange']);
  const mixed = [own, { witness: [new Uint8Array(64)] }, { witness: [new Uint8Array(64)] }];
  expect(told(transaction(mixed, [5, 5, 5, 1])).warnings).toContain('coinjoin');
});

test('any bytes give an answer or are refused as malformed', () => {
  const whole = new Uint8Array(Buffer.from(BIP143, 'hex'));
  const broken = fc
    .record({ at: fc.nat(whole.length - 1), to: fc.nat(255), cut: fc.nat(whole.length) })
    .map(({ at, to, cut }) => whole.with(at, to).slice(0, cut === 0 ? whole.length : cut));
  fc.assert(
    fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 300 })), (raw) => {
      try {
        paymentSource(raw);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    }),
    { numRuns: 2_000 },
  );
});
