import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { isNetwork, type Network } from '@quittance/bitcoin';
import { assert, fromHex, isUuid, toHex } from '@quittance/kernel';
import { type Approval, NAME, type PayoutTerms } from './protocol.ts';

/** Separates these signatures from any other use of the same key. */
const DOMAIN = 'quittance-approval-1';

const AMOUNT = /^(?:0|[1-9][0-9]{0,15})$/;
const SCRIPT = /^(?:[0-9a-f]{2}){1,10000}$/;

/** Everything that an approval is bound to. */
export type ApprovalTerms = PayoutTerms & {
  network: Network;
  wallet: string;
  expiresAtMs: number;
};

/**
 * The bytes that an approver signs: each field as a netstring (its length in bytes, a colon, the
 * bytes, a comma), so that no two different payouts have the same message.
 * @throws {AssertionError} when a field is not in its canonical form
 */
export function approvalMessage(terms: ApprovalTerms): Uint8Array {
  assert(isNetwork(terms.network), 'approvalMessage: unknown network');
  assert(NAME.test(terms.wallet), 'approvalMessage: bad wallet name');
  assert(isUuid(terms.payoutId), 'approvalMessage: the payout id must be a UUID');
  assert(SCRIPT.test(terms.script), 'approvalMessage: bad script');
  assert(AMOUNT.test(terms.amountSats), 'approvalMessage: bad amount');
  assert(AMOUNT.test(terms.maxFeeShareSats), 'approvalMessage: bad fee share');
  assert(['sender', 'recipient'].includes(terms.feeFrom), 'approvalMessage: bad feeFrom');
  assert(Number.isSafeInteger(terms.expiresAtMs), 'approvalMessage: bad time');
  const fields = [
    DOMAIN,
    terms.network,
    terms.wallet,
    terms.payoutId,
    terms.script,
    terms.amountSats,
    terms.feeFrom,
    terms.maxFeeShareSats,
    String(terms.expiresAtMs),
  ];
  // Every field is ASCII by the checks above, so characters are bytes.
  return new TextEncoder().encode(fields.map((field) => `${field.length}:${field},`).join(''));
}

/** A key that approves payouts: held by a person, or by the server for small automatic ones. */
export type Approver = {
  /** Names the key in the policy; derived from the public key. */
  id: string;
  /** Ed25519, hexadecimal. */
  publicKey: string;
  /** Ed25519 seed, hexadecimal. Secret. */
  privateKey: string;
};

/** Makes a new approver key. */
export function generateApprover(): Approver {
  const { secretKey, publicKey } = ed25519.keygen();
  return approverOf(toHex(publicKey), toHex(secretKey));
}

/** The approver of a private key that was kept. */
export function loadApprover(privateKey: string): Approver {
  return approverOf(toHex(ed25519.getPublicKey(fromHex(privateKey))), privateKey);
}

function approverOf(publicKey: string, privateKey: string): Approver {
  return { id: approverId(publicKey), publicKey, privateKey };
}

/** The id that {@link generateApprover} gives to a public key. */
export function approverId(publicKey: string): string {
  return `approver-${publicKey.slice(0, 16)}`;
}

/** Approves one payout until `terms.expiresAtMs`. */
export function signApproval(
  approver: Pick<Approver, 'id' | 'privateKey'>,
  terms: ApprovalTerms,
): Approval {
  const signature = ed25519.sign(approvalMessage(terms), fromHex(approver.privateKey));
  return {
    approver: approver.id,
    expiresAtMs: terms.expiresAtMs,
    signature: toHex(signature),
  };
}

/** Tells whether the signature is the key's for these terms (RFC 8032). */
export function isApprovalOf(
  publicKey: string,
  { terms, signature }: { terms: ApprovalTerms; signature: string },
): boolean {
  if (!/^[0-9a-f]{128}$/.test(signature)) return false;
  try {
    // The runtime's own check is ten times faster than one in JavaScript; a batch has thousands.
    return verify(null, approvalMessage(terms), keyObject(publicKey), fromHex(signature));
  } catch {
    return false;
  }
}

function keyObject(publicKey: string): KeyObject {
  const x = Buffer.from(publicKey, 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
