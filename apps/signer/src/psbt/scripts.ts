import { ripemd160 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Descriptor } from '@quittance/bitcoin';
import { assert, toHex } from '@quittance/kernel';
import { type OwnScript, thresholdOf, type Wallet } from '../wallets.ts';
import { join } from './sighash.ts';

/** What is revealed or hashed when a coin of ours is spent. */
export type SpendScripts = {
  /** BIP16; null when the output is not nested. */
  redeemScript: Uint8Array | null;
  /** BIP141; null for single keys. */
  witnessScript: Uint8Array | null;
  /** What a BIP143 signature is over; null for Taproot. */
  scriptCode: Uint8Array | null;
};

/** The scripts behind a place in the wallet, made here and compared with the output script. */
export function spendScripts({ descriptor }: Wallet, own: OwnScript): SpendScripts {
  const { kind } = descriptor;
  if (kind === 'tr') return { redeemScript: null, witnessScript: null, scriptCode: null };
  if (kind === 'wpkh' || kind === 'sh_wpkh') {
    const keyHash = ripemd160(sha256(own.ourPublicKey));
    const program = join(Uint8Array.of(0x00, 20), keyHash);
    const isNested = kind === 'sh_wpkh';
    checkOutput(own, isNested ? nested(program) : program);
    const scriptCode = join(Uint8Array.of(0x76, 0xa9, 20), keyHash, Uint8Array.of(0x88, 0xac));
    return { redeemScript: isNested ? program : null, witnessScript: null, scriptCode };
  }
  const witnessScript = multisig(descriptor, own.publicKeys);
  const program = join(Uint8Array.of(0x00, 32), sha256(witnessScript));
  const isNested = kind.startsWith('sh_');
  checkOutput(own, isNested ? nested(program) : program);
  return { redeemScript: isNested ? program : null, witnessScript, scriptCode: witnessScript };
}

/** Keys in the order in which the script has them. */
export function scriptKeys(
  { kind }: Descriptor,
  publicKeys: readonly Uint8Array[],
): readonly Uint8Array[] {
  // BIP67: by the bytes of the compressed keys.
  if (!kind.endsWith('sortedmulti')) return publicKeys;
  return publicKeys.toSorted((a, b) => (toHex(a) < toHex(b) ? -1 : 1));
}

/** Weight units of the signature data of one input once all signatures are there, at most. */
export function signatureWeight({ descriptor }: Wallet): number {
  // A signature whose R is low has 70 bytes at most, the type of the signature one more.
  const signature = 1 + 71;
  const key = 1 + 33;
  switch (descriptor.kind) {
    case 'wpkh':
      return 1 + signature + key;
    case 'sh_wpkh':
      return 1 + signature + key + 4 * 23;
    case 'tr':
      return 1 + 1 + 64;
    default: {
      const script = 3 + 34 * descriptor.keys.length;
      const pushed = script < 0xfd ? 1 + script : 3 + script;
      // Those who sign with us may not grind for a low R.
      const witness = 1 + 1 + thresholdOf(descriptor) * (signature + 1) + pushed;
      return witness + (descriptor.kind.startsWith('sh_') ? 4 * 35 : 0);
    }
  }
}

function multisig(descriptor: Descriptor, publicKeys: readonly Uint8Array[]): Uint8Array {
  const keys = scriptKeys(descriptor, publicKeys);
  const parts = keys.map((key) => join(Uint8Array.of(33), key));
  return join(
    small(thresholdOf(descriptor)),
    ...parts,
    small(keys.length),
    Uint8Array.of(0xae), // OP_CHECKMULTISIG
  );
}

function small(value: number): Uint8Array {
  return value <= 16 ? Uint8Array.of(0x50 + value) : Uint8Array.of(1, value);
}

function nested(program: Uint8Array): Uint8Array {
  return join(Uint8Array.of(0xa9, 20), ripemd160(sha256(program)), Uint8Array.of(0x87));
}

/** Two independent derivations must agree before a key is used. */
function checkOutput(own: OwnScript, script: Uint8Array): void {
  assert(toHex(own.script) === toHex(script), 'spendScripts: two derivations disagree');
}
