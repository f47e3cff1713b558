import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { SignerSetupError } from './errors.ts';

/** No settings file comes near this; a larger one is not ours. */
const MAX_SMALL_FILE_BYTES = 16 * 1024 * 1024;

/**
 * Makes a folder that only its owner may enter, or checks that an existing one is like that: who
 * can enter the folder can put back an old state.
 * @throws {SignerSetupError}
 */
export function privateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw new SignerSetupError(`${path} is not a folder`);
  if (stat.uid !== process.getuid?.()) {
    throw new SignerSetupError(`${path} belongs to another user; run the signer as its owner`);
  }
  if ((stat.mode & 0o077) !== 0) {
    throw new SignerSetupError(`others may enter ${path}: run "chmod 700 ${path}" first`);
  }
}

/** Replaces a file so that after a crash either the old or the new one is there, whole. */
export function replaceFile(path: string, content: Uint8Array | string): void {
  writeDurably(`${path}.new`, content);
  renameDurably(`${path}.new`, path);
}

/** Writes a file of ours (0600) and waits until the disk has it. */
export function writeDurably(path: string, content: Uint8Array | string): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const file = openSync(path, 'w', 0o600);
  try {
    writeAll(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
}

/** A new name in a folder is durable once the folder itself is. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** `write` may take fewer bytes than it was given. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/** Reads a small file, or null when there is none. */
export function readIfThere(path: string): Uint8Array | null {
  if (!existsSync(path)) return null;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size > MAX_SMALL_FILE_BYTES) throw new SignerSetupError(`${path} is too large to be ours`);
    const bytes = new Uint8Array(size);
    let done = 0;
    for (let got = -1; got !== 0 && done < size; done += got)
      got = readSync(file, bytes, done, size - done, null);
    return bytes.subarray(0, done);
  } finally {
    closeSync(file);
  }
}
