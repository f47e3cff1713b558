import { HEADER_BYTES, parseHeader } from './block-header.ts';
import { hash256, hash256OfParts } from './hashes.ts';
import { ByteReader } from './reader.ts';
import {
  MIN_INPUT_BYTES,
  MIN_OUTPUT_BYTES,
  MIN_TRANSACTION_BYTES,
  readSegwitFlag,
  skipWitness,
} from './transaction.ts';

/**
 * Tells whether a raw block's transactions are those that its header commits to. A block that
 * repeats transactions so that the root stays the same (CVE-2012-2459) is refused. Witnesses are
 * not committed to here: they decide neither who is paid nor how much.
 * @throws {MalformedError} when the bytes are not exactly one block
 */
export function checkMerkleRoot(rawBlock: Uint8Array): boolean {
  const root = merkleRoot(blockTxids(rawBlock));
  if (root === null) return false;
  const claimed = parseHeader(rawBlock).merkleRoot;
  return Buffer.compare(root, claimed) === 0;
}

/**
 * The txids of a raw block in order, internal byte order.
 * @throws {MalformedError} when the bytes are not exactly one block
 */
export function blockTxids(rawBlock: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(rawBlock, HEADER_BYTES);
  const txCount = reader.count(MIN_TRANSACTION_BYTES);
  const txids: Uint8Array[] = [];
  for (let index = 0; index < txCount; index++) txids.push(readTxid(rawBlock, reader));
  reader.finish();
  return txids;
}

/** Root of the tree, or null when there is nothing or two siblings are equal (CVE-2012-2459). */
export function merkleRoot(txids: readonly Uint8Array[]): Uint8Array | null {
  let level = txids;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const left = level[at];
      const sibling = level[at + 1];
      if (left === undefined) return null;
      if (sibling !== undefined && Buffer.compare(left, sibling) === 0) return null;
      above.push(hash256OfParts([left, sibling ?? left]));
    }
    level = above;
  }
  return level[0] ?? null;
}

function readTxid(raw: Uint8Array, reader: ByteReader): Uint8Array {
  const start = reader.position;
  reader.skip(4);
  const isSegwit = readSegwitFlag(reader);
  const bodyStart = reader.position;
  const inputCount = reader.count(MIN_INPUT_BYTES);
  for (let vin = 0; vin < inputCount; vin++) {
    reader.skip(36);
    reader.skipVector();
    reader.skip(4);
  }
  const outputCount = reader.count(MIN_OUTPUT_BYTES);
  for (let vout = 0; vout < outputCount; vout++) {
    reader.skip(8);
    reader.skipVector();
  }
  const bodyEnd = reader.position;
  if (isSegwit) skipWitness(reader, inputCount);
  reader.skip(4);
  const end = reader.position;
  if (!isSegwit) return hash256(raw.subarray(start, end));
  return hash256OfParts([
    raw.subarray(start, start + 4),
    raw.subarray(bodyStart, bodyEnd),
    raw.subarray(end - 4, end),
  ]);
}
