/** One record of a stream (BOLT 1). */
export type TlvRecord = { readonly type: bigint; readonly value: Uint8Array };

/**
 * Takes a stream of records apart: types ascending, each once, numbers in their shortest form.
 * @returns null when the bytes are anything else
 */
export function readTlvStream(bytes: Uint8Array): TlvRecord[] | null {
  const records: TlvRecord[] = [];
  let at = 0;
  while (at < bytes.length) {
    const type = readBigSize(bytes, at);
    const length = type === null ? null : readBigSize(bytes, type.end);
    if (type === null || length === null) return null;
    if (length.value > BigInt(bytes.length - length.end)) return null;
    const last = records.at(-1);
    if (last !== undefined && type.value <= last.type) return null;
    at = length.end + Number(length.value);
    records.push({ type: type.value, value: bytes.slice(length.end, at) });
  }
  return records;
}

/** A number without zeros before it, of up to eight bytes ("tu64"); null when it is not that. */
export function readTruncated(value: Uint8Array): bigint | null {
  if (value.length > 8 || value[0] === 0) return null;
  return value.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

const BIG_SIZES: ReadonlyMap<number, readonly [bytes: number, least: bigint]> = new Map([
  [0xfd, [2, 0xfdn]],
  [0xfe, [4, 0x1_0000n]],
  [0xff, [8, 0x1_0000_0000n]],
]);

function readBigSize(bytes: Uint8Array, at: number): { value: bigint; end: number } | null {
  const first = bytes[at];
  if (first === undefined) return null;
  const wide = BIG_SIZES.get(first);
  if (wide === undefined) return { value: BigInt(first), end: at + 1 };
  const [count, least] = wide;
  const digits = bytes.subarray(at + 1, at + 1 + count);
  if (digits.length < count) return null;
  const value = digits.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return value < least ? null : { value, end: at + 1 + count };
}
