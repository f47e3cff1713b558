import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { SignerSetupError } from '../errors.ts';
import { KEY_FILE_BYTES, type Unlocker } from '../vault/vault.ts';
import { UsageError, type Values } from './options.ts';
import { createPrivateFile } from './output.ts';

/** Nothing that is typed or kept as a secret is longer. */
const MAX_SECRET_BYTES = 4_096;
/** Shortest passphrase for a vault that may hold money: five words of a list, say. */
export const MIN_PASSPHRASE_BYTES = 12;

const CTRL_C = 3;
const CTRL_D = 4;
const BACKSPACE = new Set([8, 127]);
const LINE_END = new Set([10, 13]);

/** What opens an existing vault: file, descriptor, key file, or typed at the terminal. */
export async function readUnlocker(values: Values): Promise<Unlocker> {
  const keyFile = values['key-file'];
  if (keyFile !== undefined) return { kind: 'key-file', bytes: readSecretFile(keyFile, true) };
  const given = givenPassphrase(values);
  return { kind: 'passphrase', bytes: given ?? (await prompt('Passphrase of the vault: ')) };
}

/** What is to open a new vault; typed twice at a terminal. */
export async function readNewUnlocker(values: Values, options: { isCheap: boolean }) {
  const newKeyFile = values['new-key-file'];
  if (newKeyFile !== undefined) return newKey(newKeyFile);
  if (values['key-file'] !== undefined) return readUnlocker(values);
  const bytes = givenPassphrase(values) ?? (await promptTwice());
  return { kind: 'passphrase', bytes: longEnough(bytes, options) } satisfies Unlocker;
}

/** The same for a change: the old one has the usual options, so the new one has its own. */
export async function readReplacement(values: Values, options: { isCheap: boolean }) {
  if (values['new-key-file'] !== undefined) return newKey(values['new-key-file']);
  const file = values['new-passphrase-file'];
  const bytes = file === undefined ? await promptTwice() : readSecretFile(file, false);
  return { kind: 'passphrase', bytes: longEnough(bytes, options) } satisfies Unlocker;
}

/** A secret of a file: everything but the end of the line. */
export function readSecretFile(path: string, isBinary: boolean): Uint8Array {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    throw new SignerSetupError(`${path} can not be read: check the path and the rights`);
  }
  try {
    const { mode } = fstatSync(file);
    if ((mode & 0o077) !== 0) {
      throw new SignerSetupError(`others may read ${path}: run "chmod 600 ${path}" first`);
    }
    return readAll(file, isBinary);
  } finally {
    closeSync(file);
  }
}

/** Reads a line that is not shown. @throws {UsageError} when there is no terminal */
export async function prompt(question: string): Promise<Uint8Array> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new UsageError(
      'there is no terminal to type at: use --passphrase-file, --passphrase-fd or --key-file',
    );
  }
  const typed = Buffer.alloc(MAX_SECRET_BYTES);
  let length = 0;
  // Before the question: what is typed the moment it appears must not be shown.
  stdin.setRawMode(true);
  stdin.resume();
  stderr.write(question);
  try {
    await new Promise<void>((resolve, reject) => {
      const onData = (chunk: Buffer): void => {
        for (const byte of chunk) {
          const isEnd = LINE_END.has(byte);
          const isGivenUp = byte === CTRL_C || byte === CTRL_D;
          if (isEnd || isGivenUp) {
            stdin.off('data', onData);
            if (isEnd) resolve();
            else reject(new SignerSetupError('given up'));
            break;
          }
          if (BACKSPACE.has(byte)) length = Math.max(0, length - 1);
          else if (length < MAX_SECRET_BYTES) typed[length++] = byte;
        }
        chunk.fill(0);
      };
      stdin.on('data', onData);
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
  const bytes = Uint8Array.from(typed.subarray(0, length));
  typed.fill(0);
  return bytes;
}

function givenPassphrase(values: Values): Uint8Array | null {
  const file = values['passphrase-file'];
  if (file !== undefined) return readSecretFile(file, false);
  const descriptor = values['passphrase-fd'];
  if (descriptor === undefined) return null;
  if (!/^[0-9]{1,4}$/.test(descriptor)) throw new UsageError('--passphrase-fd is a number');
  return readAll(Number(descriptor), false);
}

async function promptTwice(): Promise<Uint8Array> {
  const first = await prompt('New passphrase: ');
  const second = await prompt('Once more: ');
  const isSame = Buffer.from(first).equals(second);
  second.fill(0);
  if (!isSame) throw new SignerSetupError('the two are not the same; nothing was changed');
  return first;
}

function longEnough(bytes: Uint8Array, { isCheap }: { isCheap: boolean }): Uint8Array {
  if (isCheap || bytes.length >= MIN_PASSPHRASE_BYTES) return bytes;
  throw new SignerSetupError(
    `a passphrase has at least ${MIN_PASSPHRASE_BYTES} characters; a few random words are good`,
  );
}

function newKey(path: string): Unlocker {
  const bytes = new Uint8Array(randomBytes(KEY_FILE_BYTES));
  createPrivateFile(path, bytes);
  return { kind: 'key-file', bytes };
}

function readAll(file: number, isBinary: boolean): Uint8Array {
  const buffer = Buffer.alloc(MAX_SECRET_BYTES + 1);
  let length = 0;
  for (let got = -1; got !== 0 && length < buffer.length; length += got) {
    got = readSync(file, buffer, length, buffer.length - length, null);
  }
  if (length > MAX_SECRET_BYTES) throw new SignerSetupError('the secret is too long');
  const isLineEnd = () => LINE_END.has(buffer[length - 1] ?? 0);
  while (!isBinary && length > 0 && isLineEnd()) length -= 1;
  const bytes = Uint8Array.from(buffer.subarray(0, length));
  buffer.fill(0);
  if (bytes.length === 0) throw new SignerSetupError('the secret is empty');
  return bytes;
}
