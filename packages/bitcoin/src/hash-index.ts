/** Fewest slots of a table: a power of two. */
const MIN_SLOTS = 64;
/** Fullest that the slots get: linear probing slows down quickly beyond. */
const MAX_LOAD = 0.6;
/**
 * Bloom bits per slot: at least 13 per entry, so that 2 % of strangers pass at most. More bits
 * would turn more away but leave the processor's cache sooner, which costs more.
 */
const BLOOM_BITS_PER_SLOT = 8;

/**
 * Open addressing from a 32-bit hash to a non-zero 32-bit reference, behind a bloom filter that
 * turns nearly all strangers away with one or two memory reads. It keeps no keys: the owner
 * compares them. All in typed arrays, so millions of entries cost the garbage collector nothing.
 */
export class HashIndex {
  /** Pairs (hash, reference); reference 0 marks an empty slot. */
  slots: Uint32Array;
  mask: number;
  size = 0;
  /** Entries ever inserted: tells whether there are new ones since. */
  insertions = 0;
  #bloom: Uint32Array;
  #bloomMask: number;
  /** Entries removed since the bloom filter was built: their bits are still set. */
  #removed = 0;

  constructor(expectedEntries: number) {
    let slotCount = MIN_SLOTS;
    while (slotCount * MAX_LOAD < expectedEntries) slotCount *= 2;
    this.mask = slotCount - 1;
    this.slots = new Uint32Array(slotCount * 2);
    this.#bloom = new Uint32Array((slotCount * BLOOM_BITS_PER_SLOT) / 32);
    this.#bloomMask = slotCount * BLOOM_BITS_PER_SLOT - 1;
  }

  /** False when no entry has this hash; true when one may have it. */
  mayContain(hash: number): boolean {
    const first = hash & this.#bloomMask;
    if ((((this.#bloom[first >>> 5] ?? 0) >>> (first & 31)) & 1) === 0) return false;
    const second = secondHash(hash) & this.#bloomMask;
    return (((this.#bloom[second >>> 5] ?? 0) >>> (second & 31)) & 1) === 1;
  }

  /**
   * Of `count` hashes, finds those that entries have, and writes their places to `found`. Nothing
   * else happens between two looks into the filter, so that the processor can wait for several of
   * them at a time: with millions of entries nearly every look leaves its cache.
   * @returns how many were found
   */
  search(hashes: Uint32Array, count: number, found: Uint32Array): number {
    const bloom = this.#bloom;
    const bits = this.#bloomMask;
    let passed = 0;
    for (let at = 0; at < count; at++) {
      const bit = (hashes[at] ?? 0) & bits;
      found[passed] = at;
      passed += ((bloom[bit >>> 5] ?? 0) >>> (bit & 31)) & 1;
    }
    let kept = 0;
    for (let i = 0; i < passed; i++) {
      const at = found[i] ?? 0;
      const hash = hashes[at] ?? 0;
      found[kept] = at;
      if (this.mayContain(hash) && this.#hasHash(hash)) kept += 1;
    }
    return kept;
  }

  #hasHash(hash: number): boolean {
    for (let at = hash & this.mask; this.slots[2 * at + 1] !== 0; at = (at + 1) & this.mask) {
      if (this.slots[2 * at] === hash) return true;
    }
    return false;
  }

  /** Adds an entry that the owner knows to be new. */
  insert(hash: number, reference: number): void {
    if (this.size + this.#removed + 1 > (this.mask + 1) * MAX_LOAD) this.#rebuild();
    this.#place(hash, reference);
    this.size += 1;
    this.insertions += 1;
  }

  /** Removes an entry that the owner knows to be there. */
  remove(hash: number, reference: number): void {
    let hole = hash & this.mask;
    while (this.slots[2 * hole + 1] !== reference) hole = (hole + 1) & this.mask;
    // Later entries of the run move back over the hole, unless that would put them before their
    // own first slot: so no tombstones pile up.
    for (let at = (hole + 1) & this.mask; this.slots[2 * at + 1] !== 0; at = (at + 1) & this.mask) {
      const home = (this.slots[2 * at] ?? 0) & this.mask;
      if (((at - home) & this.mask) < ((at - hole) & this.mask)) continue;
      this.slots.copyWithin(2 * hole, 2 * at, 2 * at + 2);
      hole = at;
    }
    this.slots[2 * hole] = 0;
    this.slots[2 * hole + 1] = 0;
    this.size -= 1;
    this.#removed += 1;
  }

  /** Gives every entry a new reference, keeping its place. */
  renumber(newReference: (reference: number) => number): void {
    for (let at = 1; at < this.slots.length; at += 2) {
      const reference = this.slots[at] ?? 0;
      if (reference !== 0) this.slots[at] = newReference(reference);
    }
  }

  memoryBytes(): number {
    return this.slots.byteLength + this.#bloom.byteLength;
  }

  #place(hash: number, reference: number): void {
    let at = hash & this.mask;
    while (this.slots[2 * at + 1] !== 0) at = (at + 1) & this.mask;
    this.slots[2 * at] = hash;
    this.slots[2 * at + 1] = reference;
    const first = hash & this.#bloomMask;
    this.#bloom[first >>> 5] = (this.#bloom[first >>> 5] ?? 0) | (1 << (first & 31));
    const second = secondHash(hash) & this.#bloomMask;
    this.#bloom[second >>> 5] = (this.#bloom[second >>> 5] ?? 0) | (1 << (second & 31));
  }

  /** Builds slots and bloom filter anew, with room for half as many entries again. */
  #rebuild(): void {
    const old = this.slots;
    const fresh = new HashIndex(this.size * 1.5 + 1);
    for (let at = 0; at < old.length; at += 2) {
      const reference = old[at + 1] ?? 0;
      if (reference !== 0) fresh.#place(old[at] ?? 0, reference);
    }
    this.slots = fresh.slots;
    this.mask = fresh.mask;
    this.#bloom = fresh.#bloom;
    this.#bloomMask = fresh.#bloomMask;
    this.#removed = 0;
  }
}

function secondHash(hash: number): number {
  const mixed = Math.imul(hash, 0xc2b2ae3d);
  return mixed ^ (mixed >>> 15);
}
