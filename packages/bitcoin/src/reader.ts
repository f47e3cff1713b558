import { MalformedError } from './errors.ts';

/**
 * A position in untrusted bytes. Every read is checked against the end, every count against the
 * bytes that are left, so a lying length can neither read past the buffer nor make a long loop.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly end: number;
  position: number;

  constructor(bytes: Uint8Array, start = 0) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.byteLength;
    this.position = start;
    if (start > this.end) throw new MalformedError('truncated');
  }

  /** Moves on by `count` bytes. @throws {MalformedError} when fewer are left */
  skip(count: number): void {
    if (count > this.end - this.position) throw new MalformedError('truncated');
    this.position += count;
  }

  /** Moves past a compact size and as many bytes as it says. */
  skipVector(): void {
    const first = this.byte();
    this.skip(first < 0xfd ? first : this.#wideCount(first));
  }

  byte(): number {
    const value = this.bytes[this.position];
    if (value === undefined) throw new MalformedError('truncated');
    this.position += 1;
    return value;
  }

  uint32(): number {
    const at = this.position;
    this.skip(4);
    return this.view.getUint32(at, true);
  }

  uint64(): bigint {
    const at = this.position;
    this.skip(8);
    return this.view.getBigUint64(at, true);
  }

  /**
   * Reads a compact size that says how many items of at least `itemBytes` bytes follow.
   * @throws {MalformedError} when they cannot fit, or when a shorter form exists (Bitcoin Core
   *   refuses that too, and the txid would otherwise depend on the form)
   */
  count(itemBytes: number): number {
    const first = this.byte();
    const value = first < 0xfd ? first : this.#wideCount(first);
    if (value * itemBytes > this.end - this.position) {
      throw new MalformedError('a count exceeds the bytes that are left');
    }
    return value;
  }

  #wideCount(first: number): number {
    const at = this.position;
    if (first === 0xfd) {
      this.skip(2);
      const value = this.view.getUint16(at, true);
      if (value < 0xfd) throw new MalformedError('a count is not in its shortest form');
      return value;
    }
    // An eight-byte count exceeds what any buffer holds, so only the four-byte form is left.
    if (first === 0xff) throw new MalformedError('a count exceeds the bytes that are left');
    const value = this.uint32();
    if (value < 0x10000) throw new MalformedError('a count is not in its shortest form');
    return value;
  }

  /** @throws {MalformedError} when bytes are left */
  finish(): void {
    if (this.position !== this.end) throw new MalformedError('bytes are left over at the end');
  }
}
