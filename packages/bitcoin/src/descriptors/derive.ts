import { normalizeZ } from '@noble/curves/abstract/curve.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { assert, toHex, unreachable } from '@quittance/kernel';
import { scriptToAddress } from '../addresses.ts';
import { hash160, hmacSha512, sha256, taggedHash } from '../hashes.ts';
import { multisigScript, p2pkhScript, p2shScript, witnessScript } from '../scripts.ts';
import type { Descriptor } from './descriptor.ts';
import type { KeyExpression } from './key-expression.ts';

const { Point } = secp256k1;
type CurvePoint = typeof Point.BASE;

/** A key whose fixed steps are done; only the index is left, if the key is ranged. */
interface PreparedKey {
  readonly point: CurvePoint;
  readonly publicKey: Uint8Array;
  /** Null for a key that is the same at every index. */
  readonly chainCode: Uint8Array | null;
}

/** Derivation is CPU work of about 0.2 ms a key: a call must not hold up a server for seconds. */
export const MAX_DERIVED_SCRIPTS = 10_000;
/** Indexes from 2^31 on are hardened (BIP32). */
const MAX_INDEX = 0x7fffffff;

/** The fixed steps of each branch are derived once for each descriptor value. */
const preparedKeys = new WeakMap<Descriptor, Map<number, PreparedKey[]>>();

/**
 * The output script at an index: of branch 0 (receiving) or 1 (change).
 * @throws {AssertionError} when the descriptor has no such branch or index
 */
export function deriveScript(
  descriptor: Descriptor,
  at: { branch: number; index: number },
): Uint8Array {
  const [script] = deriveScripts(descriptor, { branch: at.branch, from: at.index, count: 1 });
  assert(script !== undefined, 'deriveScript: no script');
  return script;
}

/** The address at an index; see {@link deriveScript}. */
export function deriveAddress(
  descriptor: Descriptor,
  at: { branch: number; index: number },
): string {
  const address = scriptToAddress(deriveScript(descriptor, at), descriptor.network);
  assert(address !== null, 'deriveAddress: every supported script has an address');
  return address;
}

/**
 * `count` scripts from index `from` on: about a quarter faster than one by one.
 * @throws {AssertionError} when the descriptor has no such branch or index, or when `count`
 *   exceeds {@link MAX_DERIVED_SCRIPTS}
 */
export function deriveScripts(
  descriptor: Descriptor,
  range: { branch: number; from: number; count: number },
): Uint8Array[] {
  const { branch, from, count } = range;
  assert(Number.isInteger(branch) && branch >= 0, 'deriveScripts: bad branch');
  assert(branch < descriptor.branches, 'deriveScripts: the descriptor has no such branch');
  assert(Number.isInteger(from) && from >= 0, 'deriveScripts: bad index');
  assert(Number.isInteger(count) && count >= 0, 'deriveScripts: bad count');
  assert(count <= MAX_DERIVED_SCRIPTS, 'deriveScripts: too many at once');
  assert(from + count - 1 <= MAX_INDEX, 'deriveScripts: the index is beyond the last one');
  const columns = prepare(descriptor, branch).map((key) => deriveColumn(key, from, count));
  if (descriptor.kind === 'tr') return taprootScripts(columns[0] ?? []);
  return Array.from({ length: count }, (_, row) => {
    const publicKeys = columns.map((column) => {
      const point = column[row];
      assert(point !== undefined, 'deriveScripts: a key is missing');
      return point.toBytes(true);
    });
    return scriptOf(descriptor, publicKeys);
  });
}

/** What has to be known of an output to spend it. */
export interface SpendingScripts {
  readonly script: Uint8Array;
  /** Compressed, in the order of the descriptor's keys; of tr(), the internal key. */
  readonly publicKeys: readonly Uint8Array[];
  /** What a P2SH output is the hash of. */
  readonly redeemScript: Uint8Array | null;
  /** What a P2WSH program is the hash of. */
  readonly witnessScript: Uint8Array | null;
}

/**
 * The output script at an index with the keys and scripts behind it; see {@link deriveScript}.
 * @throws {AssertionError} when the descriptor has no such branch or index
 */
export function deriveSpendingScripts(
  descriptor: Descriptor,
  at: { branch: number; index: number },
): SpendingScripts {
  const script = deriveScript(descriptor, at);
  const publicKeys = prepare(descriptor, at.branch).map((key) => {
    const [point] = deriveColumn(key, at.index, 1);
    assert(point !== undefined, 'deriveSpendingScripts: a key is missing');
    return point.toBytes(true);
  });
  const multisig = descriptor.threshold === null ? null : multisigOf(descriptor, publicKeys);
  const [first] = publicKeys;
  assert(first !== undefined, 'deriveSpendingScripts: a descriptor has a key');
  const program = multisig === null ? hash160(first) : sha256(multisig);
  const isNested = descriptor.kind.startsWith('sh_');
  return {
    script,
    publicKeys,
    redeemScript: isNested ? witnessScript(0, program) : null,
    witnessScript: multisig,
  };
}

/** One key at each index. Points come back with Z = 1, all by a single field inversion. */
function deriveColumn(key: PreparedKey, from: number, count: number): CurvePoint[] {
  const { chainCode } = key;
  if (chainCode === null) return Array.from({ length: count }, () => key.point);
  const children = Array.from({ length: count }, (_, row) => {
    const parent = { ...key, chainCode };
    return deriveChild(parent, from + row).point;
  });
  return normalizeZ(Point, children);
}

/** CKDpub of BIP32. The tweak is public, so the faster multiplication leaks nothing. */
function deriveChild(
  parent: { point: CurvePoint; publicKey: Uint8Array; chainCode: Uint8Array },
  index: number,
): { point: CurvePoint; chainCode: Uint8Array } {
  const data = new Uint8Array(37);
  data.set(parent.publicKey);
  new DataView(data.buffer).setUint32(33, index);
  const digest = hmacSha512(parent.chainCode, data);
  const tweak = toScalar(digest.subarray(0, 32));
  const point = Point.BASE.multiplyUnsafe(tweak).add(parent.point);
  // BIP32 lets such an index be skipped; nobody will ever see one (probability below 2^-127).
  assert(!point.is0(), 'deriveChild: no key exists at this index');
  return { point, chainCode: digest.slice(32) };
}

function prepare(descriptor: Descriptor, branch: number): PreparedKey[] {
  const branches = preparedKeys.get(descriptor) ?? new Map<number, PreparedKey[]>();
  preparedKeys.set(descriptor, branches);
  const known = branches.get(branch);
  if (known !== undefined) return known;
  const keys = descriptor.keys.map((key) => prepareKey(key, branch));
  branches.set(branch, keys);
  return keys;
}

function prepareKey(key: KeyExpression, branch: number): PreparedKey {
  const { extended } = key;
  let point = Point.fromBytes(key.publicKey);
  if (extended === null) return { point, publicKey: key.publicKey, chainCode: null };
  let { publicKey, chainCode } = extended;
  for (const step of key.steps) {
    const index = typeof step === 'number' ? step : step[branch];
    assert(index !== undefined, 'prepareKey: the key has no such branch');
    ({ point, chainCode } = deriveChild({ point, publicKey, chainCode }, index));
    publicKey = point.toBytes(true);
  }
  return { point, publicKey, chainCode: key.isRanged ? chainCode : null };
}

function scriptOf(descriptor: Descriptor, publicKeys: readonly Uint8Array[]): Uint8Array {
  const { kind } = descriptor;
  const [publicKey] = publicKeys;
  assert(publicKey !== undefined, 'scriptOf: a descriptor has a key');
  switch (kind) {
    case 'pkh':
      return p2pkhScript(hash160(publicKey));
    case 'wpkh':
      return witnessScript(0, hash160(publicKey));
    case 'sh_wpkh':
      return p2shScript(hash160(witnessScript(0, hash160(publicKey))));
    case 'wsh_multi':
    case 'wsh_sortedmulti':
      return witnessScript(0, sha256(multisigOf(descriptor, publicKeys)));
    case 'sh_wsh_multi':
    case 'sh_wsh_sortedmulti':
      return p2shScript(hash160(witnessScript(0, sha256(multisigOf(descriptor, publicKeys)))));
    case 'tr':
      throw new Error('scriptOf: Taproot scripts are made by taprootScripts');
    default:
      return unreachable(kind);
  }
}

function multisigOf(descriptor: Descriptor, publicKeys: readonly Uint8Array[]): Uint8Array {
  assert(descriptor.threshold !== null, 'multisigOf: no threshold');
  const isSorted = descriptor.kind.endsWith('sortedmulti');
  // BIP67: by the bytes of the compressed keys.
  const keys = isSorted
    ? publicKeys.toSorted((a, b) => (toHex(a) < toHex(b) ? -1 : 1))
    : publicKeys;
  return multisigScript(descriptor.threshold, keys);
}

/** Key-path-only Taproot outputs (BIP86): Q = P + H(TapTweak ‖ x(P))·G with P of even y. */
function taprootScripts(points: readonly CurvePoint[]): Uint8Array[] {
  const outputs = points.map((point) => {
    const even = point.toAffine().y % 2n === 0n ? point : point.negate();
    const tweak = toScalar(taggedHash('TapTweak', point.toBytes(true).subarray(1)));
    const output = Point.BASE.multiplyUnsafe(tweak).add(even);
    assert(!output.is0(), 'taprootScripts: no output key exists');
    return output;
  });
  return normalizeZ(Point, outputs).map((output) =>
    witnessScript(1, output.toBytes(true).subarray(1)),
  );
}

/** Reads a hash as a scalar. One beyond the curve's order has a probability below 2^-127. */
function toScalar(bytes: Uint8Array): bigint {
  const scalar = BigInt(`0x${toHex(bytes)}`);
  assert(scalar > 0n && scalar < Point.Fn.ORDER, 'toScalar: out of range');
  return scalar;
}
