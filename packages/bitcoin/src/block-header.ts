import { MalformedError } from './errors.ts';
import { hash256 } from './hashes.ts';
import { type Network, networks } from './networks.ts';

export const HEADER_BYTES = 80;

export interface BlockHeader {
  /** All hashes are in internal byte order; see `displayHash`. */
  readonly hash: Uint8Array;
  readonly version: number;
  readonly prevHash: Uint8Array;
  readonly merkleRoot: Uint8Array;
  /** Seconds since the Unix epoch, as the miner claims. */
  readonly time: number;
  /** Target of the proof of work, in compact form. */
  readonly bits: number;
  readonly nonce: number;
}

/**
 * Reads the 80 bytes of a block header; a whole block may be given, only its beginning is read.
 * @throws {MalformedError} when there are fewer
 */
export function parseHeader(raw: Uint8Array): BlockHeader {
  if (raw.length < HEADER_BYTES) throw new MalformedError('a block header has 80 bytes');
  const view = new DataView(raw.buffer, raw.byteOffset, HEADER_BYTES);
  return {
    hash: hash256(raw.subarray(0, HEADER_BYTES)),
    version: view.getInt32(0, true),
    prevHash: Uint8Array.from(raw.subarray(4, 36)),
    merkleRoot: Uint8Array.from(raw.subarray(36, 68)),
    time: view.getUint32(68, true),
    bits: view.getUint32(72, true),
    nonce: view.getUint32(76, true),
  };
}

/**
 * Tells whether the header's hash meets the target that the header claims, and, when a network is
 * given, whether that target is not easier than the network allows. Whether it is the *right*
 * target needs the headers before.
 */
export function checkProofOfWork(
  header: Pick<BlockHeader, 'hash' | 'bits'>,
  network?: Network,
): boolean {
  const target = expandBits(header.bits);
  if (target === null) return false;
  const limit = network === undefined ? null : expandBits(networks[network].powLimitBits);
  if (limit !== null && target > limit) return false;
  let value = 0n;
  for (const byte of header.hash.toReversed()) value = (value << 8n) | BigInt(byte);
  return value <= target;
}

/** Expands a compact target (Bitcoin Core: arith_uint256::SetCompact); null when impossible. */
function expandBits(bits: number): bigint | null {
  const exponent = bits >>> 24;
  const mantissa = BigInt(bits & 0x7fffff);
  if ((bits & 0x800000) !== 0) return null;
  const target =
    exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3));
  return target === 0n || target >= 1n << 256n ? null : target;
}
