import { assert } from '@quittance/kernel';
import type { KeyExpression } from '../descriptors/key-expression.ts';
import { hash160 } from '../hashes.ts';

/** Where a signer finds the private key (BIP174: master key's fingerprint and path from it). */
export interface KeyPath {
  /** Four bytes as a number, the first one highest. */
  readonly fingerprint: number;
  readonly path: readonly number[];
}

/** Steps from here on are hardened (BIP32). */
const HARDENED = 0x80000000;

/**
 * The path of a key of a descriptor. A key without an origin is its own master, as Bitcoin Core
 * writes it.
 */
export function keyPath(key: KeyExpression, at: { branch: number; index: number }): KeyPath {
  const steps = key.steps.map((step) => {
    const number = typeof step === 'number' ? step : step[at.branch];
    assert(number !== undefined, 'keyPath: the key has no such branch');
    return number;
  });
  if (key.isRanged) steps.push(at.index);
  if (key.origin === null) {
    const fingerprint = new DataView(hash160(key.publicKey).buffer).getUint32(0);
    return { fingerprint, path: steps };
  }
  const { fingerprint, path } = key.origin;
  const origin = path === '' ? [] : path.split('/').map(readStep);
  return { fingerprint: Number.parseInt(fingerprint, 16), path: [...origin, ...steps] };
}

function readStep(step: string): number {
  return step.endsWith('h') ? HARDENED + Number(step.slice(0, -1)) : Number(step);
}
