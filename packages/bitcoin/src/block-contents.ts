import { HEADER_BYTES } from './block-header.ts';
import { MalformedError } from './errors.ts';
import { ByteReader } from './reader.ts';
import type { Watch } from './watch-table.ts';
import {
  MIN_INPUT_BYTES,
  MIN_OUTPUT_BYTES,
  MIN_TRANSACTION_BYTES,
  readSegwitFlag,
  skipWitness,
} from './transaction.ts';

/** Where a block's transactions begin, and which of them may touch the watch set. */
export interface BlockContents {
  readonly txCount: number;
  readonly starts: Uint32Array;
  /** 1 for a transaction that has to be looked at, 0 for one that touches nothing. */
  readonly touched: Uint8Array;
}

/**
 * Hashes of all outputs or all inputs of a block, and how many of them come before each
 * transaction. Kept from block to block, since making arrays of this size takes as long as filling
 * them.
 */
class Items {
  hashes = new Uint32Array(0);
  found = new Uint32Array(0);
  before = new Uint32Array(0);
  count = 0;

  clear(maxItems: number, txCount: number): void {
    this.count = 0;
    if (this.hashes.length < maxItems) {
      this.hashes = new Uint32Array(maxItems);
      this.found = new Uint32Array(maxItems);
    }
    if (this.before.length <= txCount) this.before = new Uint32Array(txCount + 1);
  }
}

const outputs = new Items();
const inputs = new Items();

/**
 * Walks a whole block, hashes every output script and spent outpoint on the way, and then searches
 * the watch set for all hashes in one go.
 * @throws {MalformedError} when the bytes are not exactly one block
 */
export function readContents(raw: Uint8Array, watch: Watch): BlockContents {
  const reader = new ByteReader(raw, HEADER_BYTES);
  const txCount = reader.count(MIN_TRANSACTION_BYTES);
  const starts = new Uint32Array(txCount);
  outputs.clear(Math.ceil(raw.length / MIN_OUTPUT_BYTES), txCount);
  inputs.clear(Math.ceil(raw.length / MIN_INPUT_BYTES), txCount);
  for (let txIndex = 0; txIndex < txCount; txIndex++) {
    starts[txIndex] = reader.position;
    outputs.before[txIndex] = outputs.count;
    inputs.before[txIndex] = inputs.count;
    readTransaction(reader, watch);
  }
  reader.finish();
  const touched = new Uint8Array(txCount);
  mark(outputs, watch.scripts, touched);
  mark(inputs, watch.outpoints, touched);
  return { txCount, starts, touched };
}

function readTransaction(reader: ByteReader, watch: Watch): void {
  reader.skip(4);
  const isSegwit = readSegwitFlag(reader);
  const inputCount = reader.count(MIN_INPUT_BYTES);
  hashInputs(reader, watch, inputCount);
  hashOutputs(reader, watch);
  if (isSegwit) skipWitness(reader, inputCount);
  reader.skip(4);
}

function hashInputs(reader: ByteReader, { outpoints }: Watch, inputCount: number): void {
  const { view } = reader;
  const { hashes, count } = inputs;
  for (let vin = 0; vin < inputCount; vin++) {
    const at = reader.position;
    reader.skip(36);
    hashes[count + vin] = outpoints.hashAt(view, at);
    reader.skipVector();
    reader.skip(4);
  }
  inputs.count = count + inputCount;
}

function hashOutputs(reader: ByteReader, { scripts }: Watch): void {
  const { view } = reader;
  const { hashes, count } = outputs;
  const outputCount = reader.count(MIN_OUTPUT_BYTES);
  if (outputCount === 0) throw new MalformedError('a transaction has no outputs');
  for (let vout = 0; vout < outputCount; vout++) {
    reader.skip(8);
    const length = reader.count(1);
    const at = reader.position;
    reader.skip(length);
    hashes[count + vout] = scripts.hashAt(view, at, length);
  }
  outputs.count = count + outputCount;
}

function mark(items: Items, table: Pick<Watch['scripts'], 'search'>, touched: Uint8Array): void {
  const { hashes, found, before, count } = items;
  const hits = table.search(hashes, count, found);
  let txIndex = 0;
  for (let i = 0; i < hits; i++) {
    const item = found[i] ?? 0;
    while (txIndex + 1 < touched.length && (before[txIndex + 1] ?? 0) <= item) txIndex += 1;
    touched[txIndex] = 1;
  }
}
