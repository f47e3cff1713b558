import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { base16, base32nopad } from '@scure/base';
import { MAX_PSBT_BYTES } from './psbt-format.ts';

/** Two digits in base 36 number the parts: 1 to "ZZ". */
export const MAX_BBQR_PARTS = 1_295;
const HEADER_CHARACTERS = 8;
/** Receivers are small devices: BBQr fixes the window of the compression at 1,024 bytes. */
const WINDOW_BITS = 10;
/** Five bytes are eight letters of base32, so that no part ends within a byte. */
const BYTES_PER_GROUP = 5;
const LETTERS_PER_GROUP = 8;
/** So many numbers of missing parts are named; more help nobody. */
const MAX_NAMED = 20;

export type ReadBbqr =
  | { readonly ok: true; readonly psbt: Uint8Array }
  | {
      readonly ok: false;
      /** missing: scan on. The others: these parts will never make a PSBT. */
      readonly code: 'missing' | 'not_bbqr' | 'other_file' | 'mixed' | 'damaged' | 'too_large';
      readonly reason: string;
    };

/**
 * Splits a PSBT into the texts of an animated QR code in Coinkite's BBQr format: compressed when
 * that is shorter, in parts of equal length, as few as fit. The texts have only characters of the
 * alphanumeric mode of QR codes.
 * @param maxCharacters what one code holds, at least 16
 * @returns null when more than 1,295 parts would be needed
 */
export function writeBbqr(psbt: Uint8Array, maxCharacters: number): string[] | null {
  const squeezed = deflateRawSync(psbt, {
    ...{ windowBits: WINDOW_BITS, level: constants.Z_BEST_COMPRESSION },
  });
  const [encoding, bytes] = squeezed.length < psbt.length ? ['Z', squeezed] : ['2', psbt];
  const groups = Math.floor((maxCharacters - HEADER_CHARACTERS) / LETTERS_PER_GROUP);
  const wanted = Math.ceil(bytes.length / (groups * BYTES_PER_GROUP));
  // Evenly, so that the last code is not much smaller than the others.
  const each = Math.ceil(bytes.length / wanted / BYTES_PER_GROUP) * BYTES_PER_GROUP;
  const total = Math.ceil(bytes.length / each);
  if (total > MAX_BBQR_PARTS) return null;
  return Array.from({ length: total }, (_, index) => {
    const letters = base32nopad.encode(bytes.subarray(index * each, (index + 1) * each));
    return `B$${encoding}P${twoDigits(total)}${twoDigits(index)}${letters}`;
  });
}

/**
 * Puts scanned parts together, in any order; a part may have been seen several times. What comes
 * out is not yet known to be a PSBT.
 * @param scanned the texts of the codes
 */
export function readBbqr(scanned: readonly string[]): ReadBbqr {
  const parts = new Map<number, string>();
  let opening: string | undefined;
  for (const [at, text] of scanned.entries()) {
    const part = PART.exec(text.trim().toUpperCase())?.groups;
    if (part === undefined) {
      return refuse('not_bbqr', `text ${at + 1} is not a part of a BBQr code`);
    }
    const { start = '', index = '', letters = '' } = part;
    opening ??= start;
    if (start !== opening) return refuse('mixed', `text ${at + 1} is a part of another code`);
    const number = Number.parseInt(index, 36);
    const known = parts.get(number);
    if (known !== undefined && known !== letters) {
      return refuse('mixed', `part ${number + 1} was scanned with two contents`);
    }
    parts.set(number, letters);
  }
  if (opening === undefined) return refuse('missing', 'no part was scanned');
  return assemble(opening, parts);
}

const PART =
  /^(?<start>B\$[H2Z][0-9A-Z](?!00)[0-9A-Z]{2})(?<index>[0-9A-Z]{2})(?<letters>[0-9A-Z]+)$/;

function assemble(opening: string, parts: ReadonlyMap<number, string>): ReadBbqr {
  const [encoding, fileType] = [opening.charAt(2), opening.charAt(3)];
  if (fileType !== 'P') {
    const reason = `the code holds a file of type ${fileType}, not P: have the signer show the signed PSBT`;
    return refuse('other_file', reason);
  }
  const total = Number.parseInt(opening.slice(4), 36);
  if ([...parts.keys()].some((index) => index >= total)) {
    return refuse('not_bbqr', `a part has a number beyond the ${total} of its code`);
  }
  const ordered = Array.from({ length: total }, (_, index) => parts.get(index));
  const missing = ordered.flatMap((letters, index) => (letters === undefined ? [index + 1] : []));
  if (missing.length > 0) {
    const more = missing.length > MAX_NAMED ? ' and more' : '';
    const named = missing.slice(0, MAX_NAMED).join(', ');
    return refuse('missing', `of ${total} parts these are missing: ${named}${more}`);
  }
  const whole = ordered.filter((letters) => letters !== undefined);
  if (!hasEvenParts(whole)) {
    return refuse('damaged', 'the parts differ in length: a part is cut or of another code');
  }
  return decode(encoding, whole);
}

/** All parts but the last must have the same length. */
function hasEvenParts(parts: readonly string[]): boolean {
  const length = parts[0]?.length ?? 0;
  const last = parts.at(-1)?.length ?? 0;
  return last <= length && parts.slice(0, -1).every((part) => part.length === length);
}

function decode(encoding: string, parts: readonly string[]): ReadBbqr {
  let bytes: Uint8Array;
  try {
    const decoded = parts.map((part) =>
      encoding === 'H' ? base16.decode(part) : base32nopad.decode(part),
    );
    bytes = Buffer.concat(decoded);
  } catch {
    return refuse('damaged', 'a part can not be decoded');
  }
  if (encoding === 'Z') {
    try {
      // A few bytes can be made to unpack to gigabytes.
      bytes = inflateRawSync(bytes, { maxOutputLength: MAX_PSBT_BYTES });
    } catch (error) {
      const isLarge = error instanceof RangeError;
      if (isLarge) return refuse('too_large', 'the parts unpack to more than a PSBT may have');
      return refuse('damaged', 'the parts can not be unpacked');
    }
  }
  return { ok: true, psbt: new Uint8Array(bytes) };
}

function twoDigits(value: number): string {
  return value.toString(36).toUpperCase().padStart(2, '0');
}

function refuse(code: Exclude<ReadBbqr, { ok: true }>['code'], reason: string): ReadBbqr {
  return { ok: false, code, reason };
}
