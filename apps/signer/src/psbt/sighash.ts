import { sha256 } from '@noble/hashes/sha2.js';
import type { Transaction } from '@quittance/bitcoin';
import { assert } from '@quittance/kernel';
import { compactSize } from './psbt.ts';

/** What a spent coin is, found out by ourselves. */
export type SpentCoin = { amountSats: bigint; script: Uint8Array };

/** The only signatures that are made: over the whole transaction. */
export const SIGHASH = { default: 0x00, all: 0x01 } as const;
export type Sighash = (typeof SIGHASH)[keyof typeof SIGHASH];

/**
 * Message hashes of one transaction: what is the same for every input is computed once, so that
 * many inputs take no quadratic time.
 * @param coins what each input spends, in their order
 */
export function sighashes(
  transaction: Transaction,
  coins: readonly SpentCoin[],
): {
  /** BIP143; `scriptCode` without its length. */
  segwitV0(vin: number, scriptCode: Uint8Array): Uint8Array;
  /** BIP341, key path, no annex. */
  taproot(vin: number, sighash: Sighash): Uint8Array;
} {
  const { inputs, outputs } = transaction;
  assert(coins.length === inputs.length, 'sighashes: a coin for each input');
  const outpoints = inputs.map((input) => join(input.prevTxid, uint32(input.prevVout)));
  const prevouts = sha256(join(...outpoints));
  const sequences = sha256(join(...inputs.map((input) => uint32(input.sequence))));
  const outputsHash = sha256(
    join(...outputs.flatMap((out) => [uint64(out.valueSats), vector(out.script)])),
  );
  const amounts = sha256(join(...coins.map((coin) => uint64(coin.amountSats))));
  const scripts = sha256(join(...coins.map((coin) => vector(coin.script))));
  const version = uint32(transaction.version);
  const locktime = uint32(transaction.locktime);
  const tag = sha256(new TextEncoder().encode('TapSighash'));

  return {
    segwitV0(vin, scriptCode) {
      const [outpoint, coin, input] = [outpoints[vin], coins[vin], inputs[vin]];
      assert(outpoint !== undefined && coin !== undefined && input !== undefined, 'no such input');
      const message = join(
        ...[version, sha256(prevouts), sha256(sequences), outpoint, vector(scriptCode)],
        ...[uint64(coin.amountSats), uint32(input.sequence), sha256(outputsHash), locktime],
        uint32(SIGHASH.all),
      );
      return sha256(sha256(message));
    },
    taproot(vin, sighash) {
      assert(vin < inputs.length, 'no such input');
      const message = join(
        // Epoch 0, then the type of the signature.
        ...[Uint8Array.of(0, sighash), version, locktime, prevouts, amounts, scripts, sequences],
        // Spend type: key path, no annex.
        ...[outputsHash, Uint8Array.of(0), uint32(vin)],
      );
      return sha256(join(tag, tag, message));
    },
  };
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function vector(bytes: Uint8Array): Uint8Array {
  return join(compactSize(bytes.length), bytes);
}

export function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return new Uint8Array(bytes);
}

export function uint64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return new Uint8Array(bytes);
}
