import { timingSafeEqual } from 'node:crypto';
import { cbc, cmac } from '@noble/ciphers/aes.js';
import { assert, fromHex } from '@quittance/kernel';

/**
 * Secure Unique NFC messages of the NXP NTAG 424 DNA (NXP AN12196, "SUN"): each time the chip is
 * read it puts its encrypted serial number and a counter (`p`) and a code over both (`c`) into its
 * link. Pure.
 */

/** 7 bytes, as the chip has it from the factory. */
export type CardUid = Uint8Array;

/** What the chip says of itself, once deciphered: not yet known to be true. */
export type PiccData = {
  readonly uid: CardUid;
  /** Counts the chip's readings, from 0 up to 2²⁴ − 1; never back while it has the same keys. */
  readonly counter: number;
};

/** The link's parameters, as a terminal sends them. */
export type SunMessage = { readonly p: Uint8Array; readonly c: Uint8Array };

export const UID_BYTES = 7;
export const KEY_BYTES = 16;
/** 24 bits (AN12196 §3.3). */
export const MAX_COUNTER = 0xffffff;

const PICC_DATA_BYTES = 16;
const MAC_BYTES = 8;
/** Serial number and counter are both mirrored, and the serial number has 7 bytes: 1100 0111. */
const PICC_DATA_TAG = 0xc7;
const COUNTER_BYTES = 3;
const ZERO_IV = new Uint8Array(16);
/** What the key for the code of a reading is made from begins with this (AN12196 §3.4.2, SV2). */
const SV2_PREFIX = fromHex('3cc300010080');

const P = /^[0-9a-fA-F]{32}$/;
const C = /^[0-9a-fA-F]{16}$/;

/** Reads the parameters of a tapped link; undefined when they can not be a chip's. */
export function readSunMessage(given: { p: unknown; c: unknown }): SunMessage | undefined {
  const { p, c } = given;
  if (typeof p !== 'string' || typeof c !== 'string' || !P.test(p) || !C.test(c)) return undefined;
  return { p: fromHex(p.toLowerCase()), c: fromHex(c.toLowerCase()) };
}

/**
 * Deciphers `p` with AES-128-CBC, zero IV (AN12196 §3.4.3).
 * @param metaReadKey K1 of a Boltcard, 16 bytes
 * @returns undefined when it was not made with this key. That proves little, since one wrong key in
 *   256 finds the same tag: check the code too.
 */
export function decryptPiccData(p: Uint8Array, metaReadKey: Uint8Array): PiccData | undefined {
  assert(p.length === PICC_DATA_BYTES, 'decryptPiccData: p has 16 bytes');
  assert(metaReadKey.length === KEY_BYTES, 'decryptPiccData: the key has 16 bytes');
  const plain = cbc(metaReadKey, ZERO_IV, { disablePadding: true }).decrypt(p);
  if (plain[0] !== PICC_DATA_TAG) return undefined;
  const counterBytes = plain.subarray(1 + UID_BYTES, 1 + UID_BYTES + COUNTER_BYTES);
  const counter = counterBytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
  return { uid: plain.slice(1, 1 + UID_BYTES), counter };
}

/**
 * The code that a chip with this key adds to a reading: every second byte of the CMAC over no data
 * (AN12196 §3.4.4), with a key of its own for each reading.
 * @param fileReadKey K2 of a Boltcard, 16 bytes
 */
export function sunMac({ uid, counter }: PiccData, fileReadKey: Uint8Array): Uint8Array {
  assert(uid.length === UID_BYTES, 'sunMac: the serial number has 7 bytes');
  assert(fileReadKey.length === KEY_BYTES, 'sunMac: the key has 16 bytes');
  const sessionKey = cmac(concat(SV2_PREFIX, uid, counterBytes(counter)), fileReadKey);
  const full = cmac(new Uint8Array(), sessionKey);
  return full.filter((_byte, i) => i % 2 === 1);
}

/** Tells, in constant time, whether `c` is the code of this reading. */
export function isSunMac(c: Uint8Array, data: PiccData, fileReadKey: Uint8Array): boolean {
  assert(c.length === MAC_BYTES, 'isSunMac: c has 8 bytes');
  return timingSafeEqual(c, sunMac(data, fileReadKey));
}

/** What a chip would put into its link; for tests and for trying a programmed card out. */
export function writeSunMessage(
  data: PiccData,
  keys: { metaReadKey: Uint8Array; fileReadKey: Uint8Array; padding: Uint8Array },
): { p: string; c: string } {
  const tag = Uint8Array.of(PICC_DATA_TAG);
  const plain = concat(tag, data.uid, counterBytes(data.counter), keys.padding);
  assert(plain.length === PICC_DATA_BYTES, 'writeSunMessage: the padding has 5 bytes');
  const p = cbc(keys.metaReadKey, ZERO_IV, { disablePadding: true }).encrypt(plain);
  return { p: upperHex(p), c: upperHex(sunMac(data, keys.fileReadKey)) };
}

/** Least significant byte first. */
function counterBytes(counter: number): Uint8Array {
  assert(
    Number.isInteger(counter) && counter >= 0 && counter <= MAX_COUNTER,
    'the counter of a chip has 24 bits',
  );
  return Uint8Array.of(counter & 0xff, (counter >> 8) & 0xff, counter >> 16);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function upperHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}
