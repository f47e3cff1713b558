import { parseArgs } from 'node:util';
import { isNetwork, type Network } from '@quittance/bitcoin';
import { SignerSetupError } from '../errors.ts';

/** Every option of every command; each command says which it knows. */
const OPTIONS = {
  dir: { type: 'string' },
  network: { type: 'string' },
  'passphrase-file': { type: 'string' },
  'passphrase-fd': { type: 'string' },
  'key-file': { type: 'string' },
  'new-key-file': { type: 'string' },
  'new-passphrase-file': { type: 'string' },
  'seed-file': { type: 'string' },
  'print-seed': { type: 'boolean' },
  'words-file': { type: 'string' },
  'bip39-passphrase-file': { type: 'string' },
  socket: { type: 'string' },
  group: { type: 'string' },
  name: { type: 'string' },
  type: { type: 'string' },
  account: { type: 'string' },
  descriptor: { type: 'string' },
  'first-change-index': { type: 'string' },
  'max-sats': { type: 'string' },
  out: { type: 'string' },
  json: { type: 'boolean' },
  'without-key': { type: 'boolean' },
  'cheap-for-tests': { type: 'boolean' },
} as const;

export type OptionName = keyof typeof OPTIONS;
export type Values = {
  readonly [Name in OptionName]?: (typeof OPTIONS)[Name]['type'] extends 'string'
    ? string
    : boolean;
};

/** A command line that is not understood: exit status 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export function readOptions(
  args: readonly string[],
  known: readonly OptionName[],
): { values: Values; words: readonly string[] } {
  const options = Object.fromEntries(
    ['dir' as const, ...known].map((name) => [name, OPTIONS[name]]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values: values as Values, words: positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'wrong options');
  }
}

/** The folder that everything is in. */
export function folderOf({ dir = process.env['QUITTANCE_SIGNER_DIR'] }: Values): string {
  if (dir !== undefined && dir !== '') return dir;
  throw new UsageError('say where the vault is: --dir DIR, or the variable QUITTANCE_SIGNER_DIR');
}

export function networkOf({ network }: Values): Network {
  if (network !== undefined && isNetwork(network)) return network;
  throw new UsageError('--network is one of mainnet, testnet4, signet, regtest');
}

export function numberOf(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[0-9]{1,10}$/.test(text)) throw new UsageError(`--${name} is a whole number`);
  return Number(text);
}

/** Tests may make vaults that are quick to open; a vault with money in it must not be. */
export function checkCheap(values: Values, network: Network): boolean {
  if (values['cheap-for-tests'] !== true) return false;
  if (network === 'regtest') return true;
  throw new SignerSetupError('--cheap-for-tests is for regtest only');
}
