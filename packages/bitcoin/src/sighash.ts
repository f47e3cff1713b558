import { assert, type Sats } from '@quittance/kernel';
import { hash256, sha256, taggedHash } from './hashes.ts';
import type { TransactionOutput } from './transaction.ts';
import { ByteWriter, type UnsignedTransaction, writeTransaction } from './transaction-writer.ts';

/** Signatures that commit to all inputs and outputs; others are not used here. */
export const SIGHASH_ALL = 1;
/** As `SIGHASH_ALL`, and no byte for it in the signature (BIP341). */
export const SIGHASH_DEFAULT = 0;

/** Computes what the signatures of one transaction sign; what all inputs share is hashed once. */
export interface Sighashes {
  /** Before segwit: `script` is the output's script, or the one that it is the hash of. */
  legacy(input: number, script: Uint8Array): Uint8Array;
  /** Witness version 0 (BIP143). */
  witnessV0(input: number, spent: { script: Uint8Array; valueSats: Sats }): Uint8Array;
  /** Taproot's key path (BIP341), without an annex. */
  taproot(input: number, sighash: typeof SIGHASH_DEFAULT | typeof SIGHASH_ALL): Uint8Array;
}

/** @param spent the outputs that the inputs spend, in the order of the inputs */
export function sighashesOf(
  transaction: UnsignedTransaction,
  spent: readonly TransactionOutput[],
): Sighashes {
  const { version, locktime, inputs, outputs } = transaction;
  assert(spent.length === inputs.length, 'sighashesOf: an output for each input');
  let shared: Shared | undefined;
  const commitments = (): Shared => {
    shared ??= share(transaction, spent);
    return shared;
  };
  return {
    legacy(at, script) {
      const proofs = inputs.map((_, i) => ({
        scriptSig: i === at ? script : new Uint8Array(),
        witness: [],
      }));
      const bytes = writeTransaction({ version, locktime, inputs, outputs }, proofs);
      return hash256(new ByteWriter().bytes(bytes).uint32(SIGHASH_ALL).finish());
    },
    witnessV0(at, { script, valueSats }) {
      const input = inputs[at];
      assert(input !== undefined, 'witnessV0: no such input');
      const common = commitments();
      const message = new ByteWriter()
        .uint32(version)
        .bytes(sha256(common.prevouts))
        .bytes(sha256(common.sequences))
        .outpoint(input)
        .vector(script)
        .uint64(valueSats)
        .uint32(input.sequence)
        .bytes(sha256(common.outputs))
        .uint32(locktime)
        .uint32(SIGHASH_ALL);
      return hash256(message.finish());
    },
    taproot(at, sighash) {
      assert(at < inputs.length, 'taproot: no such input');
      const common = commitments();
      const message = new ByteWriter()
        // The epoch, that later rules may change.
        .byte(0)
        .byte(sighash)
        .uint32(version)
        .uint32(locktime)
        .bytes(common.prevouts)
        .bytes(common.amounts)
        .bytes(common.scripts)
        .bytes(common.sequences)
        .bytes(common.outputs)
        // Key path, no annex.
        .byte(0)
        .uint32(at);
      return taggedHash('TapSighash', message.finish());
    },
  };
}

/** Single SHA-256 of each list, as BIP341 uses them; BIP143 hashes them once more. */
interface Shared {
  readonly prevouts: Uint8Array;
  readonly amounts: Uint8Array;
  readonly scripts: Uint8Array;
  readonly sequences: Uint8Array;
  readonly outputs: Uint8Array;
}

function share(
  { inputs, outputs }: UnsignedTransaction,
  spent: readonly TransactionOutput[],
): Shared {
  const hashAll = <T>(items: readonly T[], write: (writer: ByteWriter, item: T) => void) => {
    const writer = new ByteWriter();
    for (const item of items) write(writer, item);
    return sha256(writer.finish());
  };
  return {
    prevouts: hashAll(inputs, (writer, input) => writer.outpoint(input)),
    amounts: hashAll(spent, (writer, { valueSats }) => writer.uint64(valueSats)),
    scripts: hashAll(spent, (writer, { script }) => writer.vector(script)),
    sequences: hashAll(inputs, (writer, { sequence }) => writer.uint32(sequence)),
    outputs: hashAll(outputs, (writer, output) => writer.output(output)),
  };
}
