import type { Refund } from './refund.ts';

/** Longest BIP322 signature that is looked at: a multisig's, in base64, with room to spare. */
export const MAX_PROOF_LENGTH = 4_000;

/**
 * What a customer signs (BIP322) to prove that the address is his own. It names the refund, so that
 * a signature given for another one proves nothing here.
 */
export function proofMessage(refund: Pick<Refund, 'id'>): string {
  return `I receive the refund ${refund.id} at this address.`;
}

/** Checks a BIP322 signature of a message by the owner of an address. */
export type VerifyProof = (signed: {
  message: string;
  address: string;
  signature: string;
}) => boolean;
