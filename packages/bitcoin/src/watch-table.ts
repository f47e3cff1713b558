import { assert, type Random } from '@quittance/kernel';
import { HashIndex } from './hash-index.ts';

/** Consensus limit of an executable script; no spendable output has a longer one. */
const MAX_SCRIPT_BYTES = 10_000;
/** Each stored script begins with its length (2 bytes) and its id (4 bytes). */
const SCRIPT_HEADER_BYTES = 6;
const OUTPOINT_BYTES = 36;
/** An outpoint and its id. */
const OUTPOINT_RECORD_BYTES = 40;
/** References into the buffers are 32 bits wide. */
const MAX_BUFFER_BYTES = 2 ** 32 - 1;

interface TableOptions {
  /** Seeds the hash, so that nobody outside can choose keys that fall into one slot. */
  random: Random;
  /** Entries to make room for at once; the table grows beyond by itself. */
  expectedEntries?: number;
}

/** Watched output scripts, each with an unsigned 32-bit id. */
export class ScriptTable {
  readonly #index: HashIndex;
  readonly #firstSeed: number;
  readonly #lastSeed: number;
  #bytes: Uint8Array;
  #view: DataView;
  #used = 1; // Reference 0 means "empty slot".
  #dead = 0;

  constructor(options: TableOptions) {
    this.#index = new HashIndex(options.expectedEntries ?? 0);
    const seed = viewOf(options.random(new Uint8Array(8)));
    this.#firstSeed = seed.getInt32(0, true);
    this.#lastSeed = seed.getInt32(4, true);
    // Most scripts have 22 to 34 bytes.
    this.#bytes = new Uint8Array(1_024 + (options.expectedEntries ?? 0) * 36);
    this.#view = viewOf(this.#bytes);
  }

  get size(): number {
    return this.#index.size;
  }

  /** Entries ever added: tells whether there are new ones since. */
  get additions(): number {
    return this.#index.insertions;
  }

  /** Watches a script. A script that is there keeps its first id, and the answer is false. */
  add(script: Uint8Array, id: number): boolean {
    assert(script.length <= MAX_SCRIPT_BYTES, 'ScriptTable: the script is too long');
    assertId(id);
    const view = viewOf(script);
    const hash = this.hashAt(view, 0, script.length);
    if (this.#locate(hash, view, 0, script.length) !== 0) return false;
    const reference = this.#reserve(SCRIPT_HEADER_BYTES + script.length);
    this.#view.setUint16(reference, script.length, true);
    this.#view.setUint32(reference + 2, id, true);
    this.#bytes.set(script, reference + SCRIPT_HEADER_BYTES);
    this.#index.insert(hash, reference);
    return true;
  }

  /** The id of a script, or -1. */
  find(script: Uint8Array): number {
    return this.findAt(viewOf(script), 0, script.length);
  }

  /** The id of the script at these bytes, or -1: the scanner's way in, which copies nothing. */
  findAt(view: DataView, start: number, length: number): number {
    const hash = this.hashAt(view, start, length);
    if (!this.#index.mayContain(hash)) return -1;
    const reference = this.#locate(hash, view, start, length);
    return reference === 0 ? -1 : this.#view.getUint32(reference + 2, true);
  }

  /** Which of these hashes scripts in the table have; see {@link HashIndex.search}. */
  search(hashes: Uint32Array, count: number, found: Uint32Array): number {
    return this.#index.search(hashes, count, found);
  }

  /** Stops watching a script; false when it was not watched. */
  delete(script: Uint8Array): boolean {
    const view = viewOf(script);
    const hash = this.hashAt(view, 0, script.length);
    const reference = this.#locate(hash, view, 0, script.length);
    if (reference === 0) return false;
    this.#index.remove(hash, reference);
    this.#dead += SCRIPT_HEADER_BYTES + script.length;
    if (this.#dead * 2 > this.#bytes.length) this.#compact(this.#bytes.length);
    return true;
  }

  memoryBytes(): number {
    return this.#index.memoryBytes() + this.#bytes.byteLength;
  }

  /** Reference of the stored script, or 0. */
  #locate(hash: number, view: DataView, start: number, length: number): number {
    const { slots, mask } = this.#index;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const reference = slots[2 * at + 1] ?? 0;
      if (reference === 0) return 0;
      if (
        slots[2 * at] === hash &&
        this.#view.getUint16(reference, true) === length &&
        sameBytes(this.#view, reference + SCRIPT_HEADER_BYTES, view, start, length)
      ) {
        return reference;
      }
    }
  }

  /**
   * Mixes the length and twelve bytes: two words from the fifth byte on, which lie inside the hash
   * or key of every standard script, and the last word, where other scripts differ. Weaker than a
   * keyed cryptographic hash and many times as fast; it is enough because watched scripts are
   * outputs of hash functions, which nobody can shape.
   */
  hashAt(view: DataView, start: number, length: number): number {
    let hash = this.#firstSeed ^ length;
    if (length < 12) {
      for (let at = start; at < start + length; at++) hash = mix(hash, view.getUint8(at));
      return finalMix(hash ^ this.#lastSeed);
    }
    hash = mix(hash, view.getUint32(start + 4, true));
    hash = mix(hash, view.getUint32(start + 8, true));
    hash = mix(hash, view.getUint32(start + length - 4, true));
    return finalMix(hash ^ this.#lastSeed);
  }

  #reserve(length: number): number {
    if (this.#used + length > this.#bytes.length) {
      const live = this.#used - this.#dead;
      this.#compact(Math.min(MAX_BUFFER_BYTES, Math.max((live + length) * 2, 1_024)));
      assert(this.#used + length <= this.#bytes.length, 'ScriptTable: full');
    }
    const reference = this.#used;
    this.#used += length;
    return reference;
  }

  /** Copies the scripts that are still watched into a new buffer without gaps. */
  #compact(capacity: number): void {
    const bytes = new Uint8Array(capacity);
    let used = 1;
    this.#index.renumber((reference) => {
      const length = SCRIPT_HEADER_BYTES + this.#view.getUint16(reference, true);
      bytes.set(this.#bytes.subarray(reference, reference + length), used);
      used += length;
      return used - length;
    });
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#used = used;
    this.#dead = 0;
  }
}

/** Watched outpoints (txid in internal byte order, then the output number), each with an id. */
export class OutpointTable {
  readonly #index: HashIndex;
  readonly #firstSeed: number;
  readonly #lastSeed: number;
  #bytes: Uint8Array;
  #view: DataView;
  #records = 0;
  /** Records of deleted outpoints, to be used again. */
  readonly #free: number[] = [];

  constructor(options: TableOptions) {
    this.#index = new HashIndex(options.expectedEntries ?? 0);
    const seed = viewOf(options.random(new Uint8Array(8)));
    this.#firstSeed = seed.getInt32(0, true);
    this.#lastSeed = seed.getInt32(4, true);
    this.#bytes = new Uint8Array(((options.expectedEntries ?? 0) + 16) * OUTPOINT_RECORD_BYTES);
    this.#view = viewOf(this.#bytes);
  }

  get size(): number {
    return this.#index.size;
  }

  /** Entries ever added: tells whether there are new ones since. */
  get additions(): number {
    return this.#index.insertions;
  }

  /**
   * Watches an outpoint of 36 bytes, as transactions write it (see {@link outpointBytes}). One
   * that is there keeps its first id, and the answer is false.
   */
  add(outpoint: Uint8Array, id: number): boolean {
    assert(outpoint.length === OUTPOINT_BYTES, 'OutpointTable: an outpoint has 36 bytes');
    assertId(id);
    const view = viewOf(outpoint);
    const hash = this.hashAt(view, 0);
    if (this.#locate(hash, view, 0) !== 0) return false;
    const record = this.#free.pop() ?? this.#newRecord();
    const offset = record * OUTPOINT_RECORD_BYTES;
    this.#bytes.set(outpoint, offset);
    this.#view.setUint32(offset + OUTPOINT_BYTES, id, true);
    this.#index.insert(hash, record + 1);
    return true;
  }

  /** The id of an outpoint, or -1. */
  find(outpoint: Uint8Array): number {
    assert(outpoint.length === OUTPOINT_BYTES, 'OutpointTable: an outpoint has 36 bytes');
    return this.findAt(viewOf(outpoint), 0);
  }

  /** The id of the outpoint at these bytes, or -1: the scanner's way in, which copies nothing. */
  findAt(view: DataView, start: number): number {
    const hash = this.hashAt(view, start);
    if (!this.#index.mayContain(hash)) return -1;
    const reference = this.#locate(hash, view, start);
    if (reference === 0) return -1;
    return this.#view.getUint32((reference - 1) * OUTPOINT_RECORD_BYTES + OUTPOINT_BYTES, true);
  }

  /** Which of these hashes outpoints in the table have; see {@link HashIndex.search}. */
  search(hashes: Uint32Array, count: number, found: Uint32Array): number {
    return this.#index.search(hashes, count, found);
  }

  /** Stops watching an outpoint; false when it was not watched. */
  delete(outpoint: Uint8Array): boolean {
    assert(outpoint.length === OUTPOINT_BYTES, 'OutpointTable: an outpoint has 36 bytes');
    const view = viewOf(outpoint);
    const hash = this.hashAt(view, 0);
    const reference = this.#locate(hash, view, 0);
    if (reference === 0) return false;
    this.#index.remove(hash, reference);
    this.#free.push(reference - 1);
    return true;
  }

  memoryBytes(): number {
    return this.#index.memoryBytes() + this.#bytes.byteLength;
  }

  /** Reference (record number plus one) of the stored outpoint, or 0. */
  #locate(hash: number, view: DataView, start: number): number {
    const { slots, mask } = this.#index;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const reference = slots[2 * at + 1] ?? 0;
      if (reference === 0) return 0;
      if (slots[2 * at] !== hash) continue;
      const offset = (reference - 1) * OUTPOINT_RECORD_BYTES;
      if (sameBytes(this.#view, offset, view, start, OUTPOINT_BYTES)) return reference;
    }
  }

  /** A txid is a hash already; eight of its bytes are too many to grind many collisions for. */
  hashAt(view: DataView, start: number): number {
    let hash = mix(this.#firstSeed, view.getUint32(start, true));
    hash = mix(hash, view.getUint32(start + 4, true));
    hash = mix(hash, view.getUint32(start + 32, true));
    return finalMix(hash ^ this.#lastSeed);
  }

  #newRecord(): number {
    const record = this.#records;
    if ((record + 1) * OUTPOINT_RECORD_BYTES > this.#bytes.length) {
      const bytes = new Uint8Array(this.#bytes.length * 2);
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    this.#records += 1;
    return record;
  }
}

/** The 36 bytes by which a transaction's input names the output that it spends. */
export function outpointBytes(txid: Uint8Array, vout: number): Uint8Array {
  assert(txid.length === 32, 'outpointBytes: a txid has 32 bytes');
  assert(Number.isInteger(vout) && vout >= 0 && vout <= 0xffffffff, 'outpointBytes: bad vout');
  const bytes = new Uint8Array(OUTPOINT_BYTES);
  bytes.set(txid);
  viewOf(bytes).setUint32(32, vout, true);
  return bytes;
}

function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}

/** Lets every input bit reach every output bit (the finaliser of MurmurHash3), as unsigned. */
function finalMix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function sameBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number) {
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    if (a.getUint32(aStart + at, true) !== b.getUint32(bStart + at, true)) return false;
  }
  for (; at < length; at++) {
    if (a.getUint8(aStart + at) !== b.getUint8(bStart + at)) return false;
  }
  return true;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function assertId(id: number): void {
  assert(
    Number.isInteger(id) && id >= 0 && id <= 0xffffffff,
    'an id must be an unsigned 32-bit integer',
  );
}

/** What the scanner looks for. */
export interface Watch {
  readonly scripts: ScriptTable;
  readonly outpoints: OutpointTable;
}
