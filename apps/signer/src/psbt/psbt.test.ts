import { Transaction } from '@scure/btc-signer';
import { MalformedError } from '@quittance/bitcoin';
import { toHex } from '@quittance/kernel';
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { taprootTweakPrivKey } from '@scure/btc-signer/utils.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Random, seededRandom } from '../testing/random.ts';
import { rawUnsigned } from '../testing/requests.ts';
import { formatPsbt, parsePsbt } from './psbt.ts';
import { signEcdsa, signTaproot } from './signing.ts';
import { SIGHASH, sighashes } from './sighash.ts';

function randomScript({ pick, bytes }: Random): Uint8Array {
  const [opening, length, closing] = pick([
    [[0x00, 20], 20, []],
    [[0x00, 32], 32, []],
    [[0x76, 0xa9, 20], 20, [0x88, 0xac]],
    // Data of 300 bytes: a script whose length takes three bytes.
    [[0x6a, 0x4d, 0x2c, 0x01], 300, []],
  ] as const);
  return Uint8Array.of(...opening, ...bytes(length), ...closing);
}

/** A random transaction, as ours and as another library has it. */
function randomTransaction(seed: number) {
  const random = seededRandom(seed);
  const [version, locktime] = [random.pick([2, 3]), random.below(800_000)];
  const inputs = Array.from({ length: 1 + random.below(5) }, () => ({
    ...{ txid: random.bytes(32), vout: random.below(9), sequence: 0xffff_fff0 + random.below(16) },
    ...{ amountSats: random.sats(1n, 10n ** 12n), script: random.bytes(random.pick([22, 34])) },
  }));
  const outputs = Array.from({ length: 1 + random.below(5) }, () => ({
    ...{
      script: randomScript(random),
      amountSats: random.sats(0n, 10n ** 12n),
    },
  }));
  const raw = rawUnsigned({ version, locktime, inputs, outputs });
  const empty = { global: [{ type: 0, keyData: new Uint8Array(), value: raw }] };
  const psbt = formatPsbt({
    ...empty,
    inputs: inputs.map(() => []),
    outputs: outputs.map(() => []),
  });
  const other = new Transaction({
    version,
    lockTime: locktime,
    allowUnknownOutputs: true,
    allowUnknownVersion: true,
  });
  for (const { txid, vout, sequence } of inputs) {
    other.addInput({ txid: txid.toReversed(), index: vout, sequence });
  }
  for (const { script, amountSats } of outputs) other.addOutput({ script, amount: amountSats });
  return { psbt, inputs, other, random };
}

describe('message hashes', () => {
  test('are those of another library, for segwit and Taproot', () => {
    for (let seed = 0; seed < 150; seed++) {
      const { psbt, inputs, other, random } = randomTransaction(seed);
      const { unsigned } = parsePsbt(psbt);
      const hashes = sighashes(unsigned, inputs);
      const scripts = inputs.map(({ script }) => script);
      const amounts = inputs.map(({ amountSats }) => amountSats);
      const code = random.bytes(random.pick([25, 71, 260]));
      for (const [vin, { amountSats }] of inputs.entries()) {
        const v0 = other.preimageWitnessV0(vin, code, SIGHASH.all, amountSats);
        expect(toHex(hashes.segwitV0(vin, code))).toBe(toHex(v0));
        for (const type of [SIGHASH.default, SIGHASH.all]) {
          const v1 = other.preimageWitnessV1(vin, scripts, type, amounts);
          expect(toHex(hashes.taproot(vin, type))).toBe(toHex(v1));
        }
      }
    }
  });
});

describe('signatures', () => {
  test('are valid, low in R and S, and the same each time', () => {
    const random = seededRandom(5);
    for (let i = 0; i < 30; i++) {
      const [key, hash] = [random.bytes(32), random.bytes(32)];
      const signature = signEcdsa(hash, key);
      expect(signature.length).toBeLessThanOrEqual(70);
      const publicKey = secp256k1.getPublicKey(key);
      const options = { prehash: false, format: 'der', lowS: true } as const;
      expect(secp256k1.verify(signature, hash, publicKey, options)).toBe(true);
      expect(signEcdsa(hash, key)).toEqual(signature);
      const tap = signTaproot(hash, key);
      const output = schnorr.getPublicKey(taprootTweakPrivKey(key));
      expect(schnorr.verify(tap, hash, output)).toBe(true);
      expect(signTaproot(hash, key)).toEqual(tap);
    }
  });
});

describe('a PSBT', () => {
  test('is the same after reading and writing', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { psbt } = randomTransaction(seed);
      expect(formatPsbt(parsePsbt(psbt))).toEqual(psbt);
      const other = Transaction.fromPSBT(psbt, {
        allowUnknownOutputs: true,
        allowUnknownVersion: true,
      });
      expect(toHex(other.unsignedTx)).toBe(toHex(parsePsbt(psbt).rawUnsigned));
    }
  });

  test('of random or changed bytes is read whole or refused as malformed, nothing else', () => {
    const { psbt } = randomTransaction(1);
    const changed = fc
      .tuple(fc.nat(psbt.length - 1), fc.nat(255))
      .map(([at, byte]) => Uint8Array.from(psbt).fill(byte, at, at + 1));
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        try {
          expect(formatPsbt(parsePsbt(bytes))).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
