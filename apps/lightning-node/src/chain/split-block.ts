const HEADER_BYTES = 80;

/** A block's header and its transactions as bytes, as LDK's monitors want them one by one. */
export function splitBlock(block: Uint8Array): {
  header: Uint8Array;
  transactions: Uint8Array[];
} {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  let at = HEADER_BYTES;

  /** Bitcoin's CompactSize. */
  function count(): number {
    const first = view.getUint8(at);
    at += 1;
    if (first < 0xfd) return first;
    const width = first === 0xfd ? 2 : first === 0xfe ? 4 : 8;
    const value =
      width === 2
        ? view.getUint16(at, true)
        : width === 4
          ? view.getUint32(at, true)
          : Number(view.getBigUint64(at, true));
    at += width;
    return value;
  }

  function skipVector(): void {
    const length = count();
    at += length;
  }

  function skipTransaction(): void {
    at += 4;
    // BIP144: no transaction has zero inputs, so a zero here is the marker of a witness.
    const hasWitness = view.getUint8(at) === 0;
    if (hasWitness) at += 2;
    const inputs = count();
    for (let i = 0; i < inputs; i++) {
      at += 36;
      skipVector();
      at += 4;
    }
    const outputs = count();
    for (let i = 0; i < outputs; i++) {
      at += 8;
      skipVector();
    }
    for (let i = 0; hasWitness && i < inputs; i++) {
      const items = count();
      for (let j = 0; j < items; j++) skipVector();
    }
    at += 4;
  }

  const transactions: Uint8Array[] = [];
  const total = count();
  for (let i = 0; i < total; i++) {
    const start = at;
    skipTransaction();
    transactions.push(block.slice(start, at));
  }
  if (at !== block.length) throw new RangeError('the bytes are not exactly one block');
  return { header: block.slice(0, HEADER_BYTES), transactions };
}
