import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { taprootTweakPrivKey } from '@scure/btc-signer/utils.js';
import { base64 } from '@scure/base';
import { hash160 } from '../hashes.ts';
import { p2pkhScript, p2shScript, witnessScript } from '../scripts.ts';
import { legacyMessageHash } from '../signed-message/legacy-message.ts';
import { messageSighashes, toSign } from '../signed-message/message-transactions.ts';
import { SIGHASH_ALL, SIGHASH_DEFAULT } from '../sighash.ts';
import { ByteWriter, type InputProof, writeTransaction } from '../transaction-writer.ts';

export type SigningKind = 'wpkh' | 'tr' | 'sh_wpkh' | 'pkh';

/** The script that a key signs for. For tests: the product itself never holds a key. */
export function scriptOfKey(privateKey: Uint8Array, kind: SigningKind): Uint8Array {
  const publicKey = secp256k1.getPublicKey(privateKey);
  const nested = witnessScript(0, hash160(publicKey));
  switch (kind) {
    case 'wpkh':
      return nested;
    case 'sh_wpkh':
      return p2shScript(hash160(nested));
    case 'pkh':
      return p2pkhScript(hash160(publicKey));
    case 'tr':
      return witnessScript(1, schnorr.getPublicKey(taprootTweakPrivKey(privateKey)));
  }
}

/**
 * Signs a message as BIP322 has it, in the simple form or, with `full`, in the other.
 * @param claim `victim`: signs with `privateKey` for the script of this key, as a forger would
 */
export function signBip322(
  privateKey: Uint8Array,
  claim: { kind: SigningKind; message: string; full?: boolean; victim?: Uint8Array },
): string {
  const { kind, message, full = false, victim = privateKey } = claim;
  const script = scriptOfKey(victim, kind);
  const transaction = toSign(message, script);
  const proof = prove({ privateKey, victim }, kind, messageSighashes(transaction, script));
  if (full) return `ful${base64.encode(writeTransaction(transaction, [proof]))}`;
  const writer = new ByteWriter().count(proof.witness.length);
  for (const item of proof.witness) writer.vector(item);
  return `smp${base64.encode(writer.finish())}`;
}

/** Signs as bitcoind's `signmessage` does. */
export function signLegacy(privateKey: Uint8Array, message: string): string {
  const options = { prehash: false, format: 'recovered' } as const;
  const signature = secp256k1.sign(legacyMessageHash(message), privateKey, options);
  return base64.encode(Uint8Array.of(31 + (signature[0] ?? 0), ...signature.subarray(1)));
}

function prove(
  { privateKey, victim }: { privateKey: Uint8Array; victim: Uint8Array },
  kind: SigningKind,
  sighashes: ReturnType<typeof messageSighashes>,
): InputProof {
  const none = new Uint8Array();
  const publicKey = secp256k1.getPublicKey(privateKey);
  if (kind === 'tr') {
    const digest = sighashes.taproot(0, SIGHASH_DEFAULT);
    return { scriptSig: none, witness: [schnorr.sign(digest, taprootTweakPrivKey(privateKey))] };
  }
  const script = p2pkhScript(hash160(secp256k1.getPublicKey(victim)));
  const digest =
    kind === 'pkh'
      ? sighashes.legacy(0, script)
      : sighashes.witnessV0(0, { script, valueSats: 0n });
  const der = secp256k1.sign(digest, privateKey, { prehash: false, format: 'der' });
  const signature = Uint8Array.of(...der, SIGHASH_ALL);
  if (kind === 'pkh') {
    const pushes = [signature.length, ...signature, publicKey.length, ...publicKey];
    return { scriptSig: Uint8Array.of(...pushes), witness: [] };
  }
  const redeem = witnessScript(0, hash160(secp256k1.getPublicKey(victim)));
  const scriptSig = kind === 'sh_wpkh' ? Uint8Array.of(redeem.length, ...redeem) : none;
  return { scriptSig, witness: [signature, publicKey] };
}
