import { assert } from '@quittance/kernel';

export type ScriptKind = 'p2pkh' | 'p2sh' | 'p2wpkh' | 'p2wsh' | 'p2tr' | 'witness_unknown';

/** A script that an address can name, taken apart. */
export type AddressableScript =
  | { readonly kind: 'p2pkh' | 'p2sh'; readonly hash: Uint8Array }
  | {
      readonly kind: 'p2wpkh' | 'p2wsh' | 'p2tr' | 'witness_unknown';
      readonly version: number;
      readonly program: Uint8Array;
    };

const OP_DUP = 0x76;
const OP_HASH160 = 0xa9;
const OP_EQUAL = 0x87;
const OP_EQUALVERIFY = 0x88;
const OP_CHECKSIG = 0xac;
const OP_CHECKMULTISIG = 0xae;
/** OP_1 to OP_16 follow each other from here: OP_n is OP_RESERVED + n. */
const OP_RESERVED = 0x50;

/** Pay to a public key's hash: 25 bytes. */
export function p2pkhScript(keyHash: Uint8Array): Uint8Array {
  assert(keyHash.length === 20, 'p2pkhScript: the hash must have 20 bytes');
  return Uint8Array.of(OP_DUP, OP_HASH160, 20, ...keyHash, OP_EQUALVERIFY, OP_CHECKSIG);
}

/** Pay to a script's hash (BIP16): 23 bytes. */
export function p2shScript(scriptHash: Uint8Array): Uint8Array {
  assert(scriptHash.length === 20, 'p2shScript: the hash must have 20 bytes');
  return Uint8Array.of(OP_HASH160, 20, ...scriptHash, OP_EQUAL);
}

/** Pay to a witness program (BIP141): version 0 to 16, program of 2 to 40 bytes. */
export function witnessScript(version: number, program: Uint8Array): Uint8Array {
  assert(Number.isInteger(version) && version >= 0 && version <= 16, 'witnessScript: bad version');
  assert(program.length >= 2 && program.length <= 40, 'witnessScript: bad program length');
  const script = new Uint8Array(2 + program.length);
  script[0] = version === 0 ? 0 : OP_RESERVED + version;
  script[1] = program.length;
  script.set(program, 2);
  return script;
}

/** `threshold` signatures out of the given compressed keys, in their order (BIP383). */
export function multisigScript(threshold: number, keys: readonly Uint8Array[]): Uint8Array {
  assert(threshold >= 1 && threshold <= keys.length, 'multisigScript: bad threshold');
  assert(keys.length <= 20, 'multisigScript: too many keys');
  const bytes = [...smallNumber(threshold)];
  for (const key of keys) bytes.push(key.length, ...key);
  return Uint8Array.of(...bytes, ...smallNumber(keys.length), OP_CHECKMULTISIG);
}

/** Takes apart what {@link multisigScript} writes, or says null when it is anything else. */
export function readMultisigScript(
  script: Uint8Array,
): { threshold: number; publicKeys: Uint8Array[] } | null {
  const first = script[0] ?? 0;
  const isShort = first > OP_RESERVED;
  const threshold = isShort ? first - OP_RESERVED : (script[1] ?? 0);
  const publicKeys: Uint8Array[] = [];
  for (let at = isShort ? 1 : 2; script[at] === 33; at += 34) {
    publicKeys.push(script.slice(at + 1, at + 34));
  }
  const count = publicKeys.length;
  if (threshold < 1 || threshold > count || count > 20) return null;
  if (publicKeys.some((key) => key.length !== 33)) return null;
  // Only the one way of writing it is taken for it.
  const written = multisigScript(threshold, publicKeys);
  const isSame = written.length === script.length && written.every((byte, i) => byte === script[i]);
  return isSame ? { threshold, publicKeys } : null;
}

/** Takes a script apart, or says null when no address can name it (data, bare keys, …). */
export function classifyScript(script: Uint8Array): AddressableScript | null {
  const [first, second] = script;
  const length = script.length;
  if (
    length === 25 &&
    first === OP_DUP &&
    second === OP_HASH160 &&
    script[2] === 20 &&
    script[23] === OP_EQUALVERIFY &&
    script[24] === OP_CHECKSIG
  ) {
    return { kind: 'p2pkh', hash: script.slice(3, 23) };
  }
  if (length === 23 && first === OP_HASH160 && second === 20 && script[22] === OP_EQUAL) {
    return { kind: 'p2sh', hash: script.slice(2, 22) };
  }
  if (first === undefined || length < 4 || length > 42 || second !== length - 2) return null;
  const version = first === 0 ? 0 : first - OP_RESERVED;
  if (first !== 0 && (version < 1 || version > 16)) return null;
  const kind = witnessKind(version, second);
  return kind === null ? null : { kind, version, program: script.slice(2) };
}

/**
 * Names a witness program, or null when its length is impossible (BIP141: version 0 has 20 or 32
 * bytes). Later versions are spendable by anyone until a soft fork gives them a meaning.
 */
export function witnessKind(
  version: number,
  programLength: number,
): 'p2wpkh' | 'p2wsh' | 'p2tr' | 'witness_unknown' | null {
  if (programLength < 2 || programLength > 40) return null;
  if (version === 0) {
    if (programLength === 20) return 'p2wpkh';
    return programLength === 32 ? 'p2wsh' : null;
  }
  return version === 1 && programLength === 32 ? 'p2tr' : 'witness_unknown';
}

/** The shortest push of 1 to 20: OP_1 to OP_16, then one byte of data. */
function smallNumber(value: number): number[] {
  return value <= 16 ? [OP_RESERVED + value] : [1, value];
}
