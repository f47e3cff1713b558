import type { PayoutPolicy, PayoutProcessorSettings, PayoutSource } from '@quittance/contract';
import type { Sats } from '@quittance/kernel';

/** A payout needs somebody's word unless a rule says otherwise. */
const DEFAULT_APPROVALS = 1;

/**
 * How many different keys have to approve a payout: the most that a rule of the store or of the
 * wallet's processor asks for. Nobody's only where the processor was told so explicitly and no
 * rule asks for more than one.
 */
export function approvalsNeeded(
  payout: { amountSats: Sats; source: PayoutSource },
  policy: Pick<PayoutPolicy, 'approvalRules'>,
  processor: Pick<PayoutProcessorSettings, 'approvalRules' | 'autoApprove' | 'paused'> | undefined,
): number {
  const rules = [...policy.approvalRules, ...(processor?.approvalRules ?? [])];
  const asked = rules
    .filter(({ aboveSats }) => payout.amountSats > BigInt(aboveSats))
    .map(({ approvals }) => approvals);
  const needed = Math.max(DEFAULT_APPROVALS, ...asked);
  const auto = processor === undefined || processor.paused ? null : processor.autoApprove;
  const isAutomatic =
    auto !== null &&
    payout.amountSats <= BigInt(auto.maxSats) &&
    auto.sources.includes(payout.source);
  return needed === DEFAULT_APPROVALS && isAutomatic ? 0 : needed;
}
