import { MalformedError } from '../errors.ts';
import { ByteReader } from '../reader.ts';
import {
  MIN_INPUT_BYTES,
  MIN_OUTPUT_BYTES,
  parseTransaction,
  readSegwitFlag,
  type Transaction,
} from '../transaction.ts';
import type { InputProof } from '../transaction-writer.ts';

/**
 * Reads a raw transaction with what makes its inputs valid.
 * @throws {MalformedError}
 */
export function readSignedTransaction(raw: Uint8Array): {
  transaction: Transaction;
  proofs: InputProof[];
} {
  const transaction = parseTransaction(raw);
  const reader = new ByteReader(raw);
  reader.skip(4);
  const isSegwit = readSegwitFlag(reader);
  const scriptSigs: Uint8Array[] = [];
  for (let left = reader.count(MIN_INPUT_BYTES); left > 0; left--) {
    reader.skip(36);
    scriptSigs.push(readVector(reader));
    reader.skip(4);
  }
  for (let left = reader.count(MIN_OUTPUT_BYTES); left > 0; left--) {
    reader.skip(8);
    reader.skipVector();
  }
  const proofs = scriptSigs.map((scriptSig) => ({
    scriptSig,
    witness: isSegwit ? readItems(reader) : [],
  }));
  return { transaction, proofs };
}

/**
 * Reads a witness stack that stands alone.
 * @throws {MalformedError} when the bytes are not exactly one
 */
export function readWitness(bytes: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(bytes);
  const items = readItems(reader);
  reader.finish();
  return items;
}

/**
 * The data that a script signature pushes, when it does nothing else.
 * @throws {MalformedError} on other operations and on long pushes, which nobody needs here
 */
export function readPushes(scriptSig: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(scriptSig);
  const pushes: Uint8Array[] = [];
  while (reader.position < reader.end) {
    const length = reader.byte();
    if (length > 75) throw new MalformedError('a script signature is not only short pushes');
    const at = reader.position;
    reader.skip(length);
    pushes.push(scriptSig.slice(at, at + length));
  }
  return pushes;
}

function readItems(reader: ByteReader): Uint8Array[] {
  const items: Uint8Array[] = [];
  for (let left = reader.count(1); left > 0; left--) items.push(readVector(reader));
  return items;
}

function readVector(reader: ByteReader): Uint8Array {
  const length = reader.count(1);
  const at = reader.position;
  reader.skip(length);
  return reader.bytes.slice(at, at + length);
}
