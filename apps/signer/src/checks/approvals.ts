import type { Network } from '@quittance/bitcoin';
import { isApprovalOf } from '../approval.ts';
import type { Policy } from '../policy/policy.ts';
import { MAX_APPROVAL_LIFETIME_MS } from '../protocol.ts';
import { Refusal, type RefusalCode } from '../refusals.ts';
import type { Payout } from './request.ts';

/**
 * Makes sure that enough different approvers have signed exactly this payout. One bad approval
 * spoils the request even when there are enough good ones: it is a sign of trouble.
 * @throws {Refusal}
 */
export function checkApprovals(
  payout: Payout,
  context: { policy: Policy; network: Network; wallet: string; nowMs: number },
): void {
  const refuse = (code: RefusalCode, what: string) =>
    new Refusal(code, `payout ${payout.payoutId}: ${what}`);
  const { policy, network, wallet, nowMs } = context;
  const seen = new Set<string>();
  for (const { approver: id, expiresAtMs, signature } of payout.approvals) {
    const approver = policy.approvers.find((each) => each.id === id);
    if (approver === undefined) {
      throw refuse('approval_unknown_approver', `approver "${id}" is not in the policy`);
    }
    if (seen.has(id)) throw refuse('approval_duplicate', `approver "${id}" approves twice`);
    seen.add(id);
    if (expiresAtMs <= nowMs) throw refuse('approval_expired', `"${id}"'s approval has expired`);
    if (expiresAtMs > nowMs + MAX_APPROVAL_LIFETIME_MS) {
      throw refuse('approval_lifetime', `"${id}"'s approval lasts longer than 30 days`);
    }
    const { maxSatsPerPayout } = approver;
    if (maxSatsPerPayout !== null && payout.amount > maxSatsPerPayout) {
      throw refuse(
        'approval_over_approver_limit',
        `approver "${id}" may approve ${maxSatsPerPayout} sat at most`,
      );
    }
    const { payoutId, script, amountSats, feeFrom, maxFeeShareSats } = payout;
    const terms = {
      ...{ network, wallet, payoutId, script, amountSats, feeFrom, maxFeeShareSats },
      expiresAtMs,
    };
    if (!isApprovalOf(approver.publicKey, { terms, signature })) {
      throw refuse('approval_invalid', `"${id}"'s signature is not for this payout`);
    }
  }
  const needed = approvalsNeeded(policy, payout.amount);
  if (seen.size < needed) {
    throw refuse('approval_missing', `${needed} approvals are needed, there are ${seen.size}`);
  }
}

/** At least one, whatever the rules say. */
export function approvalsNeeded({ rules }: Policy, amount: bigint): number {
  return rules.reduce(
    (most, rule) => (amount > rule.aboveSats ? Math.max(most, rule.approvals) : most),
    1,
  );
}
