import { MAX_SATS, type Sats } from '@quittance/kernel';
import { readContents } from './block-contents.ts';
import { MalformedError } from './errors.ts';
import { hash256, hash256OfParts } from './hashes.ts';
import { ByteReader } from './reader.ts';
import { MIN_INPUT_BYTES, MIN_OUTPUT_BYTES, readSegwitFlag, skipWitness } from './transaction.ts';
import type { OutpointTable, ScriptTable, Watch } from './watch-table.ts';

/** A transaction that pays a watched script or spends a watched outpoint. */
export interface TxMatch {
  /** Internal byte order; see `displayHash`. */
  readonly txid: Uint8Array;
  /** Place in its block; 0 for a transaction that was scanned alone. */
  readonly txIndex: number;
  /** The transaction's bytes are raw[start, end). */
  readonly start: number;
  readonly end: number;
  readonly outputs: readonly MatchedOutput[];
  readonly spends: readonly MatchedSpend[];
}

export interface MatchedOutput {
  readonly scriptId: number;
  readonly vout: number;
  readonly valueSats: Sats;
  /** The script's bytes are raw[scriptStart, scriptEnd). */
  readonly scriptStart: number;
  readonly scriptEnd: number;
}

export interface MatchedSpend {
  readonly outpointId: number;
  readonly vin: number;
}

/**
 * Walks a raw block once and reports what touches the watch set, in block order. `onMatch` runs
 * before the walk goes on, so an outpoint that it adds is found when this block spends it.
 *
 * Neither the merkle root nor the proof of work is checked: see `checkMerkleRoot` and
 * `checkProofOfWork` for blocks from a source that is not trusted.
 * @throws {MalformedError} when the bytes are not exactly one block; matches that were reported
 *   before must then be thrown away
 */
export function scanBlock(
  raw: Uint8Array,
  watch: Watch,
  onMatch: (match: TxMatch) => void,
): { txCount: number } {
  const contents = readContents(raw, watch);
  const { txCount, starts, touched } = contents;
  const known = additionsOf(watch);
  const reader = new ByteReader(raw);
  for (let txIndex = 0; txIndex < txCount; txIndex++) {
    // What onMatch added was not searched for: from then on every transaction is looked at.
    if (touched[txIndex] === 0 && additionsOf(watch) === known) continue;
    reader.position = starts[txIndex] ?? 0;
    const match = scanNext(raw, reader, watch, txIndex);
    if (match !== null) onMatch(match);
  }
  return { txCount };
}

function additionsOf({ scripts, outpoints }: Watch): number {
  return scripts.additions + outpoints.additions;
}

/**
 * The same for one raw transaction, as the mempool gives it.
 * @returns null when it touches nothing that is watched
 * @throws {MalformedError} when the bytes are not exactly one transaction
 */
export function scanTransaction(raw: Uint8Array, watch: Watch): TxMatch | null {
  const reader = new ByteReader(raw);
  const match = scanNext(raw, reader, watch, 0);
  reader.finish();
  return match;
}

function scanNext(
  raw: Uint8Array,
  reader: ByteReader,
  watch: Watch,
  txIndex: number,
): TxMatch | null {
  const start = reader.position;
  reader.skip(4);
  const isSegwit = readSegwitFlag(reader);
  const bodyStart = reader.position;
  const inputCount = reader.count(MIN_INPUT_BYTES);
  const spends = scanInputs(reader, watch.outpoints, inputCount);
  const outputs = scanOutputs(reader, watch.scripts);
  const bodyEnd = reader.position;
  if (isSegwit) skipWitness(reader, inputCount);
  reader.skip(4);
  if (spends === null && outputs === null) return null;
  const end = reader.position;
  const txid = isSegwit
    ? hash256OfParts([
        raw.subarray(start, start + 4),
        raw.subarray(bodyStart, bodyEnd),
        raw.subarray(end - 4, end),
      ])
    : hash256(raw.subarray(start, end));
  return { txid, txIndex, start, end, outputs: outputs ?? [], spends: spends ?? [] };
}

function scanInputs(
  reader: ByteReader,
  outpoints: OutpointTable,
  inputCount: number,
): MatchedSpend[] | null {
  let spends: MatchedSpend[] | null = null;
  for (let vin = 0; vin < inputCount; vin++) {
    const at = reader.position;
    reader.skip(36);
    const outpointId = outpoints.findAt(reader.view, at);
    if (outpointId >= 0) {
      spends ??= [];
      spends.push({ outpointId, vin });
    }
    reader.skipVector();
    reader.skip(4);
  }
  return spends;
}

function scanOutputs(reader: ByteReader, scripts: ScriptTable): MatchedOutput[] | null {
  let outputs: MatchedOutput[] | null = null;
  const outputCount = reader.count(MIN_OUTPUT_BYTES);
  if (outputCount === 0) throw new MalformedError('a transaction has no outputs');
  for (let vout = 0; vout < outputCount; vout++) {
    const valueAt = reader.position;
    reader.skip(8);
    const length = reader.count(1);
    const scriptStart = reader.position;
    reader.skip(length);
    const scriptId = scripts.findAt(reader.view, scriptStart, length);
    if (scriptId < 0) continue;
    const valueSats = reader.view.getBigUint64(valueAt, true);
    if (valueSats > MAX_SATS) throw new MalformedError('an output exceeds all bitcoin');
    outputs ??= [];
    outputs.push({ scriptId, vout, valueSats, scriptStart, scriptEnd: scriptStart + length });
  }
  return outputs;
}
