import { readFileSync } from 'node:fs';
import { makeVault } from '../cli/make-vault.ts';
import { DEFAULT_POLICY, parsePolicy, type PolicyFile } from '../policy/policy.ts';
import { openFolder } from '../signer.ts';
import { newWords, readBackup } from '../vault/root-key.ts';
import { accountDescriptor, openWallets, type SingleKeyKind } from '../wallets.ts';
import { parseDescriptor } from '@quittance/bitcoin';

/** What the parent process asks for; on standard input as JSON. */
export type Preparation = {
  folder: string;
  keyFile: string;
  seed: string | null;
  wallets: readonly { name: string; kind: SingleKeyKind; descriptor: string | null }[];
  policy: Partial<PolicyFile>;
};

// Makes a whole signer's folder in one short process, so that the process of the tests never has
// the seed in its memory. Prints the descriptors.
const wanted = JSON.parse(readFileSync(0, 'utf8')) as Preparation;
const { folder } = wanted;
const network = 'regtest';
const key = () => new Uint8Array(readFileSync(wanted.keyFile));
const nowMs = Date.now();
process.umask(0o077);
await makeVault({
  ...{ folder, network, isCheap: true, nowMs },
  root: readBackup(wanted.seed ?? newWords(), { network }),
  unlocker: { kind: 'key-file', bytes: key() },
});
const opened = await openFolder({
  ...{ folder, keepRoot: true },
  unlocker: { kind: 'key-file', bytes: key() },
});
const records = opened.withMaster((master) => {
  const wallets = wanted.wallets.map(({ name, kind, descriptor }) => {
    const text = descriptor ?? accountDescriptor(master, { kind, account: 0, network });
    const parsed = parseDescriptor(text, network);
    if (!parsed.ok) throw new Error(parsed.reason);
    return { name, descriptor: parsed.descriptor.text, firstChangeIndex: 0 };
  });
  openWallets({ wallets }, { master, network });
  return wallets;
});
opened.install({ revision: 2, wallets: records }, nowMs);
const policy = { ...DEFAULT_POLICY, ...wanted.policy };
parsePolicy(policy, network);
opened.install({ revision: 2, policy }, nowMs);
opened.close();
console.log(JSON.stringify(records.map(({ descriptor }) => descriptor)));
