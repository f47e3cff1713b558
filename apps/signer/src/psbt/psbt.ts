import { MalformedError, parseTransaction, type Transaction } from '@quittance/bitcoin';
import { toHex } from '@quittance/kernel';

/** One entry of a map of BIP174. */
export type PsbtEntry = { type: number; keyData: Uint8Array; value: Uint8Array };
export type PsbtMap = readonly PsbtEntry[];

/** A partially signed transaction, version 0, taken apart and nothing believed yet. */
export type Psbt = {
  unsigned: Transaction;
  rawUnsigned: Uint8Array;
  global: PsbtMap;
  inputs: readonly PsbtMap[];
  outputs: readonly PsbtMap[];
};

const MAGIC = Uint8Array.of(0x70, 0x73, 0x62, 0x74, 0xff);

/** Types of keys (BIP174, BIP371), as far as they are looked at. */
export const GLOBAL = { unsignedTx: 0x00, version: 0xfb } as const;
export const INPUT = {
  nonWitnessUtxo: 0x00,
  witnessUtxo: 0x01,
  partialSig: 0x02,
  sighashType: 0x03,
  redeemScript: 0x04,
  witnessScript: 0x05,
  bip32Derivation: 0x06,
  finalScriptSig: 0x07,
  finalScriptWitness: 0x08,
  tapKeySig: 0x13,
  tapScriptSig: 0x14,
  tapLeafScript: 0x15,
  tapBip32Derivation: 0x16,
  tapInternalKey: 0x17,
  tapMerkleRoot: 0x18,
} as const;
export const OUTPUT = { bip32Derivation: 0x02, tapBip32Derivation: 0x07 } as const;

/**
 * Reads a PSBT of version 0.
 * @throws {MalformedError} when it is anything else, says something twice, or has bytes left over
 */
export function parsePsbt(bytes: Uint8Array): Psbt {
  const reader = new Reader(bytes);
  if (toHex(reader.take(MAGIC.length)) !== toHex(MAGIC)) throw new MalformedError('not a PSBT');
  const global = readMap(reader);
  const version = single(global, GLOBAL.version);
  if (version !== null && toHex(version) !== '00000000') {
    throw new MalformedError('only version 0 of PSBT is read (BIP174)');
  }
  const rawUnsigned = single(global, GLOBAL.unsignedTx);
  if (rawUnsigned === null) throw new MalformedError('the PSBT has no unsigned transaction');
  const unsigned = parseTransaction(rawUnsigned);
  if (rawUnsigned.length !== unsignedSize(unsigned)) {
    throw new MalformedError('the transaction inside carries signatures already');
  }
  const inputs = unsigned.inputs.map(() => readMap(reader));
  const outputs = unsigned.outputs.map(() => readMap(reader));
  reader.finish();
  return { unsigned, rawUnsigned, global, inputs, outputs };
}

/** Writes it back: {@link parsePsbt} of it is equal. */
export function formatPsbt({ global, inputs, outputs }: Omit<Psbt, 'unsigned' | 'rawUnsigned'>) {
  const parts: Uint8Array[] = [MAGIC];
  for (const map of [global, ...inputs, ...outputs]) {
    for (const { type, keyData, value } of map) {
      const key = Buffer.concat([compactSize(type), keyData]);
      parts.push(compactSize(key.length), key, compactSize(value.length), value);
    }
    parts.push(Uint8Array.of(0));
  }
  return new Uint8Array(Buffer.concat(parts));
}

/**
 * The value of a key that stands alone, or null.
 * @throws {MalformedError} when there is more to the key than its type
 */
export function single(map: PsbtMap, type: number): Uint8Array | null {
  const entry = map.find((each) => each.type === type);
  if (entry === undefined) return null;
  if (entry.keyData.length > 0) throw new MalformedError('a key of the PSBT has extra bytes');
  return entry.value;
}

/** All entries of a type. */
export function entriesOf(map: PsbtMap, type: number): PsbtEntry[] {
  return map.filter((each) => each.type === type);
}

/** Reads "fingerprint, steps" of BIP174; null when the length is impossible. */
export function readOrigin(value: Uint8Array): { fingerprint: number; path: number[] } | null {
  if (value.length < 4 || value.length % 4 !== 0 || value.length > 4 * 256) return null;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const path: number[] = [];
  for (let at = 4; at < value.length; at += 4) path.push(view.getUint32(at, true));
  return { fingerprint: view.getUint32(0), path };
}

/** Origin of a Taproot key (BIP371): hashes of the leaves that it is in stand before it. */
export function readTapOrigin(value: Uint8Array): ReturnType<typeof readOrigin> {
  // Key-path wallets are in no leaf; one that claims to be is not ours.
  return value[0] === 0 ? readOrigin(value.subarray(1)) : null;
}

/** Reads a transaction's output as the PSBT field "witness UTXO" has it. */
export function readTxOut(value: Uint8Array): { valueSats: bigint; script: Uint8Array } {
  const reader = new Reader(value);
  const valueSats = Buffer.from(reader.take(8)).readBigUInt64LE();
  const script = reader.take(reader.compactSize());
  reader.finish();
  return { valueSats, script };
}

export function compactSize(value: number): Uint8Array {
  if (value < 0xfd) return Uint8Array.of(value);
  const bytes = Buffer.alloc(value <= 0xffff ? 3 : 5);
  bytes[0] = value <= 0xffff ? 0xfd : 0xfe;
  if (value <= 0xffff) bytes.writeUInt16LE(value, 1);
  else bytes.writeUInt32LE(value, 1);
  return new Uint8Array(bytes);
}

/** Size without any script signature or witness. */
function unsignedSize({ inputs, outputs }: Transaction): number {
  const outputBytes = outputs.map(
    ({ script }) => 8 + compactSize(script.length).length + script.length,
  );
  const counts = compactSize(inputs.length).length + compactSize(outputs.length).length;
  return 8 + counts + 41 * inputs.length + outputBytes.reduce((sum, each) => sum + each, 0);
}

function readMap(reader: Reader): PsbtMap {
  const entries: PsbtEntry[] = [];
  const seen = new Set<string>();
  for (let keyLength = reader.compactSize(); keyLength !== 0; keyLength = reader.compactSize()) {
    const key = reader.take(keyLength);
    const name = toHex(key);
    if (seen.has(name)) throw new MalformedError('the PSBT has a key twice');
    seen.add(name);
    const keyReader = new Reader(key);
    const type = keyReader.compactSize();
    const keyData = keyReader.take(key.length - keyReader.position);
    entries.push({ type, keyData, value: reader.take(reader.compactSize()) });
  }
  return entries;
}

/** A position in untrusted bytes, every step of which is checked against the end. */
class Reader {
  readonly bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  take(count: number): Uint8Array {
    if (count > this.bytes.length - this.position) throw new MalformedError('truncated');
    this.position += count;
    return this.bytes.slice(this.position - count, this.position);
  }

  compactSize(): number {
    const first = this.take(1)[0] ?? 0;
    if (first < 0xfd) return first;
    // A count of eight bytes exceeds what any PSBT holds.
    if (first === 0xff) throw new MalformedError('truncated');
    const bytes = Buffer.from(this.take(first === 0xfd ? 2 : 4));
    const value = first === 0xfd ? bytes.readUInt16LE() : bytes.readUInt32LE();
    if (value < (first === 0xfd ? 0xfd : 0x10000)) {
      throw new MalformedError('a count is not in its shortest form');
    }
    return value;
  }

  finish(): void {
    if (this.position !== this.bytes.length) throw new MalformedError('bytes are left over');
  }
}
