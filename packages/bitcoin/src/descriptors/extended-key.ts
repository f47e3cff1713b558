import { secp256k1 } from '@noble/curves/secp256k1.js';
import { createBase58check } from '@scure/base';
import { sha256 } from '../hashes.ts';
import { type Network, networks } from '../networks.ts';
import { DescriptorRefusal } from './refusal.ts';

/** A BIP32 extended public key. */
export interface ExtendedPublicKey {
  readonly depth: number;
  readonly parentFingerprint: number;
  readonly childNumber: number;
  readonly chainCode: Uint8Array;
  /** Compressed, 33 bytes. */
  readonly publicKey: Uint8Array;
}

/** Which script the key's version claims (SLIP132); `null` for plain xpub and tpub. */
export type Slip132Use = 'wpkh' | 'sh_wpkh' | 'wsh' | 'sh_wsh' | null;

const base58check = createBase58check(sha256);

/** Versions of extended public keys: BIP32's own two and those of SLIP132. */
const VERSIONS: ReadonlyMap<number, { isMainnet: boolean; use: Slip132Use }> = new Map([
  [0x0488b21e, { isMainnet: true, use: null }], // xpub
  [0x049d7cb2, { isMainnet: true, use: 'sh_wpkh' }], // ypub
  [0x04b24746, { isMainnet: true, use: 'wpkh' }], // zpub
  [0x0295b43f, { isMainnet: true, use: 'sh_wsh' }], // Ypub
  [0x02aa7ed3, { isMainnet: true, use: 'wsh' }], // Zpub
  [0x043587cf, { isMainnet: false, use: null }], // tpub
  [0x044a5262, { isMainnet: false, use: 'sh_wpkh' }], // upub
  [0x045f1cf6, { isMainnet: false, use: 'wpkh' }], // vpub
  [0x024289ef, { isMainnet: false, use: 'sh_wsh' }], // Upub
  [0x02575483, { isMainnet: false, use: 'wsh' }], // Vpub
]);

/**
 * Reads an extended public key of the given network.
 * @throws {DescriptorRefusal}
 */
export function parseExtendedKey(
  text: string,
  network: Network,
): { key: ExtendedPublicKey; use: Slip132Use } {
  const bytes = decode(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = VERSIONS.get(view.getUint32(0));
  if (version === undefined) {
    throw new DescriptorRefusal('invalid', 'the extended key has an unknown version');
  }
  if (version.isMainnet !== (network === 'mainnet')) {
    const found = version.isMainnet ? 'mainnet' : 'testnet';
    const reason = `this is a ${found} key, but Quittance runs on ${network} here`;
    throw new DescriptorRefusal('wrong_network', reason);
  }
  const key: ExtendedPublicKey = {
    depth: view.getUint8(4),
    parentFingerprint: view.getUint32(5),
    childNumber: view.getUint32(9),
    chainCode: bytes.slice(13, 45),
    publicKey: bytes.slice(45),
  };
  if (key.depth === 0 && (key.parentFingerprint !== 0 || key.childNumber !== 0)) {
    throw new DescriptorRefusal('invalid', 'the extended key is a root that claims a parent');
  }
  if (!isCompressedPublicKey(key.publicKey)) {
    throw new DescriptorRefusal('invalid', 'the extended key holds no valid public key');
  }
  return { key, use: version.use };
}

/** Writes an extended public key as xpub (mainnet) or tpub (every test network). */
export function formatExtendedKey(key: ExtendedPublicKey, network: Network): string {
  const bytes = new Uint8Array(78);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, networks[network].extendedPublicVersion);
  view.setUint8(4, key.depth);
  view.setUint32(5, key.parentFingerprint);
  view.setUint32(9, key.childNumber);
  bytes.set(key.chainCode, 13);
  bytes.set(key.publicKey, 45);
  return base58check.encode(bytes);
}

/** Tells whether the bytes are a compressed public key on the curve. */
export function isCompressedPublicKey(bytes: Uint8Array): boolean {
  return bytes.length === 33 && secp256k1.utils.isValidPublicKey(bytes, true);
}

function decode(text: string): Uint8Array {
  try {
    const bytes = base58check.decode(text);
    if (bytes.length === 78) return bytes;
  } catch {
    // Falls through to the refusal: the text itself must not be repeated.
  }
  throw new DescriptorRefusal(
    'invalid',
    'the extended key has a typing mistake: its checksum does not fit',
  );
}
