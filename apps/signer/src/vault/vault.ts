import { randomBytes } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { isNetwork, type Network } from '@quittance/bitcoin';
import { assert, fromHex, toHex } from '@quittance/kernel';
import { SignerSetupError } from '../errors.ts';
import { DEFAULT_COST, derive, type KdfCost, MAX_COST, stretch } from './kdf.ts';

/** What opens a vault. Whoever passes it in wipes it. */
export type Unlocker =
  | { kind: 'passphrase'; bytes: Uint8Array }
  | { kind: 'key-file'; bytes: Uint8Array };

/** What is inside. Wiped by {@link wipeSecrets}. */
export type VaultSecrets = {
  /** Random, of this vault only: keys for authenticating the policy and the log come from it. */
  authKey: Uint8Array;
  /** What BIP32 begins with. */
  root: RootSecret;
};

/** A BIP32 seed (64 bytes when it comes from BIP39 words), or a master key's 78 bytes. */
export type RootSecret =
  | { kind: 'seed'; bytes: Uint8Array }
  | { kind: 'master-key'; bytes: Uint8Array };

type Kdf =
  | { name: 'argon2id'; memoryKiB: number; passes: number; salt: string }
  | { name: 'key-file'; salt: string };

type Header = { version: 1; network: Network; kdf: Kdf };

const AUTH_KEY_BYTES = 32;
const NONCE_BYTES = 24;
const SALT_BYTES = 16;
export const KEY_FILE_BYTES = 32;
const ROOT_KINDS = { seed: 1, 'master-key': 2 } as const;

/** Encrypts: the file's text. The header is authenticated with it and can't be exchanged. */
export function sealVault(
  secrets: VaultSecrets,
  { network, unlocker, cost = DEFAULT_COST }: SealOptions,
): string {
  const salt = toHex(randomBytes(SALT_BYTES));
  const kdf: Kdf =
    unlocker.kind === 'passphrase'
      ? { name: 'argon2id', ...cost, salt }
      : { name: 'key-file', salt };
  const header: Header = { version: 1, network, kdf };
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
  const key = keyOf(unlocker, kdf);
  const { authKey, root } = secrets;
  assert(authKey.length === AUTH_KEY_BYTES, 'sealVault: bad authentication key');
  const plain = new Uint8Array(1 + AUTH_KEY_BYTES + root.bytes.length);
  plain[0] = ROOT_KINDS[root.kind];
  plain.set(authKey, 1);
  plain.set(root.bytes, 1 + AUTH_KEY_BYTES);
  try {
    const sealed = xchacha20poly1305(key, nonce, associated(header)).encrypt(plain);
    return `${JSON.stringify({ ...header, nonce: toHex(nonce), sealed: toHex(sealed) }, null, 2)}\n`;
  } finally {
    key.fill(0);
    plain.fill(0);
  }
}

type SealOptions = { network: Network; unlocker: Unlocker; cost?: KdfCost };

/** What can be read of a vault without its passphrase. @throws {SignerSetupError} */
export function vaultHeader(text: string): { network: Network; kdf: Kdf } {
  return readVault(text).header;
}

/**
 * Decrypts.
 * @throws {SignerSetupError} when the passphrase or key is wrong or the file was changed, which
 *   can't be told apart
 */
export function openVault(text: string, unlocker: Unlocker): VaultSecrets {
  const { header, nonce, sealed } = readVault(text);
  const wants = header.kdf.name === 'argon2id' ? 'passphrase' : 'key-file';
  if (unlocker.kind !== wants) {
    const hint = wants === 'passphrase' ? 'a passphrase' : 'a key file (--key-file)';
    throw new SignerSetupError(`this vault is unlocked with ${hint}`);
  }
  const key = keyOf(unlocker, header.kdf);
  try {
    const plain = xchacha20poly1305(key, nonce, associated(header)).decrypt(sealed);
    const secrets = readPlain(plain);
    plain.fill(0);
    return secrets;
  } catch (error) {
    if (error instanceof SignerSetupError) throw error;
    const what = wants === 'passphrase' ? 'the passphrase' : 'the key file';
    throw new SignerSetupError(`${what} is wrong, or the vault file was damaged`);
  } finally {
    key.fill(0);
  }
}

/** As far as JavaScript allows: the garbage collector may have made copies. */
export function wipeSecrets(secrets: VaultSecrets): void {
  secrets.authKey.fill(0);
  secrets.root.bytes.fill(0);
}

/** A new random key that authenticates a new vault's files. */
export function newAuthKey(): Uint8Array {
  return new Uint8Array(randomBytes(AUTH_KEY_BYTES));
}

function readPlain(plain: Uint8Array): VaultSecrets {
  const kind = plain[0] === ROOT_KINDS.seed ? 'seed' : 'master-key';
  const authKey = plain.slice(1, 1 + AUTH_KEY_BYTES);
  return { authKey, root: { kind, bytes: plain.slice(1 + AUTH_KEY_BYTES) } };
}

function keyOf(unlocker: Unlocker, kdf: Kdf): Uint8Array {
  const salt = fromHex(kdf.salt);
  if (kdf.name === 'argon2id') return stretch(unlocker.bytes, salt, kdf);
  if (unlocker.bytes.length !== KEY_FILE_BYTES) {
    throw new SignerSetupError(`a key file has exactly ${KEY_FILE_BYTES} bytes`);
  }
  return derive(unlocker.bytes, salt, 'vault');
}

function associated({ version, network, kdf }: Header): Uint8Array {
  const parts: (string | number)[] = [
    'quittance-signer-vault',
    version,
    network,
    kdf.name,
    kdf.salt,
  ];
  if (kdf.name === 'argon2id') parts.push(kdf.memoryKiB, kdf.passes);
  return new TextEncoder().encode(parts.join('\n'));
}

function readVault(text: string): { header: Header; nonce: Uint8Array; sealed: Uint8Array } {
  const damaged = () => new SignerSetupError('the vault file is damaged: restore it from a backup');
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw damaged();
  }
  const { version, network, kdf, nonce, sealed } = value;
  if (typeof version === 'number' && version > 1) {
    throw new SignerSetupError('the vault was made by a newer version of Quittance');
  }
  if (version !== 1 || typeof network !== 'string' || !isNetwork(network)) throw damaged();
  if (!isHex(nonce, NONCE_BYTES) || typeof sealed !== 'string' || !isHex(sealed)) throw damaged();
  const readKdfValue = readKdf(kdf);
  if (readKdfValue === null) throw damaged();
  const header: Header = { version, network, kdf: readKdfValue };
  return { header, nonce: fromHex(nonce), sealed: fromHex(sealed) };
}

function readKdf(value: unknown): Kdf | null {
  if (typeof value !== 'object' || value === null) return null;
  const { name, memoryKiB, passes, salt } = value as Record<string, unknown>;
  if (!isHex(salt, SALT_BYTES)) return null;
  if (name === 'key-file') return { name, salt };
  if (name !== 'argon2id') return null;
  if (!isCount(memoryKiB, MAX_COST.memoryKiB) || !isCount(passes, MAX_COST.passes)) return null;
  return { name, memoryKiB, passes, salt };
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;
}

function isHex(value: unknown, bytes?: number): value is string {
  if (typeof value !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(value)) return false;
  return bytes === undefined || value.length === 2 * bytes;
}
