import { closeSync, fsyncSync, openSync } from 'node:fs';
import { SignerSetupError } from '../errors.ts';
import { writeAll } from '../files.ts';

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What belongs to a person and not into a pipe. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Makes a file that was not there, readable for its owner only. */
export function createPrivateFile(path: string, content: Uint8Array | string): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const why = code === 'EEXIST' ? 'is there already; it is not overwritten' : `(${code})`;
    throw new SignerSetupError(`${path} can not be made: ${why}`);
  }
  try {
    writeAll(file, typeof content === 'string' ? Buffer.from(content) : content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The message of an unknown error might hold anything: only its kind and place are told. */
export function bugReport(error: unknown): string {
  const name = error instanceof Error ? error.name : typeof error;
  const places = error instanceof Error ? ((error.stack ?? '').match(/^\s+at .*$/gm) ?? []) : [];
  return [`quittance signer: a bug (${name}); ending.`, ...places.slice(0, 10)].join('\n');
}
