import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLogger, type Logger } from '../../platform/log/index.ts';
import { DemoError } from './errors.ts';

export type DemoFolder = {
  path: string;
  /** Kept for the next start; otherwise it goes when the demo ends. */
  kept: boolean;
  log: Logger;
  logFile: string;
  /** Removes what is not to be kept; safe to call twice. */
  remove(): void;
};

/** Where the demo keeps the database, the chain, the store's key and the server's log. */
export function openFolder(dataDir: string | undefined): DemoFolder {
  const kept = dataDir !== undefined;
  const path = kept ? makeFolder(resolve(dataDir)) : temporary();
  const logFile = join(path, 'server.log');
  const stream = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  // A full disk must not end the demo through its log.
  stream.on('error', () => {});
  return {
    path,
    kept,
    logFile,
    log: createLogger({ level: 'info', write: (line) => void stream.write(line) }),
    remove() {
      stream.destroy();
      if (!kept) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function makeFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true });
    if (statSync(path).isDirectory()) return path;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DemoError(`--data ${path} can not be used: ${reason}`, { cause });
  }
  throw new DemoError(`--data ${path} is not a folder`);
}

/** The database server's own user passes through when we are root, without listing. */
function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), 'quittance-demo-'));
  chmodSync(path, 0o711);
  return path;
}
