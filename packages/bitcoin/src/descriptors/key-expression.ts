import { fromHex, toHex } from '@quittance/kernel';
import type { Network } from '../networks.ts';
import {
  type ExtendedPublicKey,
  formatExtendedKey,
  isCompressedPublicKey,
  parseExtendedKey,
  type Slip132Use,
} from './extended-key.ts';
import { DescriptorRefusal } from './refusal.ts';

/** Where a key comes from: the master key's fingerprint and the path from it. */
export interface KeyOrigin {
  /** Eight lower-case hexadecimal digits. */
  readonly fingerprint: string;
  /** Steps as written, hardened ones with "h": "84h/0h/0h"; may be empty. */
  readonly path: string;
}

/** One KEY of a descriptor (BIP380, BIP389). */
export interface KeyExpression {
  readonly origin: KeyOrigin | null;
  /** The extended key, or null when the expression is a single public key. */
  readonly extended: ExtendedPublicKey | null;
  /** Compressed, 33 bytes; of a Taproot x-only key, the point with the even y (BIP340). */
  readonly publicKey: Uint8Array;
  readonly isXOnly: boolean;
  /** Steps below the extended key; a multipath step lists one number for each branch. */
  readonly steps: readonly (number | readonly number[])[];
  /** Ends in "/*": one key for each index. */
  readonly isRanged: boolean;
}

const MAX_STEP = 0x7fffffff;
const STEP = /^\d{1,10}$/;
const MAX_DEPTH = 255;
/** Most branches that a multipath step may name. */
const MAX_BRANCHES = 16;

/**
 * Reads one key expression; its script type's claim (SLIP132) is handed on to the caller.
 * @param allowXOnly whether 32-byte keys are public keys here, as they are in tr() (BIP386)
 * @throws {DescriptorRefusal}
 */
export function parseKeyExpression(
  text: string,
  options: { network: Network; allowXOnly: boolean },
): { key: KeyExpression; use: Slip132Use } {
  const match = /^(?:\[([^[\]]*)\])?([^[\]/]+)((?:\/[^/]*)*)$/.exec(text);
  const [, originText, keyText = '', pathText = ''] = match ?? [];
  if (match === null) throw invalid('a key expression is not well formed');
  const origin = originText === undefined ? null : parseOrigin(originText);
  const single = parseSingleKey(keyText, options.allowXOnly);
  if (single !== null) {
    if (pathText !== '') throw invalid('a single public key can have no derivation path');
    return { key: { origin, extended: null, steps: [], isRanged: false, ...single }, use: null };
  }
  const { key: extended, use } = parseExtendedKey(keyText, options.network);
  const path = parsePath(pathText);
  if (extended.depth + path.steps.length + (path.isRanged ? 1 : 0) > MAX_DEPTH) {
    throw invalid('the derivation path is deeper than BIP32 allows');
  }
  const key = { origin, extended, publicKey: extended.publicKey, isXOnly: false, ...path };
  return { key, use };
}

/** Writes a key expression in its canonical form: "h" for hardened, xpub or tpub. */
export function formatKeyExpression(key: KeyExpression, network: Network): string {
  const path = key.origin?.path ? `/${key.origin.path}` : '';
  const origin = key.origin === null ? '' : `[${key.origin.fingerprint}${path}]`;
  if (key.extended === null) return origin + toHex(key.publicKey.subarray(key.isXOnly ? 1 : 0));
  const steps = key.steps.map((step) =>
    typeof step === 'number' ? `/${step}` : `/<${step.join(';')}>`,
  );
  const range = key.isRanged ? '/*' : '';
  return origin + formatExtendedKey(key.extended, network) + steps.join('') + range;
}

function parseOrigin(text: string): KeyOrigin {
  const [fingerprint = '', ...steps] = text.split('/');
  if (!/^[0-9a-f]{8}$/i.test(fingerprint)) {
    throw invalid('a key origin begins with a fingerprint of eight hexadecimal digits');
  }
  const path = steps.map((step) => {
    const hardened = /['h]$/.test(step);
    return `${parseStep(hardened ? step.slice(0, -1) : step)}${hardened ? 'h' : ''}`;
  });
  return { fingerprint: fingerprint.toLowerCase(), path: path.join('/') };
}

function parseSingleKey(
  text: string,
  allowXOnly: boolean,
): { publicKey: Uint8Array; isXOnly: boolean } | null {
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) return null;
  const bytes = fromHex(text.toLowerCase());
  const isXOnly = bytes.length === 32 && allowXOnly;
  const publicKey = isXOnly ? Uint8Array.of(2, ...bytes) : bytes;
  if (publicKey.length === 65) {
    throw new DescriptorRefusal('unsupported', 'uncompressed public keys are not supported');
  }
  if (!isCompressedPublicKey(publicKey)) throw invalid('a public key is not on the curve');
  return { publicKey, isXOnly };
}

function parsePath(text: string): Pick<KeyExpression, 'steps' | 'isRanged'> {
  const parts = text === '' ? [] : text.slice(1).split('/');
  if (parts.some((part) => /^(?:\d+|\*|<.*>)['h]$|['h][;>]/.test(part))) {
    const reason =
      'hardened steps after an extended public key cannot be derived without the private key; ' +
      'export the public key of the account itself (for example m/84h/0h/0h)';
    throw new DescriptorRefusal('hardened', reason);
  }
  const isRanged = parts.at(-1) === '*';
  if (isRanged) parts.pop();
  const steps = parts.map((part) =>
    part.startsWith('<') ? parseMultipath(part) : parseStep(part),
  );
  if (steps.filter((step) => typeof step !== 'number').length > 1) {
    throw invalid('a key can have only one multipath step <…> (BIP389)');
  }
  return { steps, isRanged };
}

function parseMultipath(text: string): number[] {
  if (!text.endsWith('>')) throw invalid('a multipath step <…> is not closed');
  const numbers = text.slice(1, -1).split(';').map(parseStep);
  if (numbers.length < 2 || numbers.length > MAX_BRANCHES) {
    throw invalid('a multipath step names at least two branches, such as <0;1>');
  }
  if (new Set(numbers).size !== numbers.length) {
    throw invalid('a multipath step names a branch twice');
  }
  return numbers;
}

function parseStep(text: string): number {
  const value = STEP.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MAX_STEP)) {
    throw invalid(`a step of a derivation path is a number from 0 to ${MAX_STEP}`);
  }
  return value;
}

function invalid(reason: string): DescriptorRefusal {
  return new DescriptorRefusal('invalid', reason);
}
