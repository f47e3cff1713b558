import { existsSync } from 'node:fs';
import type { Network } from '@quittance/bitcoin';
import { openLog } from '../audit/log.ts';
import { SignerSetupError } from '../errors.ts';
import { privateFolder, renameDurably, replaceFile, writeDurably } from '../files.ts';
import { lockFolder } from '../lock.ts';
import { DEFAULT_POLICY } from '../policy/policy.ts';
import { pathsOf } from '../signer.ts';
import { DEFAULT_COST, derive, type KdfCost } from '../vault/kdf.ts';
import { masterKey, newWords, readBackup } from '../vault/root-key.ts';
import { bodyHash, sealBody } from '../vault/sealed-file.ts';
import {
  newAuthKey,
  type RootSecret,
  sealVault,
  type Unlocker,
  wipeSecrets,
} from '../vault/vault.ts';
import { fingerprintText } from '../wallets.ts';
import {
  checkCheap,
  folderOf,
  networkOf,
  readOptions,
  UsageError,
  type Values,
} from './options.ts';
import { createPrivateFile, say, tell } from './output.ts';
import { prompt, readNewUnlocker, readSecretFile } from './secrets.ts';

/** So cheap that a suite can make hundreds: 64 KiB, one pass. */
const TEST_COST: KdfCost = { memoryKiB: 64, passes: 1 };

/** `init`: a new seed. The words are shown once, or written where they were asked for. */
export async function runInit(args: readonly string[], nowMs: number): Promise<void> {
  const { values } = readOptions(args, [
    ...(['network', 'passphrase-file', 'passphrase-fd', 'key-file', 'new-key-file'] as const),
    ...(['seed-file', 'print-seed', 'cheap-for-tests'] as const),
  ]);
  const network = networkOf(values);
  const folder = folderOf(values);
  refuseExisting(folder);
  const seedFile = values['seed-file'];
  const isShown = values['print-seed'] === true || process.stdout.isTTY;
  if (seedFile === undefined && !isShown) {
    throw new UsageError('the words must go somewhere: --seed-file FILE, or --print-seed');
  }
  const isCheap = checkCheap(values, network);
  const unlocker = await readNewUnlocker(values, { isCheap });
  const words = newWords();
  const root = readBackup(words, { network });
  // The backup first: a vault whose words nobody has is a trap.
  if (seedFile !== undefined) createPrivateFile(seedFile, `${words}\n`);
  const fingerprint = await makeVault({ folder, network, root, unlocker, isCheap, nowMs });
  if (seedFile === undefined) showWords(words);
  tell(`Vault made in ${folder} for ${network}, fingerprint ${fingerprint}.`);
  if (seedFile !== undefined) tell(`The words are in ${seedFile}: take the file off this machine.`);
  tell('Next: "signer add-wallet", "signer policy add-approver", "signer start".');
}

/** `restore`: words or an extended private key that somebody has kept. */
export async function runRestore(args: readonly string[], nowMs: number): Promise<void> {
  const { values } = readOptions(args, [
    ...(['network', 'passphrase-file', 'passphrase-fd', 'key-file', 'new-key-file'] as const),
    ...(['words-file', 'bip39-passphrase-file', 'cheap-for-tests'] as const),
  ]);
  const network = networkOf(values);
  const folder = folderOf(values);
  refuseExisting(folder);
  const isCheap = checkCheap(values, network);
  const root = await readRoot(values, network);
  const unlocker = await readNewUnlocker(values, { isCheap });
  const fingerprint = await makeVault({ folder, network, root, unlocker, isCheap, nowMs });
  tell(`Vault made in ${folder} for ${network}, fingerprint ${fingerprint}.`);
  tell(
    'This signer does not remember what was signed before: payouts of the old one could be signed ' +
      'again. Give it new approver keys, so that no old approval holds (runbook ' +
      'lost-signer-passphrase).',
  );
}

async function readRoot(values: Values, network: Network): Promise<RootSecret> {
  const file = values['words-file'];
  const typed =
    file === undefined
      ? await prompt('Words (or xprv) of the backup: ')
      : readSecretFile(file, false);
  const extra = values['bip39-passphrase-file'];
  const bip39Passphrase =
    extra === undefined ? '' : Buffer.from(readSecretFile(extra, false)).toString('utf8');
  try {
    const text = Buffer.from(typed).toString('utf8');
    return readBackup(text, { network, bip39Passphrase });
  } finally {
    typed.fill(0);
  }
}

function refuseExisting(folder: string): void {
  if (!existsSync(pathsOf(folder).vault)) return;
  throw new SignerSetupError(
    `there is a vault in ${folder} already; it is not overwritten. Choose another folder`,
  );
}

export type NewVault = {
  folder: string;
  network: Network;
  root: RootSecret;
  unlocker: Unlocker;
  isCheap: boolean;
  nowMs: number;
};

/**
 * Everything else first, the vault last: without it the folder counts as empty. Wipes what it gets.
 * @returns the seed's fingerprint
 */
export async function makeVault(options: NewVault): Promise<string> {
  const { folder, network, root, unlocker, isCheap, nowMs } = options;
  const paths = pathsOf(folder);
  privateFolder(folder);
  const release = await lockFolder(folder);
  const secrets = { authKey: newAuthKey(), root };
  try {
    refuseExisting(folder);
    const cost = isCheap ? TEST_COST : DEFAULT_COST;
    const sealed = sealVault(secrets, { network, unlocker, cost });
    const key = derive(secrets.authKey, new Uint8Array(), 'files');
    if (existsSync(paths.audit)) {
      throw new SignerSetupError(
        `${paths.audit} holds the log of a signer whose vault is gone: put the vault back, or ` +
          'choose another folder',
      );
    }
    writeDurably(`${paths.vault}.next`, sealed);
    const log = await openLog(paths.audit, {
      key: derive(secrets.authKey, new Uint8Array(), 'log'),
    });
    const policy = { revision: 1, policy: DEFAULT_POLICY };
    const wallets = { revision: 1, wallets: [] };
    replaceFile(paths.policy, sealBody('policy', policy, key));
    replaceFile(paths.wallets, sealBody('wallets', wallets, key));
    log.append({ method: 'policy', policy: bodyHash(policy), revision: 1 }, nowMs);
    log.append({ method: 'wallets', wallets: bodyHash(wallets), revision: 1, names: [] }, nowMs);
    log.close();
    renameDurably(`${paths.vault}.next`, paths.vault);
    const master = masterKey(root, network);
    const fingerprint = fingerprintText(master);
    master.wipePrivateData();
    return fingerprint;
  } finally {
    wipeSecrets(secrets);
    unlocker.bytes.fill(0);
    release();
  }
}

function showWords(words: string): void {
  tell('Write these words on paper, in this order. They are shown once. Whoever has them has the');
  tell('money; without them and without the passphrase it is gone.');
  const lines = words.split(' ').map((word, i) => `${String(i + 1).padStart(4)} ${word}`);
  say(lines.join('\n'));
}
