import { toHex } from '@quittance/kernel';
import { hash160, sha256 } from '../hashes.ts';
import { classifyScript, p2pkhScript, readMultisigScript } from '../scripts.ts';
import { SIGHASH_ALL, SIGHASH_DEFAULT, type Sighashes } from '../sighash.ts';
import { verifyEcdsa, verifySchnorr } from '../signatures.ts';
import type { InputProof } from '../transaction-writer.ts';
import { readPushes } from './proof-reader.ts';

/** `unsupported`: a script that only a whole script interpreter could judge. */
export type ProofVerdict = 'valid' | 'invalid' | 'unsupported';

/**
 * Judges whether a proof satisfies the output script of the first input, whose amount is zero. Knows
 * the scripts that wallets have: P2PKH, P2WPKH, P2SH around it, P2TR by its key, and multisig in
 * P2WSH. Signatures must commit to the whole transaction.
 */
export function proveScript(
  script: Uint8Array,
  proof: InputProof,
  sighashes: Sighashes,
): ProofVerdict {
  const parts = classifyScript(script);
  const { witness, scriptSig } = proof;
  switch (parts?.kind) {
    case 'p2pkh':
      return provePublicKeyHash(parts.hash, readPushes(scriptSig), () =>
        sighashes.legacy(0, script),
      );
    case 'p2sh':
      return proveNested(parts.hash, proof, sighashes);
    case 'p2wpkh':
      return proveWitnessKeyHash(parts.program, witness, sighashes);
    case 'p2wsh':
      return proveMultisig(parts.program, witness, sighashes);
    case 'p2tr':
      return proveTaproot(parts.program, witness, sighashes);
    default:
      return 'unsupported';
  }
}

/** P2WPKH inside P2SH (BIP141). The simple form has no place for the script: it follows from the key. */
function proveNested(
  scriptHash: Uint8Array,
  { witness, scriptSig }: InputProof,
  sighashes: Sighashes,
): ProofVerdict {
  const publicKey = witness[1];
  if (witness.length !== 2 || publicKey?.length !== 33) return 'unsupported';
  const program = hash160(publicKey);
  const redeemScript = Uint8Array.of(0, program.length, ...program);
  if (!isSame(hash160(redeemScript), scriptHash)) return 'invalid';
  const isEmpty = scriptSig.length === 0;
  if (!isEmpty && !isSame(scriptSig, Uint8Array.of(redeemScript.length, ...redeemScript))) {
    return 'invalid';
  }
  return proveWitnessKeyHash(program, witness, sighashes);
}

function proveWitnessKeyHash(
  keyHash: Uint8Array,
  witness: readonly Uint8Array[],
  sighashes: Sighashes,
): ProofVerdict {
  const script = p2pkhScript(keyHash);
  return provePublicKeyHash(keyHash, witness, () =>
    sighashes.witnessV0(0, { script, valueSats: 0n }),
  );
}

function provePublicKeyHash(
  keyHash: Uint8Array,
  items: readonly Uint8Array[],
  digest: () => Uint8Array,
): ProofVerdict {
  const [signature, publicKey] = items;
  if (items.length !== 2 || signature === undefined || publicKey === undefined) return 'invalid';
  if (!isSame(hash160(publicKey), keyHash)) return 'invalid';
  return verdict(isSignature(signature, digest(), publicKey));
}

function proveMultisig(
  scriptHash: Uint8Array,
  witness: readonly Uint8Array[],
  sighashes: Sighashes,
): ProofVerdict {
  const script = witness.at(-1);
  if (script === undefined || !isSame(sha256(script), scriptHash)) return 'invalid';
  const multisig = readMultisigScript(script);
  if (multisig === null) return 'unsupported';
  const signatures = witness.slice(1, -1);
  if (witness[0]?.length !== 0 || signatures.length !== multisig.threshold) return 'invalid';
  const digest = sighashes.witnessV0(0, { script, valueSats: 0n });
  // Signatures are in the order of their keys, and each key counts once.
  let next = 0;
  for (const signature of signatures) {
    const keys = multisig.publicKeys.slice(next);
    const found = keys.findIndex((key) => isSignature(signature, digest, key));
    if (found < 0) return 'invalid';
    next += found + 1;
  }
  return 'valid';
}

function proveTaproot(
  outputKey: Uint8Array,
  witness: readonly Uint8Array[],
  sighashes: Sighashes,
): ProofVerdict {
  const [signature] = witness;
  if (signature === undefined) return 'invalid';
  if (witness.length > 1) return 'unsupported';
  if (signature.length === 64) {
    return verdict(verifySchnorr(signature, sighashes.taproot(0, SIGHASH_DEFAULT), outputKey));
  }
  if (signature.length !== 65 || signature[64] !== SIGHASH_ALL) return 'invalid';
  const digest = sighashes.taproot(0, SIGHASH_ALL);
  return verdict(verifySchnorr(signature.slice(0, 64), digest, outputKey));
}

function isSignature(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.at(-1) !== SIGHASH_ALL) return false;
  return verifyEcdsa(signature.slice(0, -1), digest, publicKey);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return toHex(a) === toHex(b);
}

function verdict(isValid: boolean): ProofVerdict {
  return isValid ? 'valid' : 'invalid';
}
