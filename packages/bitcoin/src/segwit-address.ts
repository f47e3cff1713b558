/**
 * Writes segwit addresses (BIP173, BIP350). Following coins back writes dozens for one payment, and a
 * general encoder makes a list for each step on the way.
 */

const CHARACTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
/** The checksum's generator (BIP173). */
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHECKSUM_LENGTH = 6;
/** What a right checksum comes to: for version 0 (BIP173), for later ones (BIP350). */
const BECH32 = 1;
const BECH32M = 0x2bc830a3;

/**
 * @param hrp human-readable part, in small letters
 * @param of.version 0 to 16
 * @param of.program 2 to 40 bytes
 */
export function encodeSegwit(
  hrp: string,
  { version, program }: { version: number; program: Uint8Array },
): string {
  let sum = step(startOf(hrp), version);
  let text = `${hrp}1${CHARACTERS[version]}`;
  let bits = 0;
  let value = 0;
  for (let at = 0; at < program.length; at++) {
    value = (value << 8) | (program[at] ?? 0);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      const word = (value >> bits) & 31;
      sum = step(sum, word);
      text += CHARACTERS[word];
    }
    // Only what is left over is needed.
    value &= (1 << bits) - 1;
  }
  if (bits > 0) {
    const word = (value << (5 - bits)) & 31;
    sum = step(sum, word);
    text += CHARACTERS[word];
  }
  for (let at = 0; at < CHECKSUM_LENGTH; at++) sum = step(sum, 0);
  sum ^= version === 0 ? BECH32 : BECH32M;
  for (let at = CHECKSUM_LENGTH - 1; at >= 0; at--) text += CHARACTERS[(sum >> (5 * at)) & 31];
  return text;
}

/** The checksum of a human-readable part: it is the same for all addresses of a network. */
function startOf(hrp: string): number {
  let sum = 1;
  for (let at = 0; at < hrp.length; at++) sum = step(sum, hrp.charCodeAt(at) >> 5);
  sum = step(sum, 0);
  for (let at = 0; at < hrp.length; at++) sum = step(sum, hrp.charCodeAt(at) & 31);
  return sum;
}

function step(sum: number, word: number): number {
  const top = sum >> 25;
  let next = ((sum & 0x1ffffff) << 5) ^ word;
  for (let bit = 0; bit < 5; bit++) if ((top >> bit) & 1) next ^= GENERATOR[bit] ?? 0;
  return next;
}
