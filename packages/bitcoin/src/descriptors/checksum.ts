/** The characters of descriptors, grouped so that common mistakes change few symbols (BIP380). */
const INPUT_CHARSET =
  '0123456789()[],\'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#"\\ ';
const CHECKSUM_CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn];

/**
 * The eight characters that follow "#" (BIP380).
 * @returns null when the text has characters that no descriptor has
 */
export function descriptorChecksum(text: string): string | null {
  let state = 1n;
  let group = 0;
  let groupLength = 0;
  for (const character of text) {
    const position = INPUT_CHARSET.indexOf(character);
    if (position < 0) return null;
    state = step(state, position & 31);
    group = group * 3 + (position >> 5);
    groupLength += 1;
    if (groupLength < 3) continue;
    state = step(state, group);
    group = 0;
    groupLength = 0;
  }
  if (groupLength > 0) state = step(state, group);
  for (let i = 0; i < 8; i++) state = step(state, 0);
  state ^= 1n;
  let checksum = '';
  for (let i = 7; i >= 0; i--) checksum += CHECKSUM_CHARSET[Number((state >> BigInt(5 * i)) & 31n)];
  return checksum;
}

/** One step of the code's polynomial division. */
function step(state: bigint, value: number): bigint {
  const top = state >> 35n;
  let next = ((state & 0x7ffffffffn) << 5n) ^ BigInt(value);
  GENERATOR.forEach((term, i) => {
    if (((top >> BigInt(i)) & 1n) === 1n) next ^= term;
  });
  return next;
}
