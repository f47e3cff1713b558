/**
 * Reads what somebody else sends, as far as it fits.
 * @returns null when there is more. The rest is not read: the connection is closed
 */
export async function readBounded(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer | null> {
  const kept: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early destroys the stream, and with it the connection.
  for await (const bytes of body) {
    size += bytes.length;
    if (size > maxBytes) return null;
    kept.push(bytes);
  }
  return Buffer.concat(kept);
}
