import { HDKey } from '@scure/bip32';
import {
  type Descriptor,
  deriveScript,
  type Network,
  parseDescriptor,
  networks,
} from '@quittance/bitcoin';
import { assert, toHex } from '@quittance/kernel';
import { SignerSetupError } from './errors.ts';
import { NAME } from './protocol.ts';

/** A wallet as it is written down: nothing in it is secret. */
export type WalletRecord = {
  name: string;
  descriptor: string;
  /** Change below this index has been used elsewhere before; the search for change starts here. */
  firstChangeIndex: number;
};
export type WalletsBody = { revision: number; wallets: readonly WalletRecord[] };

/** A wallet that can sign. */
export type Wallet = {
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly firstChangeIndex: number;
  /** Our key's origin: fingerprint of the master and path to the account, as BIP174 writes them. */
  readonly fingerprint: number;
  readonly accountPath: readonly number[];
  /** Private node of the account. */
  readonly account: HDKey;
  /** Public nodes of every key in the descriptor's order, ours included. */
  readonly keys: readonly HDKey[];
};

/** Receiving and change, as every descriptor here has them. */
export const CHANGE_BRANCH = 1;
export const HARDENED = 0x8000_0000;

const MAX_WALLETS = 50;
/** Purpose steps of single-key wallets (BIP49, BIP84, BIP86). */
const PURPOSES = { wpkh: 84, sh_wpkh: 49, tr: 86 } as const;
export type SingleKeyKind = keyof typeof PURPOSES;
export const singleKeyKinds = Object.keys(PURPOSES) as readonly SingleKeyKind[];
const KINDS: ReadonlySet<Descriptor['kind']> = new Set([
  'wpkh',
  'sh_wpkh',
  'tr',
  'wsh_multi',
  'wsh_sortedmulti',
  'sh_wsh_multi',
  'sh_wsh_sortedmulti',
]);

/** The standard descriptor of one account of this seed. */
export function accountDescriptor(
  master: HDKey,
  { kind, account, network }: { kind: SingleKeyKind; account: number; network: Network },
): string {
  const coin = network === 'mainnet' ? 0 : 1;
  const path = [PURPOSES[kind], coin, account];
  const node = derivePath(
    master,
    path.map((step) => step + HARDENED),
  );
  const origin = `[${fingerprintText(master)}/${path.map((step) => `${step}h`).join('/')}]`;
  const key = `${origin}${node.publicExtendedKey}/<0;1>/*`;
  node.wipePrivateData();
  if (kind === 'sh_wpkh') return `sh(wpkh(${key}))`;
  return `${kind}(${key})`;
}

/** Our key for a multisig wallet with others: account 0 at BIP48's path, script type 2 (P2WSH). */
export function cosignerKey(master: HDKey, network: Network): string {
  const path = [48, network === 'mainnet' ? 0 : 1, 0, 2];
  const node = derivePath(
    master,
    path.map((step) => step + HARDENED),
  );
  const origin = `[${fingerprintText(master)}/${path.map((step) => `${step}h`).join('/')}]`;
  return `${origin}${node.publicExtendedKey}/<0;1>/*`;
}

/**
 * Reads what `wallets.json` holds and derives each wallet's account key.
 * @throws {SignerSetupError}
 */
export function openWallets(
  body: unknown,
  { master, network }: { master: HDKey; network: Network },
): Wallet[] {
  const { wallets } = Object(body) as { wallets?: unknown };
  if (!Array.isArray(wallets) || wallets.length > MAX_WALLETS) {
    throw new SignerSetupError(`a signer has at most ${MAX_WALLETS} wallets`);
  }
  const opened = wallets.map((each) => openWallet(readRecord(each), { master, network }));
  if (new Set(opened.map((each) => each.name)).size !== opened.length) {
    throw new SignerSetupError('two wallets have the same name');
  }
  if (new Set(opened.map((each) => each.descriptor.text)).size !== opened.length) {
    throw new SignerSetupError('this wallet is there already, under another name');
  }
  return opened;
}

function readRecord(value: unknown): WalletRecord {
  const { name, descriptor, firstChangeIndex } = Object(value) as Record<string, unknown>;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new SignerSetupError('a wallet name has letters, digits, ".", "_", "-", at most 64');
  }
  if (typeof descriptor !== 'string') throw new SignerSetupError('a wallet needs a descriptor');
  const index = Number(firstChangeIndex);
  if (!Number.isInteger(index) || index < 0 || index >= HARDENED) {
    throw new SignerSetupError('the first change index is a number from 0 to 2147483647');
  }
  return { name, descriptor, firstChangeIndex: index };
}

function openWallet(
  record: WalletRecord,
  { master, network }: { master: HDKey; network: Network },
): Wallet {
  const parsed = parseDescriptor(record.descriptor, network);
  if (!parsed.ok) throw new SignerSetupError(`wallet "${record.name}": ${parsed.reason}`);
  const { descriptor } = parsed;
  const fail = (what: string) => new SignerSetupError(`wallet "${record.name}": ${what}`);
  if (!KINDS.has(descriptor.kind)) throw fail('the signer signs for segwit and Taproot only');
  const isStandard = descriptor.keys.every(
    ({ steps, isRanged, extended }) =>
      extended !== null && isRanged && steps.length === 1 && String(steps[0]) === '0,1',
  );
  if (!isStandard) throw fail('every key must be an extended key that ends in /<0;1>/*');
  const ours = descriptor.keys.flatMap((key) => {
    if (key.origin?.fingerprint !== fingerprintText(master)) return [];
    const path = pathOf(key.origin.path);
    const node = derivePath(master, path);
    const isOurs =
      node.publicKey !== null &&
      toHex(node.publicKey) === toHex(key.publicKey) &&
      node.chainCode !== null &&
      toHex(node.chainCode) === toHex(key.extended?.chainCode ?? new Uint8Array());
    return isOurs ? [{ node, path }] : [];
  });
  const [own] = ours;
  if (own === undefined) {
    throw fail(`no key of it is this seed's (fingerprint ${fingerprintText(master)})`);
  }
  if (ours.length > 1) throw fail('several of its keys are ours: one signer, one key');
  return {
    name: record.name,
    descriptor,
    firstChangeIndex: record.firstChangeIndex,
    fingerprint: master.fingerprint,
    accountPath: own.path,
    account: own.node,
    keys: descriptor.keys.map((key) => publicNode(key, network)),
  };
}

/**
 * A wallet without any private key: knows its scripts, can't sign. For tests and for who prepares
 * transactions.
 * @param keyIndex which of the descriptor's keys is the one whose path is stated
 * @throws {SignerSetupError}
 */
export function publicWallet(name: string, text: string, network: Network, keyIndex = 0): Wallet {
  const parsed = parseDescriptor(text, network);
  if (!parsed.ok) throw new SignerSetupError(parsed.reason);
  const { descriptor } = parsed;
  const keys = descriptor.keys.map((key) => publicNode(key, network));
  const [account, origin] = [keys[keyIndex], descriptor.keys[keyIndex]?.origin];
  assert(account !== undefined && origin !== null && origin !== undefined, 'no such key');
  return {
    ...{ name, descriptor, firstChangeIndex: 0, account, keys },
    fingerprint: Number.parseInt(origin.fingerprint, 16),
    accountPath: pathOf(origin.path),
  };
}

/** A place in a wallet, with everything that follows from it. */
export type OwnScript = {
  branch: number;
  index: number;
  /** Output script, as the chain has it. */
  script: Uint8Array;
  /** In the descriptor's order of keys. */
  publicKeys: readonly Uint8Array[];
  ourPublicKey: Uint8Array;
};

/** Derives a place from public data; `branch` is 0 or 1, `index` not hardened. */
export function ownScript(wallet: Wallet, at: { branch: number; index: number }): OwnScript {
  const script = deriveScript(wallet.descriptor, at);
  const publicKeys = wallet.keys.map((key) => {
    const { publicKey } = branchOf(key, at.branch).deriveChild(at.index);
    assert(publicKey !== null, 'ownScript: a public key is missing');
    return publicKey;
  });
  const account = toHex(wallet.account.publicKey ?? new Uint8Array());
  const ourIndex = wallet.keys.findIndex(
    (key) => toHex(key.publicKey ?? new Uint8Array()) === account,
  );
  const ourPublicKey = publicKeys[ourIndex];
  assert(ourPublicKey !== undefined, 'ownScript: our key is missing');
  return { ...at, script, publicKeys, ourPublicKey };
}

/** The two branches of each public node, derived once. */
const branches = new WeakMap<HDKey, Map<number, HDKey>>();

function branchOf(key: HDKey, branch: number): HDKey {
  const known = branches.get(key) ?? new Map<number, HDKey>();
  branches.set(key, known);
  const node = known.get(branch) ?? key.deriveChild(branch);
  known.set(branch, node);
  return node;
}

/** Signatures that a spend needs. */
export function thresholdOf(descriptor: Descriptor): number {
  return descriptor.threshold ?? 1;
}

export function fingerprintText(key: HDKey): string {
  return key.fingerprint.toString(16).padStart(8, '0');
}

function publicNode(key: Descriptor['keys'][number], network: Network): HDKey {
  const { extended } = key;
  assert(extended !== null, 'publicNode: only extended keys are here');
  const { extendedPublicVersion, extendedPrivateVersion } = networks[network];
  return new HDKey({
    versions: { private: extendedPrivateVersion, public: extendedPublicVersion },
    depth: extended.depth,
    index: extended.childNumber,
    parentFingerprint: extended.parentFingerprint,
    chainCode: extended.chainCode,
    publicKey: extended.publicKey,
  });
}

/** The nodes on the way are wiped, the last one is the caller's. */
function derivePath(master: HDKey, path: readonly number[]): HDKey {
  let node = master;
  for (const step of path) {
    const next = node.deriveChild(step);
    if (node !== master) node.wipePrivateData();
    node = next;
  }
  // A master key that is an account itself must survive the wiping of the master.
  return node === master ? HDKey.fromExtendedKey(master.privateExtendedKey, master.versions) : node;
}

/** Reads "84h/0h/0h". */
function pathOf(text: string): number[] {
  return (text === '' ? [] : text.split('/')).map((step) =>
    step.endsWith('h') ? Number(step.slice(0, -1)) + HARDENED : Number(step),
  );
}
