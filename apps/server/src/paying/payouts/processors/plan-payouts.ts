import { isNetwork } from '@quittance/bitcoin';
import { assert, toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { readWalletForSpending } from '../../coins/index.ts';
import type { PayoutOutput, PlannedSpend, PlanRefusal } from '../../spends/index.ts';
import type { OnchainPayout } from '../payout.ts';
import type { PlanningDeps } from './deps.ts';

/** Tries to make one transaction of payouts: plans it, or only looks whether it could. */
export type TryPlan = (payouts: readonly OnchainPayout[]) => Promise<PlannedSpend | PlanRefusal>;

export type PlanOutcome = {
  readonly planned: PlannedSpend | null;
  readonly paid: readonly OnchainPayout[];
  /** Those that stood in the way, with the reason; not those that only had no room. */
  readonly refused: readonly { payout: OnchainPayout; refusal: PlanRefusal }[];
  /** Why there was no room for all, or for none. */
  readonly refusal: PlanRefusal | null;
};

/** A thousand payouts halve ten times; as often again some may be set aside. */
const MAX_TRIES = 24;

/**
 * Makes a transaction of as many of these payouts as can be paid, the first ones first: takes out
 * those that stand in the way by themselves, and where money or room do not suffice for all, goes
 * on with the first half. Reads and writes nothing but through `tryPlan`, which writes nothing when
 * it refuses.
 */
export async function planAsManyAsPossible(
  payouts: readonly OnchainPayout[],
  tryPlan: TryPlan,
): Promise<PlanOutcome> {
  const refused: { payout: OnchainPayout; refusal: PlanRefusal }[] = [];
  let candidates = payouts;
  let refusal: PlanRefusal | null = null;
  for (let tries = 0; tries < MAX_TRIES && candidates.length > 0; tries++) {
    const plan = await tryPlan(candidates);
    if (plan.ok) return { planned: plan, paid: candidates, refused, refusal };
    refusal = plan;
    const inTheWay = new Set<Uuid>(plan.payoutIds);
    const others = candidates.filter(({ id }) => !inTheWay.has(id));
    if (others.length < candidates.length) {
      for (const payout of candidates) {
        if (inTheWay.has(payout.id)) refused.push({ payout, refusal: plan });
      }
      candidates = others;
      continue;
    }
    if (plan.reason !== 'insufficient_funds' && plan.reason !== 'too_many_outputs') break;
    if (candidates.length === 1) break;
    candidates = candidates.slice(0, Math.ceil(candidates.length / 2));
  }
  return { planned: null, paid: [], refused, refusal };
}

/** Bumps and new versions of a spend need it as well, so it outlives a busy week. */
const APPROVAL_LIFETIME_MS = 14 * 86_400_000;

/**
 * What a spend has to know of payouts of one wallet: the signatures that persons gave, and the
 * server's own where it has a key and the wallet is in the signer.
 */
export async function outputsOf(
  tx: Tx,
  { approver, clock }: Pick<PlanningDeps, 'approver' | 'clock'>,
  payouts: readonly OnchainPayout[],
): Promise<PayoutOutput[]> {
  const [first] = payouts;
  if (first === undefined) return [];
  const wallet = await readWalletForSpending(tx, first.walletId);
  const name = wallet?.signerWallet ?? null;
  assert(wallet !== undefined && isNetwork(wallet.network), 'a payout has a wallet of a network');
  const { network } = wallet;
  const expiresAtMs = clock.nowMs() + APPROVAL_LIFETIME_MS;
  return payouts.map((payout) => {
    const { id: payoutId, script, amountSats, feeFrom, maxFeeShareSats } = payout;
    const persons = payout.approvals.flatMap(({ signature }) => signature ?? []);
    const terms = {
      ...{ payoutId, script: toHex(script), amountSats: amountSats.toString(), feeFrom },
      maxFeeShareSats: maxFeeShareSats.toString(),
    };
    const own =
      approver === null || name === null
        ? []
        : [approver.approve({ ...terms, network, wallet: name, expiresAtMs })];
    const output = { payoutId, script, amountSats, feeFrom, maxFeeShareSats };
    return { ...output, approvals: [...persons, ...own] };
  });
}
