import type { Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { isOwnScript } from '../../receiving/addresses/index.ts';
import { type RefundDeps, tellingOf } from './create-refund.ts';
import { type DestinationFault, readDestination } from './destination.ts';
import { faultPoint } from './fault-points.ts';
import { MAX_PROOF_LENGTH, proofMessage, type VerifyProof } from './proof.ts';
import { advanceRefund, isClaimable, type Refund } from './refund.ts';
import * as store from './store.ts';
import { lockRefunds, writeChanges } from './write-changes.ts';

export type ClaimDeps = RefundDeps & { verifyProof: VerifyProof };

/** What is wrong with what was put in: stable codes, with words on the claim page. */
export type ClaimFault =
  | { field: 'address'; code: DestinationFault }
  | { field: 'proof'; code: 'proof_missing' | 'proof_wrong' };

export type ClaimInput = { hash: Uint8Array; address: string; proof: string };

export type Claimed =
  /** There is no refund with this link (any more). */
  | { kind: 'unknown' }
  /** It was claimed already, or can not be claimed now: the page says where it is. */
  | { kind: 'closed' }
  | { kind: 'fault'; fault: ClaimFault }
  /** Everything is right; nothing was written (check) or the payout was made (claim). */
  | { kind: 'right'; address: string };

/** Looks at what the customer put in, without writing anything: for the step before the last. */
export async function checkClaim(tx: Tx, deps: ClaimDeps, input: ClaimInput): Promise<Claimed> {
  const refund = await store.findRefundByClaim(tx, input.hash);
  if (refund === undefined) return { kind: 'unknown' };
  if (!isClaimable(refund, deps.clock.nowMs())) return { kind: 'closed' };
  const checked = await examine(tx, deps, refund, input);
  if ('field' in checked) return { kind: 'fault', fault: checked };
  return { kind: 'right', address: checked.address };
}

/**
 * Takes the customer's address and makes the payout, in one transaction. Sent twice, or by two
 * people who have the link, the first one counts: the second is shown where the refund is.
 */
export async function claimRefund(
  database: Pick<Database, 'asPublic'>,
  deps: ClaimDeps,
  input: ClaimInput,
): Promise<Claimed> {
  const claim = (holdForApproval: boolean) =>
    database.asPublic((tx) => claimOnce(tx, deps, input, holdForApproval));
  let claimed: Claimed;
  try {
    claimed = await claim(false);
  } catch (error) {
    // The store's money is not the customer's business: the claim counts, and a person approves it.
    if (!(error instanceof AppError) || !HELD_FOR.has(error.code)) throw error;
    claimed = await claim(true);
  }
  faultPoint('refund-claim-committed');
  return claimed;
}

const HELD_FOR: ReadonlySet<string> = new Set(['insufficient_balance', 'payout_limit_exceeded']);

async function claimOnce(
  tx: Tx,
  deps: ClaimDeps,
  input: ClaimInput,
  holdForApproval: boolean,
): Promise<Claimed> {
  const found = await store.findRefundByClaim(tx, input.hash);
  if (found === undefined) return { kind: 'unknown' };
  const locked = await lockRefunds(tx, found);
  const refund = await store.readRefund(tx, found);
  if (locked === undefined || refund === undefined) return { kind: 'unknown' };
  const telling = await tellingOf(tx, deps);
  // A new link may have taken the place of this one while it waited for the lock.
  if (!isClaimable(refund, telling.nowMs) || !sameLink(refund, input.hash)) {
    return { kind: 'closed' };
  }
  const checked = await examine(tx, deps, refund, input);
  if ('field' in checked) return { kind: 'fault', fault: checked };
  const payoutId: Uuid = deps.ids.next();
  const event = { type: 'claimed', ...checked, payoutId } as const;
  const change = advanceRefund(refund, event, telling.nowMs);
  if (change === null) return { kind: 'closed' };
  await writeChanges(tx, telling, { ...locked, changes: [change] });
  faultPoint('refund-claim-written');
  // Whoever made the refund has the link as well: who claims is no second pair of eyes.
  const by = refund.createdBy;
  const payout = { id: payoutId, refund: change.after, by, holdForApproval };
  await deps.payouts.create(tx, telling, payout);
  faultPoint('refund-claim-payout-made');
  return { kind: 'right', address: checked.address };
}

function sameLink(refund: Refund, hash: Uint8Array): boolean {
  return refund.claimHash !== null && Buffer.from(refund.claimHash).equals(hash);
}

async function examine(
  tx: Tx,
  deps: ClaimDeps,
  refund: Refund,
  input: ClaimInput,
): Promise<{ address: string; script: Uint8Array; proof: string | null } | ClaimFault> {
  const read = readDestination(input.address, deps.network);
  if (!read.ok) return { field: 'address', code: read.code };
  const { address, script } = read;
  if (await isOwnScript(tx, { merchantId: refund.merchantId, script })) {
    return { field: 'address', code: 'own_address' };
  }
  if (!refund.proofRequired) return { address, script, proof: null };
  const proof = input.proof.replaceAll(/\s/g, '');
  if (proof === '') return { field: 'proof', code: 'proof_missing' };
  const signed = { message: proofMessage(refund), address, signature: proof };
  if (proof.length > MAX_PROOF_LENGTH || !deps.verifyProof(signed)) {
    return { field: 'proof', code: 'proof_wrong' };
  }
  return { address, script, proof };
}
