import { cmac } from '@noble/ciphers/aes.js';
import { assert } from '@quittance/kernel';
import { type CardUid, KEY_BYTES, UID_BYTES } from './ntag424.ts';

/**
 * The keys of a Boltcard, derived from one key of the issuer as the Boltcard project's
 * DETERMINISTIC.md has it: nothing of a card needs to be stored but its number and its version. Pure.
 */
export type CardKeys = {
  /** Changes the other keys; who has it owns the chip. */
  readonly k0: Uint8Array;
  /** Deciphers `p`; the same in all cards of an issuer, so that a card need not say who it is. */
  readonly k1: Uint8Array;
  /** Makes the code `c`: who has it can pay with the card. */
  readonly k2: Uint8Array;
  readonly k3: Uint8Array;
  readonly k4: Uint8Array;
};

/** Counts how often a chip was programmed, so that old links die with the old keys. */
export type CardVersion = number;
const MAX_VERSION = 0xffffffff;

const CARD_KEY = 0x75;
const K0 = 0x76;
const K1 = 0x77;
const K2 = 0x78;
const K3 = 0x79;
const K4 = 0x7a;
const CARD_ID = 0x7b;

export function cardKeys(
  issuerKey: Uint8Array,
  { uid, version }: { uid: CardUid; version: CardVersion },
): CardKeys {
  const own = cardKey(issuerKey, uid, version);
  return {
    k0: derive(own, K0),
    k1: sharedReadKey(issuerKey),
    k2: derive(own, K2),
    k3: derive(own, K3),
    k4: derive(own, K4),
  };
}

/** K1 of every card of the issuer. */
export function sharedReadKey(issuerKey: Uint8Array): Uint8Array {
  return derive(issuerKey, K1);
}

/** What a card is found by: tells nothing of its serial number to who has no issuer key. */
export function cardNumber(issuerKey: Uint8Array, uid: CardUid): Uint8Array {
  checkUid(uid);
  return derive(issuerKey, CARD_ID, uid);
}

/** Of one version of one chip: all its keys but K1 come from it. */
export function cardKey(issuerKey: Uint8Array, uid: CardUid, version: CardVersion): Uint8Array {
  checkUid(uid);
  assert(
    Number.isInteger(version) && version >= 0 && version <= MAX_VERSION,
    'the version of a card has 32 bits',
  );
  const versionBytes = new Uint8Array(4);
  new DataView(versionBytes.buffer).setUint32(0, version, true);
  return derive(issuerKey, CARD_KEY, uid, versionBytes);
}

/** The pseudo-random function is AES-CMAC (NIST SP 800-38B, RFC 4493). */
function derive(key: Uint8Array, purpose: number, ...rest: readonly Uint8Array[]): Uint8Array {
  assert(key.length === KEY_BYTES, 'a key has 16 bytes');
  const prefix = Uint8Array.of(0x2d, 0x00, 0x3f, purpose);
  return cmac(new Uint8Array(Buffer.concat([prefix, ...rest])), key);
}

function checkUid(uid: CardUid): void {
  assert(uid.length === UID_BYTES, 'the serial number of a chip has 7 bytes');
}
