import { assert, MAX_SATS, type Sats, toHex } from '@quittance/kernel';
import { MalformedError } from './errors.ts';
import { hash256, hash256OfParts } from './hashes.ts';
import { ByteReader } from './reader.ts';

export interface TransactionInput {
  /** Internal byte order. */
  readonly prevTxid: Uint8Array;
  readonly prevVout: number;
  readonly sequence: number;
}

export interface TransactionOutput {
  readonly valueSats: Sats;
  readonly script: Uint8Array;
}

export interface Transaction {
  /** Internal byte order; see {@link displayHash}. */
  readonly txid: Uint8Array;
  /** Hash with the witness (BIP141); equals the txid when there is none. */
  readonly wtxid: Uint8Array;
  readonly version: number;
  readonly locktime: number;
  readonly inputs: readonly TransactionInput[];
  readonly outputs: readonly TransactionOutput[];
  /** Size that fees are counted on: a quarter of the weight, rounded up (BIP141). */
  readonly vsize: number;
}

/** Outpoint, empty script's length, sequence. */
export const MIN_INPUT_BYTES = 41;
/** Value, empty script's length. */
export const MIN_OUTPUT_BYTES = 9;
/** Version, one input, one output, two counts, lock time. */
export const MIN_TRANSACTION_BYTES = 4 + 1 + MIN_INPUT_BYTES + 1 + MIN_OUTPUT_BYTES + 4;

/**
 * Reads one raw transaction (BIP144) completely.
 * @throws {MalformedError} when the bytes are not exactly one transaction
 */
export function parseTransaction(raw: Uint8Array): Transaction {
  const reader = new ByteReader(raw);
  const version = reader.uint32();
  const isSegwit = readSegwitFlag(reader);
  const bodyStart = reader.position;
  const inputCount = reader.count(MIN_INPUT_BYTES);
  const inputs: TransactionInput[] = [];
  for (let vin = 0; vin < inputCount; vin++) inputs.push(readInput(raw, reader));
  const outputs = readOutputs(raw, reader);
  const bodyEnd = reader.position;
  if (isSegwit) skipWitness(reader, inputCount);
  const locktime = reader.uint32();
  reader.finish();
  const wtxid = hash256(raw);
  const strippedSize = 4 + (bodyEnd - bodyStart) + 4;
  const vsize = Math.ceil((3 * strippedSize + raw.length) / 4);
  const txid = isSegwit
    ? hash256OfParts([
        raw.subarray(0, 4),
        raw.subarray(bodyStart, bodyEnd),
        raw.subarray(raw.length - 4),
      ])
    : wtxid;
  return { txid, wtxid, version, locktime, inputs, outputs, vsize };
}

/**
 * Reads the outputs of one raw transaction and no farther, which takes a fifth of the time: for who
 * has its txid and what it spends from elsewhere.
 * @throws {MalformedError} when the bytes up to there are no transaction
 */
export function parseOutputs(raw: Uint8Array): TransactionOutput[] {
  const reader = new ByteReader(raw);
  reader.uint32();
  readSegwitFlag(reader);
  const inputCount = reader.count(MIN_INPUT_BYTES);
  for (let vin = 0; vin < inputCount; vin++) {
    reader.skip(36);
    reader.skipVector();
    reader.skip(4);
  }
  return readOutputs(raw, reader);
}

function readOutputs(raw: Uint8Array, reader: ByteReader): TransactionOutput[] {
  const outputCount = reader.count(MIN_OUTPUT_BYTES);
  if (outputCount === 0) throw new MalformedError('a transaction has no outputs');
  const outputs: TransactionOutput[] = [];
  for (let vout = 0; vout < outputCount; vout++) outputs.push(readOutput(raw, reader));
  return outputs;
}

/**
 * Reads past the marker and flag of BIP144 when they are there. A transaction without inputs
 * would look alike; the network has none.
 * @throws {MalformedError} on a flag that no BIP defines
 */
export function readSegwitFlag(reader: ByteReader): boolean {
  const at = reader.position;
  if (reader.byte() !== 0) {
    reader.position = at;
    return false;
  }
  if (reader.byte() !== 1) throw new MalformedError('a transaction has no inputs');
  // After the marker the count of inputs must not be zero again.
  if (reader.byte() === 0) throw new MalformedError('a transaction has no inputs');
  reader.position = at + 2;
  return true;
}

/**
 * Moves past the witness, which must not be empty (Bitcoin Core refuses the segwit form then).
 * @throws {MalformedError}
 */
export function skipWitness(reader: ByteReader, inputCount: number): void {
  let total = 0;
  for (let vin = 0; vin < inputCount; vin++) {
    const items = reader.count(1);
    total += items;
    for (let item = 0; item < items; item++) reader.skipVector();
  }
  if (total === 0) throw new MalformedError('a transaction has an empty witness');
}

/** Writes a hash as nodes and explorers do: reversed, in hexadecimal. */
export function displayHash(hash: Uint8Array): string {
  return toHex(hash.toReversed());
}

/**
 * Reads a displayed hash into internal byte order.
 * @throws {AssertionError} unless it is 64 lower-case hexadecimal digits: check outside text first
 */
export function parseHash(hex: string): Uint8Array {
  assert(/^[0-9a-f]{64}$/.test(hex), 'parseHash: a hash has 64 lower-case hexadecimal digits');
  const bytes = new Uint8Array(32);
  for (let i = 0; i < 32; i++) bytes[31 - i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

function readInput(raw: Uint8Array, reader: ByteReader): TransactionInput {
  const at = reader.position;
  reader.skip(32);
  const prevTxid = raw.slice(at, at + 32);
  const prevVout = reader.uint32();
  reader.skipVector();
  return { prevTxid, prevVout, sequence: reader.uint32() };
}

function readOutput(raw: Uint8Array, reader: ByteReader): TransactionOutput {
  const valueSats = reader.uint64();
  if (valueSats > MAX_SATS) throw new MalformedError('an output exceeds all bitcoin');
  const length = reader.count(1);
  const at = reader.position;
  reader.skip(length);
  return { valueSats, script: raw.slice(at, at + length) };
}
