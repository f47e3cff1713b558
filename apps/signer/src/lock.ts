import { createServer, type Server } from 'node:net';
import { closeSync, constants, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SignerSetupError } from './errors.ts';

/** `O_EXLOCK` of macOS and the BSDs: the file is locked as long as it is open. */
const O_EXLOCK = 0x20;

/**
 * Makes sure that only one process works in a folder: two would each have half of the memory of what
 * was signed. The system frees the lock when the process ends, however it ends.
 *
 * Linux: a socket in the abstract namespace, which only one process can have. Two containers that
 * share a folder and no network don't see each other's; then the log refuses, whose size is checked
 * before each entry. macOS: a locked file.
 * @throws {SignerSetupError} when another process has it
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const taken = new SignerSetupError(`another signer or command is working in ${folder}`);
  if (process.platform !== 'linux') {
    try {
      const { O_CREAT, O_RDWR, O_NONBLOCK } = constants;
      const file = openSync(join(folder, 'lock'), O_CREAT | O_RDWR | O_NONBLOCK | O_EXLOCK, 0o600);
      return () => closeSync(file);
    } catch {
      throw taken;
    }
  }
  const { dev, ino } = statSync(folder);
  const server = createServer((socket) => socket.destroy());
  await listen(server, `\0quittance-signer-${dev}-${ino}`).catch((error: unknown) => {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw isTaken ? taken : error;
  });
  server.unref();
  return () => server.close();
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
