import { readFileSync } from 'node:fs';
import { approverId, generateApprover } from '../approval.ts';
import { SignerSetupError } from '../errors.ts';
import { readIfThere, replaceFile } from '../files.ts';
import { lockFolder } from '../lock.ts';
import { parsePolicy, type PolicyFile } from '../policy/policy.ts';
import { type OpenFolder, openFolder, pathsOf } from '../signer.ts';
import { DEFAULT_COST } from '../vault/kdf.ts';
import { openVault, sealVault, vaultHeader, wipeSecrets } from '../vault/vault.ts';
import {
  accountDescriptor,
  cosignerKey,
  openWallets,
  type SingleKeyKind,
  singleKeyKinds,
  type WalletRecord,
} from '../wallets.ts';
import { parseDescriptor } from '@quittance/bitcoin';
import {
  folderOf,
  numberOf,
  type OptionName,
  readOptions,
  UsageError,
  type Values,
} from './options.ts';
import { createPrivateFile, say, tell } from './output.ts';
import { readReplacement, readUnlocker } from './secrets.ts';

const UNLOCKING: readonly OptionName[] = ['passphrase-file', 'passphrase-fd', 'key-file'];

/** Opens the folder for one command; nobody else may be at work in it. */
async function withFolder<T>(values: Values, use: (opened: OpenFolder) => T): Promise<T> {
  const folder = folderOf(values);
  const unlocker = await readUnlocker(values);
  const opened = await openFolder({ folder, unlocker, keepRoot: true });
  try {
    return use(opened);
  } finally {
    unlocker.bytes.fill(0);
    opened.close();
  }
}

/** `add-wallet`: a standard account of the seed, or any descriptor in which one key is ours. */
export async function runAddWallet(args: readonly string[], nowMs: number): Promise<void> {
  const { values } = readOptions(args, [
    ...UNLOCKING,
    ...(['name', 'type', 'account', 'descriptor', 'first-change-index'] as const),
  ]);
  const { name, descriptor: given } = values;
  if (name === undefined) throw new UsageError('give the wallet a name: --name NAME');
  const kind = (values.type ?? 'wpkh').replace('-', '_');
  if (!singleKeyKinds.some((each) => each === kind)) {
    throw new UsageError('--type is wpkh, tr or sh-wpkh; use --descriptor for multisig');
  }
  const account = numberOf(values.account, 'account', 0);
  const firstChangeIndex = numberOf(values['first-change-index'], 'first-change-index', 0);
  await withFolder(values, (opened) => {
    const { network, walletsBody } = opened;
    const text = opened.withMaster((master) => {
      const options = { kind: kind as SingleKeyKind, account, network };
      return given ?? accountDescriptor(master, options);
    });
    const parsed = parseDescriptor(text, network);
    if (!parsed.ok) throw new SignerSetupError(parsed.reason);
    const record: WalletRecord = { name, descriptor: parsed.descriptor.text, firstChangeIndex };
    const body = {
      revision: walletsBody.revision + 1,
      wallets: [...walletsBody.wallets, record],
    };
    opened.withMaster((master) => openWallets(body, { master, network }));
    opened.install(body, nowMs);
    say(record.descriptor);
  });
}

/** `policy show | set FILE | add-approver ID PUBLICKEY`. */
export async function runPolicy(args: readonly string[], nowMs: number): Promise<void> {
  const { values, words } = readOptions(args, [...UNLOCKING, 'max-sats']);
  const [action, ...rest] = words;
  await withFolder(values, (opened) => {
    const { revision, file } = opened.policy;
    if (action === 'show') {
      say(JSON.stringify(file, null, 2));
      return;
    }
    const policy = action === 'set' ? policyOfFile(rest) : withApprover(file, action, rest, values);
    parsePolicy(policy, opened.network);
    opened.install({ revision: revision + 1, policy }, nowMs);
    tell(`Policy ${revision + 1} is in force from the next start.`);
  });
}

function policyOfFile([path]: readonly string[]): PolicyFile {
  if (path === undefined) throw new UsageError('say which file: policy set FILE');
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PolicyFile;
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown';
    throw new SignerSetupError(`${path} can not be read as JSON: ${why}`);
  }
}

function withApprover(
  file: PolicyFile,
  action: string | undefined,
  [id, publicKey]: readonly string[],
  values: Values,
): PolicyFile {
  if (action !== 'add-approver' || id === undefined || publicKey === undefined) {
    throw new UsageError('policy show | policy set FILE | policy add-approver ID PUBLICKEY');
  }
  const max = values['max-sats'];
  const approver = { id, publicKey, ...(max === undefined ? {} : { maxSatsPerPayout: max }) };
  return { ...file, approvers: [...file.approvers, approver] };
}

/** `new-approver`: a key for a person or for the server; needs no vault. */
export function runNewApprover(args: readonly string[]): void {
  const { values } = readOptions(args, ['out']);
  if (values.out === undefined) throw new UsageError('say where the key goes: --out FILE');
  const approver = generateApprover();
  createPrivateFile(values.out, `${JSON.stringify(approver, null, 2)}\n`);
  say(`${approverId(approver.publicKey)} ${approver.publicKey}`);
}

/** `show`: what is public about the vault. */
export async function runShow(args: readonly string[]): Promise<void> {
  const { values } = readOptions(args, UNLOCKING);
  await withFolder(values, (opened) => {
    const { network, walletsBody, policy, log } = opened;
    const cosigner = opened.withMaster((master) => cosignerKey(master, network));
    const { wallets } = walletsBody;
    const { entries, head } = log;
    const shown = { network, wallets, cosignerKey: cosigner, policy: policy.file };
    say(JSON.stringify({ ...shown, log: { entries, head } }, null, 2));
  });
}

/** `change-passphrase`: the same vault under another passphrase or key file. */
export async function runChangePassphrase(args: readonly string[]): Promise<void> {
  const { values } = readOptions(args, [
    ...UNLOCKING,
    ...(['new-passphrase-file', 'new-key-file'] as const),
  ]);
  const folder = folderOf(values);
  const { vault } = pathsOf(folder);
  const sealed = readIfThere(vault);
  if (sealed === null) throw new SignerSetupError(`there is no vault in ${folder}`);
  const release = await lockFolder(folder);
  try {
    const text = Buffer.from(sealed).toString('utf8');
    const { network, kdf } = vaultHeader(text);
    const unlocker = await readUnlocker(values);
    const secrets = openVault(text, unlocker);
    unlocker.bytes.fill(0);
    const isCheap = network === 'regtest';
    const replacement = await readReplacement(values, { isCheap });
    // A vault of a test stays as quick to open as it was.
    const isTest = isCheap && kdf.name === 'argon2id' && kdf.memoryKiB < DEFAULT_COST.memoryKiB;
    const cost = isTest ? { memoryKiB: kdf.memoryKiB, passes: kdf.passes } : DEFAULT_COST;
    replaceFile(vault, sealVault(secrets, { network, unlocker: replacement, cost }));
    wipeSecrets(secrets);
    replacement.bytes.fill(0);
  } finally {
    release();
  }
  tell('Changed. Backups of the old vault file still open with the old passphrase: destroy them.');
}
