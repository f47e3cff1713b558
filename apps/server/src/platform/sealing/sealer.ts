import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { KEY_BYTES, sealBytes, UnsealError, unsealBytes } from './sealed-bytes.ts';

/**
 * Keeps secrets that the server itself needs again, such as a node's credentials, in the database
 * without the database being enough to read them: the key lies in a file beside the server.
 */
export type Sealer = {
  /** @param context what the secret belongs to; it opens for nothing else */
  seal(text: string, context: string): Uint8Array;
  /** @throws {UnsealError} when it was sealed with another key or for something else */
  unseal(sealed: Uint8Array, context: string): string;
};

export { UnsealError };

/** The key file can not be used; the message says why and what to do. */
export class SecretsKeyError extends Error {
  override readonly name = 'SecretsKeyError';
}

const KEY_TEXT = /^[0-9a-f]{64}$/;

/**
 * Opens the key file and makes it at the first start, for its owner's eyes alone. Processes that
 * share the file have one key between them.
 * @throws {SecretsKeyError} when the file can not be made, holds something else, or others may read it
 */
export function openSealer(file: string): Sealer {
  const key = readKey(file) ?? makeKey(file);
  return {
    seal: (text, context) => sealBytes(key, Buffer.from(text), context),
    unseal(sealed, context) {
      try {
        return Buffer.from(unsealBytes(key, sealed, context)).toString('utf8');
      } catch (cause) {
        throw new UnsealError(`a secret can not be opened with the key in ${file}`, { cause });
      }
    },
  };
}

function readKey(file: string): Buffer | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new SecretsKeyError(`the key for secrets can not be read (${wordsOf(error)})`, {
      cause: error,
    });
  }
  if (!KEY_TEXT.test(text)) {
    throw new SecretsKeyError(
      `${file} holds no key for secrets: put the right file back from its copy. A new key would not open what the old one has sealed.`,
    );
  }
  if ((statSync(file).mode & 0o077) !== 0) {
    throw new SecretsKeyError(
      `${file} can be read by other users of this machine: chmod 600 ${file}`,
    );
  }
  return Buffer.from(text, 'hex');
}

/** Written whole before it has its name, and the name is taken once: nobody reads half a key. */
function makeKey(file: string): Buffer {
  try {
    return writeKey(file);
  } catch (error) {
    if (error instanceof SecretsKeyError) throw error;
    throw new SecretsKeyError(`the key for secrets can not be made (${wordsOf(error)})`, {
      cause: error,
    });
  }
}

function writeKey(file: string): Buffer {
  mkdirSync(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}.new`;
  const key = randomBytes(KEY_BYTES);
  writeFileSync(own, `${key.toString('hex')}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(own, file);
    return key;
  } catch (error) {
    // Another process of ours was quicker: its key is the one.
    const made = readKey(file);
    if (made === null) throw error;
    return made;
  } finally {
    rmSync(own, { force: true });
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
