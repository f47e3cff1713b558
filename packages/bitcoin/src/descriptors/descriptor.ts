import { assert } from '@quittance/kernel';
import type { Network } from '../networks.ts';
import { descriptorChecksum } from './checksum.ts';
import type { Slip132Use } from './extended-key.ts';
import { formatKeyExpression, type KeyExpression, parseKeyExpression } from './key-expression.ts';
import { holdsPrivateKey } from './private-keys.ts';
import { DescriptorRefusal, type DescriptorRefusalCode } from './refusal.ts';

export type DescriptorKind =
  | 'pkh'
  | 'wpkh'
  | 'sh_wpkh'
  | 'tr'
  | 'wsh_multi'
  | 'wsh_sortedmulti'
  | 'sh_wsh_multi'
  | 'sh_wsh_sortedmulti';

/** A public output descriptor: which scripts belong to a wallet. Holds nothing that can spend. */
export interface Descriptor {
  /** Canonical form with its checksum; parsing it gives an equal descriptor. */
  readonly text: string;
  readonly network: Network;
  readonly kind: DescriptorKind;
  /** 1, or as many as the multipath step names: `<0;1>` has 2 (receiving, change). */
  readonly branches: number;
  /** Signatures needed, for the multisig kinds. */
  readonly threshold: number | null;
  readonly keys: readonly KeyExpression[];
  /** Has a wildcard, so there is one script for each index. */
  readonly isRanged: boolean;
}

export type ParsedDescriptor =
  | { ok: true; descriptor: Descriptor }
  | { ok: false; code: DescriptorRefusalCode; reason: string };

/** Twenty keys with origin and path stay well below this. */
const MAX_DESCRIPTOR_LENGTH = 5_000;
/** Most keys under wsh() (BIP383). */
const MAX_MULTISIG_KEYS = 20;

interface Form {
  readonly kind: DescriptorKind;
  /** What is written before the keys. */
  readonly opening: string;
  readonly closing: string;
  /** The SLIP132 version that may stand in it. */
  readonly use: Slip132Use;
}

const FORMS: readonly Form[] = [
  { kind: 'pkh', opening: 'pkh(', closing: ')', use: null },
  { kind: 'wpkh', opening: 'wpkh(', closing: ')', use: 'wpkh' },
  { kind: 'sh_wpkh', opening: 'sh(wpkh(', closing: '))', use: 'sh_wpkh' },
  { kind: 'tr', opening: 'tr(', closing: ')', use: null },
  { kind: 'wsh_multi', opening: 'wsh(multi(', closing: '))', use: 'wsh' },
  { kind: 'wsh_sortedmulti', opening: 'wsh(sortedmulti(', closing: '))', use: 'wsh' },
  { kind: 'sh_wsh_multi', opening: 'sh(wsh(multi(', closing: ')))', use: 'sh_wsh' },
  { kind: 'sh_wsh_sortedmulti', opening: 'sh(wsh(sortedmulti(', closing: ')))', use: 'sh_wsh' },
];

export const SUPPORTED =
  'supported are wpkh(…), tr(KEY), sh(wpkh(…)), pkh(…), and multi(…) or sortedmulti(…) inside ' +
  'wsh(…) or sh(wsh(…))';

/**
 * Reads a public output descriptor (BIP380 to 383, 386, 389; see {@link SUPPORTED}). A checksum is
 * verified when there is one. Anything that holds a private key is refused, and no reason repeats
 * what was given.
 */
export function parseDescriptor(text: string, network: Network): ParsedDescriptor {
  return refusalAsValue(() => readDescriptor(text, network));
}

/** @throws {DescriptorRefusal} */
export function readDescriptor(text: string, network: Network): Descriptor {
  guardText(text);
  const [payload = '', ...checksums] = text.trim().split('#');
  const expected = descriptorChecksum(payload);
  if (expected === null) {
    throw new DescriptorRefusal('invalid', 'the descriptor has characters that cannot stand there');
  }
  if (checksums.length > 0 && checksums.join('#') !== expected) {
    throw new DescriptorRefusal(
      'bad_checksum',
      "the descriptor's checksum does not fit: it was changed or copied incompletely",
    );
  }
  const form = readForm(payload);
  const inner = payload.slice(form.opening.length, -form.closing.length);
  return describe({ network, kind: form.kind, ...readArguments(inner, form, network) });
}

/** @throws {DescriptorRefusal} for what must be refused before anything is looked at */
export function guardText(text: string): void {
  if (text.trim() === '') throw new DescriptorRefusal('invalid', 'the descriptor is empty');
  if (text.length > MAX_DESCRIPTOR_LENGTH) {
    throw new DescriptorRefusal('invalid', 'the descriptor is too long');
  }
  if (!holdsPrivateKey(text)) return;
  const reason =
    'this holds a private key or a seed: whoever has it can spend. Quittance only receives and ' +
    'must never hold a spending key; give the public descriptor (xpub) that your wallet exports. ' +
    'If anybody else may have seen what you gave here, move the funds to a new wallet';
  throw new DescriptorRefusal('private_key', reason);
}

/** Runs the parser and turns a refusal into a value; other errors are bugs and go on. */
export function refusalAsValue(parse: () => Descriptor): ParsedDescriptor {
  try {
    return { ok: true, descriptor: parse() };
  } catch (error) {
    if (!(error instanceof DescriptorRefusal)) throw error;
    return { ok: false, code: error.code, reason: error.message };
  }
}

/** Completes a descriptor with what follows from its parts. @throws {DescriptorRefusal} */
export function describe(
  parts: Pick<Descriptor, 'network' | 'kind' | 'threshold' | 'keys'>,
): Descriptor {
  const counts = parts.keys.flatMap((key) =>
    key.steps.flatMap((step) => (typeof step === 'number' ? [] : [step.length])),
  );
  if (new Set(counts).size > 1) {
    throw new DescriptorRefusal('invalid', 'the keys name different numbers of branches (BIP389)');
  }
  const form = FORMS.find((each) => each.kind === parts.kind);
  assert(form !== undefined, 'describe: every kind has a form');
  const keys = parts.keys.map((key) => formatKeyExpression(key, parts.network)).join(',');
  const threshold = parts.threshold === null ? '' : `${parts.threshold},`;
  const payload = `${form.opening}${threshold}${keys}${form.closing}`;
  return {
    ...parts,
    text: `${payload}#${descriptorChecksum(payload)}`,
    branches: counts[0] ?? 1,
    isRanged: parts.keys.some((key) => key.isRanged),
  };
}

function readForm(payload: string): Form {
  const opening = /^(?:[a-z_]+\()+/.exec(payload)?.[0];
  if (opening === undefined) {
    throw new DescriptorRefusal('invalid', `this is not a descriptor; ${SUPPORTED}`);
  }
  const form = FORMS.find((each) => each.opening === opening);
  if (form === undefined) {
    throw new DescriptorRefusal('unsupported', `this kind of descriptor is not used; ${SUPPORTED}`);
  }
  if (!payload.endsWith(form.closing)) {
    throw new DescriptorRefusal('invalid', 'the parentheses of the descriptor do not match');
  }
  return form;
}

function readArguments(
  inner: string,
  { kind, use: allowedUse }: Form,
  network: Network,
): Pick<Descriptor, 'threshold' | 'keys'> {
  if (kind === 'tr' && inner.includes(',')) {
    throw new DescriptorRefusal('unsupported', 'tr(…) with a script tree is not supported');
  }
  const parts = inner.split(',');
  const isMultisig = kind.endsWith('multi');
  const thresholdText = isMultisig ? (parts.shift() ?? '') : null;
  if (!isMultisig && parts.length > 1) {
    throw new DescriptorRefusal('invalid', 'this kind of descriptor has exactly one key');
  }
  const keys = parts.map((part) => {
    const { key, use } = parseKeyExpression(part, { network, allowXOnly: kind === 'tr' });
    if (use !== null && use !== allowedUse) {
      throw new DescriptorRefusal('invalid', "the key's prefix claims another script type");
    }
    return key;
  });
  const threshold = thresholdText === null ? null : readThreshold(thresholdText, keys.length);
  refuseRepeatedKeys(keys, network);
  return { threshold, keys };
}

function readThreshold(text: string, keyCount: number): number {
  if (keyCount > MAX_MULTISIG_KEYS) {
    throw new DescriptorRefusal('invalid', `a multisig has at most ${MAX_MULTISIG_KEYS} keys`);
  }
  const threshold = /^[1-9]\d?$/.test(text) ? Number(text) : 0;
  if (threshold < 1 || threshold > keyCount) {
    const reason = 'the number of signatures must be from 1 to the number of keys';
    throw new DescriptorRefusal('invalid', reason);
  }
  return threshold;
}

/** A key that counts twice would make 2-of-3 spendable by one person. */
function refuseRepeatedKeys(keys: readonly KeyExpression[], network: Network): void {
  const texts = keys.map((key) => formatKeyExpression({ ...key, origin: null }, network));
  if (new Set(texts).size !== texts.length) {
    throw new DescriptorRefusal('invalid', 'the same key stands in the multisig twice');
  }
}
