/**
 * Puts lines together from the pieces in which they arrive.
 * @param onLine each whole line as UTF-8, without its line feed
 * @returns takes the next piece; false when a line has more than `maxBytes`: hang up then
 */
export function createLineSplitter(
  maxBytes: number,
  onLine: (line: string) => void,
): (piece: Uint8Array) => boolean {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let begun: Uint8Array[] = [];
  let size = 0;
  return (piece) => {
    let from = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, from)) {
      const last = piece.subarray(from, end);
      if (size + last.length > maxBytes) return false;
      const line = joined([...begun, last], size + last.length);
      [begun, size, from] = [[], 0, end + 1];
      onLine(decoder.decode(line));
    }
    if (from < piece.length) begun.push(piece.subarray(from));
    size += piece.length - from;
    return size <= maxBytes;
  };
}

const LINE_FEED = 10;

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
