import type { TransactionOutput } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { OpenPayout } from './adopt-store.ts';

/** What a transaction pays, as far as open payouts explain it. */
export type PaymentMatch =
  | { readonly type: 'nothing' }
  /** Payouts that no spend pays yet. */
  | { readonly type: 'payouts'; readonly payouts: readonly OpenPayout[] }
  /** All that one spend has to pay. */
  | { readonly type: 'spend'; readonly spendId: Uuid; readonly payouts: readonly OpenPayout[] }
  /** It pays open payouts, but together with others than a spend that is on record. */
  | { readonly type: 'doubtful'; readonly payouts: readonly OpenPayout[] };

/**
 * Compares the outputs of a transaction of ours that is not on record with what is to be paid: same
 * script, same amount or, where the recipient bears the fee, less by a share within its limit. One
 * output pays one payout. Pure.
 * @param open of the wallet that it spends from
 * @param spends.conflicting those whose coins it takes: a version of one of them
 * @param spends.unsigned those of which no transaction can exist: their payouts may have been paid
 *   by a later one
 * @param spends.sizes how many payouts each spend pays
 */
export function matchPayment(
  outputs: readonly TransactionOutput[],
  open: readonly OpenPayout[],
  spends: {
    conflicting: ReadonlySet<Uuid>;
    unsigned: ReadonlySet<Uuid>;
    sizes: ReadonlyMap<Uuid, number>;
  },
): PaymentMatch {
  const rank = ({ spendId }: OpenPayout): number => {
    if (spendId === null) return 1;
    if (spends.conflicting.has(spendId)) return 0;
    return spends.unsigned.has(spendId) ? 2 : Number.POSITIVE_INFINITY;
  };
  const candidates = open
    .filter((payout) => rank(payout) < Number.POSITIVE_INFINITY)
    .toSorted((a, b) => rank(a) - rank(b));
  const found: OpenPayout[] = [];
  for (const output of outputs) {
    const payout = candidates.find((each) => !found.includes(each) && pays(output, each));
    if (payout !== undefined) found.push(payout);
  }
  if (found.length === 0) return { type: 'nothing' };
  const spendIds = new Set(found.map(({ spendId }) => spendId));
  const [spendId] = spendIds;
  if (spendIds.size > 1 || spendId === undefined) return { type: 'doubtful', payouts: found };
  if (spendId === null) return { type: 'payouts', payouts: found };
  if (spends.sizes.get(spendId) !== found.length) return { type: 'doubtful', payouts: found };
  return { type: 'spend', spendId, payouts: found };
}

/** Whether an output is what a payout promises. */
export function pays(
  { script, valueSats }: TransactionOutput,
  payout: Pick<OpenPayout, 'script' | 'amountSats' | 'maxFeeShareSats'>,
): boolean {
  const shareSats = payout.amountSats - valueSats;
  return (
    shareSats >= 0n &&
    shareSats <= payout.maxFeeShareSats &&
    Buffer.compare(script, payout.script) === 0
  );
}
