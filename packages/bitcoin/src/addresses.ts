import { bech32, bech32m, createBase58check } from '@scure/base';
import { sha256 } from './hashes.ts';
import { type Network, networks } from './networks.ts';
import { encodeSegwit } from './segwit-address.ts';
import {
  classifyScript,
  p2pkhScript,
  p2shScript,
  type ScriptKind,
  witnessKind,
  witnessScript,
} from './scripts.ts';

export type ParsedAddress =
  | { ok: true; script: Uint8Array; kind: ScriptKind }
  | { ok: false; code: 'wrong_network' | 'invalid'; reason: string };

/** A segwit address has at most 90 characters (BIP173), a base58 one fewer. */
const MAX_ADDRESS_LENGTH = 90;

const base58check = createBase58check(sha256);

/**
 * The address that names this output script, in the form in which wallets write it.
 * @returns null when no address can name it (OP_RETURN data, bare public keys, bare multisig)
 */
export function scriptToAddress(script: Uint8Array, network: Network): string | null {
  const parts = classifyScript(script);
  if (parts === null) return null;
  const { bech32Hrp, p2pkhVersion, p2shVersion } = networks[network];
  if ('hash' in parts) {
    const version = parts.kind === 'p2pkh' ? p2pkhVersion : p2shVersion;
    return base58check.encode(Uint8Array.of(version, ...parts.hash));
  }
  return encodeSegwit(bech32Hrp, parts);
}

/**
 * Reads an address: base58check (P2PKH, P2SH), bech32 (BIP173), bech32m (BIP350). Witness versions
 * without a meaning yet are read as `witness_unknown`, as BIP350 asks; who pays them must decide.
 */
export function addressToScript(address: string, network: Network): ParsedAddress {
  if (address.length === 0) return invalid('the address is empty');
  if (address.length > MAX_ADDRESS_LENGTH) return invalid('the address is too long');
  if (/^(bc|tb|bcrt)1/i.test(address)) return parseSegwit(address, network);
  return parseBase58(address, network);
}

function parseSegwit(address: string, network: Network): ParsedAddress {
  if (address !== address.toLowerCase() && address !== address.toUpperCase()) {
    return invalid('the address mixes capital and small letters');
  }
  const text = address.toLowerCase();
  const version = bech32Version(text);
  if (version === null) return invalid('the address has an impossible witness version');
  const codec = version === 0 ? bech32 : bech32m;
  const decoded = codec.decodeUnsafe(text);
  if (decoded === undefined) {
    return invalid('the address has a typing mistake: its checksum does not fit');
  }
  const program = codec.fromWordsUnsafe(decoded.words.slice(1));
  if (program === undefined) return invalid('the address has wrong padding');
  const kind = witnessKind(version, program.length);
  if (kind === null) return invalid('the address has a witness program of a wrong length');
  const owners = networksWhere((each) => each.bech32Hrp === decoded.prefix);
  if (!owners.includes(network)) return wrongNetwork(owners, network);
  return { ok: true, script: witnessScript(version, Uint8Array.from(program)), kind };
}

/** The witness version written after the separator, needed before the checksum can be chosen. */
function bech32Version(text: string): number | null {
  const version = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.indexOf(text[text.indexOf('1') + 1] ?? '?');
  return version < 0 || version > 16 ? null : version;
}

function parseBase58(address: string, network: Network): ParsedAddress {
  const bytes = decodeBase58check(address);
  if (bytes === null) return invalid('this is not a Bitcoin address, or it has a typing mistake');
  const [version] = bytes;
  const hash = bytes.slice(1);
  const isKeyHash = networksWhere((each) => each.p2pkhVersion === version);
  const isScriptHash = networksWhere((each) => each.p2shVersion === version);
  const owners = [...isKeyHash, ...isScriptHash];
  if (hash.length !== 20 || owners.length === 0) return invalid('this is not a Bitcoin address');
  if (!owners.includes(network)) return wrongNetwork(owners, network);
  return isKeyHash.length > 0
    ? { ok: true, script: p2pkhScript(hash), kind: 'p2pkh' }
    : { ok: true, script: p2shScript(hash), kind: 'p2sh' };
}

function decodeBase58check(text: string): Uint8Array | null {
  try {
    return base58check.decode(text);
  } catch {
    return null;
  }
}

function networksWhere(test: (parameters: (typeof networks)[Network]) => boolean): Network[] {
  return Object.values(networks)
    .filter(test)
    .map((each) => each.network);
}

function wrongNetwork(owners: readonly Network[], network: Network): ParsedAddress {
  const name = owners.length > 1 ? 'testnet' : owners[0];
  const reason = `this is a ${name} address, but Quittance runs on ${network} here`;
  return { ok: false, code: 'wrong_network', reason };
}

function invalid(reason: string): ParsedAddress {
  return { ok: false, code: 'invalid', reason };
}
