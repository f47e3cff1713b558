import { ed25519 } from '@noble/curves/ed25519.js';
import { addressToScript, classifyScript, type Network } from '@quittance/bitcoin';
import { fromHex, MAX_SATS, toHex } from '@quittance/kernel';
import { SignerSetupError } from '../errors.ts';
import { NAME } from '../protocol.ts';

/** What the signer signs, as its owner wants it. Amounts are satoshis. */
export type Policy = {
  approvers: readonly PolicyApprover[];
  /** A payout needs as many approvals as the strictest rule below its amount says. */
  rules: readonly { aboveSats: bigint; approvals: number }[];
  maxFeeRateSatPerVb: number;
  maxFeeSats: bigint;
  /** Most that a transaction's fee may be of what it pays out, in basis points (100 = 1 %). */
  maxFeeShareBps: number;
  perPayoutMaxSats: bigint;
  /** In any stretch of so many seconds no more than this leaves; fees count. */
  windows: readonly { seconds: number; maxSats: bigint; maxCount: number }[];
  /** Scripts, hexadecimal; null: any. */
  allow: ReadonlySet<string> | null;
  deny: ReadonlySet<string>;
  maxInputs: number;
  maxOutputs: number;
};

export type PolicyApprover = { id: string; publicKey: string; maxSatsPerPayout: bigint | null };

/** A file of ours: numbers of satoshis as strings, destinations as addresses or scripts. */
export type PolicyFile = {
  approvers: readonly { id: string; publicKey: string; maxSatsPerPayout?: string }[];
  rules: readonly { aboveSats: string; approvals: number }[];
  maxFeeRateSatPerVb: number;
  maxFeeSats: string;
  maxFeeShareBps: number;
  perPayoutMaxSats: string;
  windows: readonly { seconds: number; maxSats: string; maxCount: number }[];
  allow: readonly string[] | null;
  deny: readonly string[];
  maxInputs: number;
  maxOutputs: number;
};
export type PolicyBody = { revision: number; policy: PolicyFile };

/**
 * What `init` writes: small enough that a stolen server is a bad day and no ruin, large enough for
 * a shop. Without an approver nothing can be paid until one is added.
 */
export const DEFAULT_POLICY: PolicyFile = {
  approvers: [],
  rules: [
    { aboveSats: '0', approvals: 1 },
    { aboveSats: '5000000', approvals: 2 },
  ],
  maxFeeRateSatPerVb: 200,
  maxFeeSats: '500000',
  maxFeeShareBps: 1_000,
  perPayoutMaxSats: '20000000',
  windows: [
    { seconds: 3_600, maxSats: '50000000', maxCount: 1_000 },
    { seconds: 86_400, maxSats: '100000000', maxCount: 5_000 },
  ],
  allow: null,
  deny: [],
  maxInputs: 500,
  maxOutputs: 1_500,
};

/** Longest window; what is older than this is forgotten. */
export const MAX_WINDOW_SECONDS = 31 * 86_400;
const MAX_APPROVERS = 100;
const MAX_RULES = 20;
const MAX_WINDOWS = 10;
const MAX_LISTED = 100_000;
/** A transaction beyond 100 kvB is not relayed; a P2TR input has 57.5 vB, a P2WPKH output 31. */
const MAX_TRANSACTION_INPUTS = 1_700;
const MAX_TRANSACTION_OUTPUTS = 3_200;
const MAX_FEE_RATE = 10_000;
const MAX_APPROVALS = 20;

/**
 * Reads a policy; every mistake is told with its place.
 * @throws {SignerSetupError}
 */
export function parsePolicy(value: unknown, network: Network): Policy {
  const read = reader(value, 'policy', Object.keys(DEFAULT_POLICY));
  const approvers = read.list('approvers', MAX_APPROVERS, (each, at) => readApprover(each, at));
  const rules = read.list('rules', MAX_RULES, (each, at) => {
    const rule = reader(each, at, ['aboveSats', 'approvals']);
    return {
      aboveSats: rule.sats('aboveSats'),
      approvals: rule.count('approvals', 1, MAX_APPROVALS),
    };
  });
  const windows = read.list('windows', MAX_WINDOWS, (each, at) => {
    const window = reader(each, at, ['seconds', 'maxSats', 'maxCount']);
    return {
      seconds: window.count('seconds', 1, MAX_WINDOW_SECONDS),
      maxSats: window.sats('maxSats'),
      maxCount: window.count('maxCount', 0, 1_000_000_000),
    };
  });
  requireUnique(
    approvers.map(({ id }) => id),
    'approvers: an id stands there twice',
  );
  requireUnique(
    approvers.map(({ publicKey }) => publicKey),
    'approvers: a key stands there twice',
  );
  if (!rules.some(({ aboveSats }) => aboveSats === 0n)) {
    throw problem('rules', 'one rule must begin at 0, so that every payout needs an approval');
  }
  if (windows.length === 0) throw problem('windows', 'name at least one limit over time');
  const script = (each: unknown, at: string) => readDestination(each, at, network);
  const field = Object(value) as Record<string, unknown>;
  return {
    ...{ approvers, rules, windows },
    maxFeeRateSatPerVb: read.count('maxFeeRateSatPerVb', 1, MAX_FEE_RATE),
    maxFeeSats: read.sats('maxFeeSats'),
    maxFeeShareBps: read.count('maxFeeShareBps', 0, 10_000),
    perPayoutMaxSats: read.sats('perPayoutMaxSats'),
    allow: field['allow'] === null ? null : new Set(read.list('allow', MAX_LISTED, script)),
    deny: new Set(read.list('deny', MAX_LISTED, script)),
    maxInputs: read.count('maxInputs', 1, MAX_TRANSACTION_INPUTS),
    maxOutputs: read.count('maxOutputs', 1, MAX_TRANSACTION_OUTPUTS),
  };
}

/** Reads what `policy.json` holds inside its seal. @throws {SignerSetupError} */
export function parsePolicyBody(
  body: unknown,
  network: Network,
): { revision: number; policy: Policy; file: PolicyFile } {
  const { revision, policy } = Object(body) as Partial<PolicyBody>;
  if (!Number.isSafeInteger(revision) || revision === undefined) {
    throw problem('revision', 'is missing');
  }
  const file = policy as PolicyFile;
  return { revision, policy: parsePolicy(policy, network), file };
}

function readApprover(value: unknown, at: string): PolicyApprover {
  const read = reader(value, at, ['id', 'publicKey', 'maxSatsPerPayout']);
  const { id, publicKey, maxSatsPerPayout } = Object(value) as Record<string, unknown>;
  if (typeof id !== 'string' || !NAME.test(id)) {
    throw problem(`${at}.id`, 'has letters, digits, ".", "_", "-", at most 64');
  }
  if (typeof publicKey !== 'string' || !isApproverKey(publicKey)) {
    throw problem(`${at}.publicKey`, 'is no Ed25519 public key of 64 hexadecimal digits');
  }
  const isLimited = maxSatsPerPayout !== undefined && maxSatsPerPayout !== null;
  return { id, publicKey, maxSatsPerPayout: isLimited ? read.sats('maxSatsPerPayout') : null };
}

/** Refuses keys of small order, for which anybody can make signatures. */
function isApproverKey(publicKey: string): boolean {
  if (!/^[0-9a-f]{64}$/.test(publicKey)) return false;
  try {
    const point = ed25519.Point.fromBytes(fromHex(publicKey), false);
    return !point.is0() && point.isTorsionFree();
  } catch {
    return false;
  }
}

function readDestination(value: unknown, at: string, network: Network): string {
  if (typeof value !== 'string') throw problem(at, 'is an address or a script in hexadecimal');
  if (/^(?:[0-9a-f]{2})+$/.test(value)) {
    if (classifyScript(fromHex(value)) === null) throw problem(at, 'is no script of an address');
    return value;
  }
  const parsed = addressToScript(value, network);
  if (!parsed.ok) throw problem(at, parsed.reason);
  return toHex(parsed.script);
}

type FieldReader = {
  sats(name: string): bigint;
  count(name: string, min: number, max: number): number;
  list<T>(name: string, max: number, read: (each: unknown, at: string) => T): T[];
};

/** Reads fields of one object; a name that is not known is a typing mistake, not a comment. */
function reader(value: unknown, at: string, names: readonly string[]): FieldReader {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw problem(at, 'is missing or no object');
  }
  const fields = value as Record<string, unknown>;
  const unknown = Object.keys(fields).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw problem(`${at}.${unknown}`, `is not known; there are ${names.join(', ')}`);
  }
  return {
    sats(name) {
      const text = fields[name];
      if (typeof text !== 'string' || !/^(?:0|[1-9][0-9]{0,15})$/.test(text)) {
        throw problem(`${at}.${name}`, 'is a number of satoshis as a string, such as "250000"');
      }
      const sats = BigInt(text);
      if (sats > MAX_SATS) throw problem(`${at}.${name}`, 'is more than all bitcoin');
      return sats;
    },
    count(name, min, max) {
      const number = fields[name];
      if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max)
        return number;
      throw problem(`${at}.${name}`, `is a whole number from ${min} to ${max}`);
    },
    list(name, max, read) {
      const items = fields[name];
      if (!Array.isArray(items)) throw problem(`${at}.${name}`, 'is a list');
      if (items.length > max) throw problem(`${at}.${name}`, `has at most ${max} entries`);
      return items.map((each, i) => read(each, `${at}.${name}[${i}]`));
    },
  };
}

function requireUnique(items: readonly string[], message: string): void {
  if (new Set(items).size !== items.length) throw new SignerSetupError(`policy: ${message}`);
}

function problem(at: string, detail: string): SignerSetupError {
  return new SignerSetupError(`${at} ${detail}`);
}
