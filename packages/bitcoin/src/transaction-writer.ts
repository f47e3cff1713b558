import { assert, type Sats } from '@quittance/kernel';
import type { TransactionInput, TransactionOutput } from './transaction.ts';

/** What signatures commit to: a transaction without script signatures and witnesses. */
export interface UnsignedTransaction {
  readonly version: number;
  readonly locktime: number;
  readonly inputs: readonly TransactionInput[];
  readonly outputs: readonly TransactionOutput[];
}

/** What makes one input valid. */
export interface InputProof {
  /** Empty for native segwit. */
  readonly scriptSig: Uint8Array;
  /** Empty for legacy inputs. */
  readonly witness: readonly Uint8Array[];
}

/** Bytes to be written, as pieces that are joined at the end. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];

  bytes(value: Uint8Array): this {
    this.#parts.push(value);
    return this;
  }

  byte(value: number): this {
    return this.bytes(Uint8Array.of(value));
  }

  uint32(value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    return this.bytes(bytes);
  }

  uint64(value: bigint): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    return this.bytes(bytes);
  }

  /** A count or length as compact size, in its shortest form. */
  count(value: number): this {
    if (value < 0xfd) return this.byte(value);
    if (value <= 0xffff) return this.bytes(Uint8Array.of(0xfd, value & 0xff, value >>> 8));
    return this.byte(0xfe).uint32(value);
  }

  /** A length and as many bytes. */
  vector(value: Uint8Array): this {
    return this.count(value.length).bytes(value);
  }

  output({ valueSats, script }: { valueSats: Sats; script: Uint8Array }): this {
    return this.uint64(valueSats).vector(script);
  }

  outpoint({ prevTxid, prevVout }: { prevTxid: Uint8Array; prevVout: number }): this {
    return this.bytes(prevTxid).uint32(prevVout);
  }

  finish(): Uint8Array {
    const joined = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }
}

/**
 * Writes a transaction as the network carries it (BIP144): with witnesses when there are any.
 * @param proofs one for each input; none at all for the unsigned form
 */
export function writeTransaction(
  transaction: UnsignedTransaction,
  proofs: readonly InputProof[] = [],
): Uint8Array {
  const { version, locktime, inputs, outputs } = transaction;
  assert(proofs.length === 0 || proofs.length === inputs.length, 'writeTransaction: a proof each');
  const hasWitness = proofs.some(({ witness }) => witness.length > 0);
  const writer = new ByteWriter().uint32(version);
  if (hasWitness) writer.byte(0).byte(1);
  writer.count(inputs.length);
  inputs.forEach((input, i) => {
    const scriptSig = proofs[i]?.scriptSig ?? new Uint8Array();
    writer.outpoint(input).vector(scriptSig).uint32(input.sequence);
  });
  writer.count(outputs.length);
  for (const output of outputs) writer.output(output);
  if (hasWitness) {
    for (const { witness } of proofs) {
      writer.count(witness.length);
      for (const item of witness) writer.vector(item);
    }
  }
  return writer.uint32(locktime).finish();
}
