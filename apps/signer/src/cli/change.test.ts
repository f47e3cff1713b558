import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateApprover } from '../approval.ts';
import { DEFAULT_POLICY, type PolicyFile } from '../policy/policy.ts';
import { openFolder } from '../signer.ts';
import { newWords, readBackup } from '../vault/root-key.ts';
import { makeVault } from './make-vault.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
let dir: string;
let folder: string;
const passphrase = (text = 'old passphrase') => ({
  kind: 'passphrase' as const,
  bytes: Uint8Array.from(Buffer.from(text)),
});

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'signer-change-'));
  folder = join(dir, 'vault');
  writeFileSync(join(dir, 'pass'), 'old passphrase', { mode: 0o600 });
  await makeVault({
    ...{ folder, network: 'regtest', isCheap: true, nowMs: 1, unlocker: passphrase() },
    root: readBackup(newWords(), { network: 'regtest' }),
  });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function cli(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ status: number | string | null; output: string }> {
  const all = [MAIN, ...args, '--dir', folder, '--passphrase-file', join(dir, 'pass')];
  const child = spawn(process.execPath, all, { env: { ...process.env, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  }
  return new Promise((resolve) => {
    child.once('close', (status, signal) => resolve({ status: signal ?? status, output }));
  });
}

async function policyInForce(): Promise<PolicyFile> {
  const opened = await openFolder({ folder, unlocker: passphrase() });
  opened.close();
  return opened.policy.file;
}

/** Writes a policy file with another fee ceiling. */
function policyFile(maxFeeSats: string): string {
  const path = join(dir, 'policy');
  writeFileSync(path, JSON.stringify({ ...DEFAULT_POLICY, maxFeeSats }));
  return path;
}

describe('the policy and the wallets', () => {
  test('that were replaced do not come back, and no other takes their place', async () => {
    const names = ['policy.json', 'wallets.json'];
    for (const name of names) copyFileSync(join(folder, name), join(dir, name));
    expect((await cli(['policy', 'set', policyFile('777')])).status).toBe(0);
    expect((await cli(['add-wallet', '--name', 'main'])).status).toBe(0);
    for (const name of names) {
      const right = readFileSync(join(folder, name));
      copyFileSync(join(dir, name), join(folder, name));
      await expect(policyInForce()).rejects.toThrow('put in force last');
      rmSync(join(folder, name));
      await expect(policyInForce()).rejects.toThrow('is missing');
      const edited = right.toString('utf8').replace('777', '999').replace('main', 'none');
      writeFileSync(join(folder, name), edited);
      await expect(policyInForce()).rejects.toThrow('was not written by this signer');
      writeFileSync(join(folder, name), right);
    }
    expect((await policyInForce()).maxFeeSats).toBe('777');
  });

  test('are whole after a crash while they were changed: the old one, or the new one', async () => {
    const path = policyFile('888');
    const kill = (point: string) => cli(['policy', 'set', path], { QUITTANCE_FAULT_POINT: point });
    expect((await kill('signer:policy-prepared')).status).toBe('SIGKILL');
    expect((await policyInForce()).maxFeeSats).toBe(DEFAULT_POLICY.maxFeeSats);
    expect((await kill('signer:policy-logged')).status).toBe('SIGKILL');
    expect((await policyInForce()).maxFeeSats).toBe('888');
    expect((await policyInForce()).maxFeeSats).toBe('888');
    expect((await kill('signer:nowhere')).output).toContain('there is no "signer:nowhere"');
  });

  test('that are wrong are not put in force', async () => {
    const wrong = await cli(['policy', 'set', policyFile('-1')]);
    expect(wrong).toMatchObject({ status: 1, output: expect.stringContaining('maxFeeSats') });
    const { publicKey } = generateApprover();
    expect((await cli(['policy', 'add-approver', 'anna', publicKey])).status).toBe(0);
    expect((await cli(['policy', 'add-approver', 'anna', publicKey])).output).toContain('twice');
    expect((await policyInForce()).approvers).toEqual([{ id: 'anna', publicKey }]);
  });
});

describe('the passphrase', () => {
  test('is changed for another one or a key file; the wallets stay', async () => {
    await cli(['add-wallet', '--name', 'main', '--type', 'tr']);
    writeFileSync(join(dir, 'new'), 'new passphrase', { mode: 0o600 });
    const changed = await cli(['change-passphrase', '--new-passphrase-file', join(dir, 'new')]);
    expect(changed.status).toBe(0);
    await expect(policyInForce()).rejects.toThrow('passphrase is wrong');
    const opened = await openFolder({ folder, unlocker: passphrase('new passphrase') });
    expect(opened.wallets.map(({ name }) => name)).toEqual(['main']);
    opened.close();
    writeFileSync(join(dir, 'pass'), 'new passphrase');
    const keyFile = join(dir, 'key');
    expect((await cli(['change-passphrase', '--new-key-file', keyFile])).status).toBe(0);
    expect((await cli(['show'])).output).toContain('unlocked with a key file');
    const bytes = Uint8Array.from(readFileSync(keyFile));
    (await openFolder({ folder, unlocker: { kind: 'key-file', bytes } })).close();
  });
});
