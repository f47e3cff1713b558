import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';

/** DER, strictly, low S (BIP66, BIP146), without the sighash byte. */
export function verifyEcdsa(
  signature: Uint8Array,
  digest: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  try {
    const options = { prehash: false, format: 'der', lowS: true } as const;
    return secp256k1.verify(signature, digest, publicKey, options);
  } catch {
    // Not a signature or not a key: that verifies nothing.
    return false;
  }
}

/** BIP340: 64 bytes under an x-only key of 32. */
export function verifySchnorr(
  signature: Uint8Array,
  digest: Uint8Array,
  outputKey: Uint8Array,
): boolean {
  try {
    return schnorr.verify(signature, digest, outputKey);
  } catch {
    return false;
  }
}
