import { assert } from '@quittance/kernel';
import { normaliseAddress } from './normalise.ts';

/** One listed address and which of the caller's records it came from. */
export type IndexedAddress = { address: string; record: number };

/**
 * Exact index over millions of addresses: an open hash table in typed arrays beside one buffer of
 * all addresses. Nothing of it is an object, so that a collection of garbage has nothing to look at.
 */
export type AddressIndex = {
  /** Distinct addresses. */
  readonly size: number;
  /** Bytes of all arrays. */
  readonly bytes: number;
  /** The record that listed the address first, or -1. Any spelling of the address is found. */
  find(address: string): number;
  /** All records that list the address, in their order. */
  findAll(address: string): number[];
};

const EMPTY = 0xffffffff;
/** Slots for each address: at half full, a look-up that fails looks at 2.5 slots on average. */
const SLOTS_PER_ADDRESS = 2;

/** What cannot be an address is left out; the importer has said so. */
export function buildAddressIndex(given: Iterable<IndexedAddress>): AddressIndex {
  const all: IndexedAddress[] = [];
  let letters = 0;
  for (const { address, record } of given) {
    const plain = normaliseAddress(address);
    if (plain === null) continue;
    all.push({ address: plain, record });
    letters += plain.length;
  }
  let slotCount = 16;
  while (slotCount < all.length * SLOTS_PER_ADDRESS) slotCount *= 2;
  const mask = slotCount - 1;
  const slots = new Uint32Array(slotCount).fill(EMPTY);
  const text = new Uint8Array(letters);
  const starts = new Uint32Array(all.length + 1);
  const records = new Int32Array(all.length);
  const hashes = new Uint32Array(all.length);
  /** The next listing of the same address. */
  const more = new Uint32Array(all.length).fill(EMPTY);
  let size = 0;

  const equals = (item: number, address: string): boolean => {
    const start = starts[item] ?? 0;
    if ((starts[item + 1] ?? 0) - start !== address.length) return false;
    for (let i = 0; i < address.length; i++) {
      if (text[start + i] !== address.charCodeAt(i)) return false;
    }
    return true;
  };
  const locate = (address: string, hash: number): number => {
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const item = slots[slot] ?? EMPTY;
      if (item === EMPTY || (hashes[item] === hash && equals(item, address))) return slot;
    }
  };

  all.forEach(({ address, record }, item) => {
    const start = starts[item] ?? 0;
    for (let i = 0; i < address.length; i++) text[start + i] = address.charCodeAt(i);
    starts[item + 1] = start + address.length;
    records[item] = record;
    const hash = hashOf(address);
    hashes[item] = hash;
    const slot = locate(address, hash);
    let known = slots[slot] ?? EMPTY;
    if (known === EMPTY) {
      slots[slot] = item;
      size++;
      return;
    }
    while ((more[known] ?? EMPTY) !== EMPTY) known = more[known] ?? EMPTY;
    more[known] = item;
  });
  assert(size <= slotCount / 2, 'the table of addresses is too full');

  const first = (address: string): number => {
    const plain = normaliseAddress(address);
    if (plain === null) return EMPTY;
    return slots[locate(plain, hashOf(plain))] ?? EMPTY;
  };
  return {
    size,
    bytes:
      slots.byteLength +
      text.byteLength +
      starts.byteLength +
      records.byteLength +
      hashes.byteLength +
      more.byteLength,
    find(address) {
      const item = first(address);
      return item === EMPTY ? -1 : (records[item] ?? -1);
    },
    findAll(address) {
      const found: number[] = [];
      for (let item = first(address); item !== EMPTY; item = more[item] ?? EMPTY) {
        found.push(records[item] ?? -1);
      }
      return found;
    },
  };
}

/** FNV-1a with a last mix, 32 bits. It only chooses the slot: addresses are compared in full. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
}
