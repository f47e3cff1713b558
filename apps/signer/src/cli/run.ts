import { chmodSync, chownSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { verifyLog } from '../audit/log.ts';
import { SignerSetupError } from '../errors.ts';
import { privateFolder, readIfThere } from '../files.ts';
import { serve } from '../server.ts';
import { openFolder, pathsOf, startSigner } from '../signer.ts';
import { derive } from '../vault/kdf.ts';
import { openVault, wipeSecrets } from '../vault/vault.ts';
import { folderOf, numberOf, readOptions } from './options.ts';
import { bugReport, say, tell } from './output.ts';
import { readUnlocker } from './secrets.ts';

/** `start`: unlocks, listens, and works until it is told to stop. */
export async function runStart(args: readonly string[]): Promise<void> {
  const { values } = readOptions(args, [
    ...(['passphrase-file', 'passphrase-fd', 'key-file'] as const),
    ...(['socket', 'group'] as const),
  ]);
  const folder = folderOf(values);
  const paths = pathsOf(folder);
  refuseDumps();
  const unlocker = await readUnlocker(values);
  const opened = await openFolder({ folder, unlocker });
  unlocker.bytes.fill(0);
  const signer = startSigner(opened, { nowMs: () => Date.now() });
  const path = values.socket ?? paths.socket;
  const group = values.group === undefined ? undefined : numberOf(values.group, 'group', 0);
  if (group !== undefined) groupFolder(dirname(path), group);
  const server = await serve(signer, {
    path,
    ...(group === undefined ? {} : { group }),
    onCrash: (error) => {
      tell(bugReport(error));
      process.exit(1);
    },
  });
  const stop = (): void => {
    void server.close().then(() => {
      signer.stop();
      process.exit(0);
    });
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const wallets = opened.wallets.map(({ name }) => name).join(', ') || 'none yet';
  say(
    JSON.stringify({
      event: 'ready',
      socket: path,
      network: opened.network,
      wallets,
      pid: process.pid,
    }),
  );
}

/** `verify-log`: the whole chain from its first entry. */
export async function runVerifyLog(args: readonly string[]): Promise<void> {
  const { values } = readOptions(args, [
    ...(['passphrase-file', 'passphrase-fd', 'key-file', 'without-key'] as const),
  ]);
  const paths = pathsOf(folderOf(values));
  let key: Uint8Array | null = null;
  if (values['without-key'] !== true) {
    const sealed = readIfThere(paths.vault);
    if (sealed === null) throw new SignerSetupError('there is no vault: use --without-key');
    const unlocker = await readUnlocker(values);
    const secrets = openVault(Buffer.from(sealed).toString('utf8'), unlocker);
    key = derive(secrets.authKey, new Uint8Array(), 'log');
    wipeSecrets(secrets);
    unlocker.bytes.fill(0);
  }
  const { entries, head, tornBytes } = await verifyLog(paths.audit, key);
  const codes = key === null ? 'the chain of hashes' : 'the chain of hashes and every code';
  say(JSON.stringify({ ok: true, entries, head, tornBytes, checked: codes }));
}

/** A folder that the named group may pass through, for a server of another user. */
function groupFolder(path: string, group: number): void {
  privateFolder(path);
  chownSync(path, process.getuid?.() ?? 0, group);
  chmodSync(path, 0o710);
}

/**
 * A memory dump would hold the keys. The limit must be set before the process starts, which the
 * launcher does; where the system can tell, it is checked.
 */
function refuseDumps(): void {
  const limit = coreLimit();
  if (limit === null || limit === '0') return;
  throw new SignerSetupError(
    'memory dumps are possible here: start with "./quittance signer start", which turns them off, ' +
      'or run "ulimit -c 0" before',
  );
}

/** Hard limit of core dumps as Linux tells it; null where it does not. */
export function coreLimit(): string | null {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return /^Max core file size\s+\S+\s+(\S+)/m.exec(limits)?.[1] ?? null;
  } catch {
    return null;
  }
}
