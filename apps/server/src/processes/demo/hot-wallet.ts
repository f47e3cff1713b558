import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openServerApprover } from '../../paying/spends/index.ts';
import type { SignerPlace } from '../../platform/embedded/signer.ts';
import { DemoError } from './errors.ts';

const SIGNER = fileURLToPath(new URL('../../../../signer/src/main.ts', import.meta.url));
/** Its name in the signer. */
export const HOT_WALLET = 'main';

/** Small amounts by the server's word alone; it is a demo, with money that is worth nothing. */
const LIMITS = {
  rules: [{ aboveSats: '0', approvals: 1 }],
  maxFeeRateSatPerVb: 500,
  maxFeeSats: '1000000',
  maxFeeShareBps: 5_000,
  perPayoutMaxSats: '10000000000',
  windows: [{ seconds: 86_400, maxSats: '100000000000', maxCount: 100_000 }],
  allow: null,
  deny: [],
  maxInputs: 500,
  maxOutputs: 1_500,
};

export type HotWallet = {
  place: SignerPlace;
  approverFile: string;
  /** Public. */
  descriptor: string;
};

/**
 * Makes the signer's vault of the demo at the first start, or finds the one of an earlier start: a
 * seed, a wallet, and a policy with which the server may approve payouts.
 */
export async function openHotWallet(folder: string): Promise<HotWallet> {
  const place = { dir: join(folder, 'signer'), keyFile: join(folder, 'signer.key') };
  const approverFile = join(folder, 'approver.key');
  const descriptorFile = join(folder, 'hot-wallet.txt');
  if (existsSync(descriptorFile)) {
    return { place, approverFile, descriptor: readFileSync(descriptorFile, 'utf8').trim() };
  }
  const { id, publicKey } = openServerApprover(approverFile);
  const open = ['--dir', place.dir, '--key-file', place.keyFile];
  const seed = ['--seed-file', join(folder, 'seed.txt')];
  if (!existsSync(join(place.dir, 'vault.json'))) {
    const made = ['--dir', place.dir, '--new-key-file', place.keyFile, '--network', 'regtest'];
    await signer(['init', ...made, ...seed, '--cheap-for-tests']);
  }
  const descriptor = (await signer(['add-wallet', ...open, '--name', HOT_WALLET])).trim();
  const policyFile = join(folder, 'policy.json');
  const policy = { approvers: [{ id, publicKey }], ...LIMITS };
  writeFileSync(policyFile, JSON.stringify(policy), { mode: 0o600 });
  await signer(['policy', 'set', policyFile, ...open]);
  // Last, so that a start that was interrupted does not find half of it.
  writeFileSync(`${descriptorFile}.new`, `${descriptor}\n`, { mode: 0o600 });
  renameSync(`${descriptorFile}.new`, descriptorFile);
  return { place, approverFile, descriptor };
}

/** Runs one command of the signer. @returns what it printed */
async function signer(args: readonly string[]): Promise<string> {
  const shell = 'ulimit -c 0 && exec "$0" "$@"';
  const child = spawn('/bin/sh', ['-c', shell, process.execPath, SIGNER, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.err += text;
  });
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new DemoError(`the signer could not be prepared: ${output.err.trim()}`);
  return output.out;
}
