import type { Sats } from '@quittance/kernel';
import type { SelectionRequest } from '../coin-selection/plan.ts';
import { inputWeight, outputWeight, transactionWeight } from '../coin-selection/sizes.ts';
import { feeFor } from '../fees/fee-rate.ts';

/** 2^12 sets are searched in a few milliseconds. */
const MAX_COINS = 12;

export type BestSelection = { cost: number; feeSats: Sats; inputs: number; hasChange: boolean };

/**
 * The least long-run cost, in sat, among all sets of coins, with change and without it: the fee, and
 * what spending everything that is left then costs at the long-term rate. Written without any of the
 * searches, for tests and benchmarks of small wallets where the sender bears the fee.
 * @returns null when no set is enough
 */
export function bestSelection(request: Omit<SelectionRequest, 'random'>): BestSelection | null {
  const { coins, payments, change, feeRate } = request;
  if (coins.length > MAX_COINS) throw new Error('bestSelection: too many coins to try all sets');
  const outputs = {
    count: payments.length,
    weight: payments.reduce((sum, { script }) => sum + outputWeight(script), 0),
  };
  const more = { count: outputs.count + 1, weight: outputs.weight + change.outputWeight };
  const amount = payments.reduce((sum, { amountSats }) => sum + amountSats, 0n);
  let best: BestSelection | null = null;
  for (let set = 1; set < 2 ** coins.length; set++) {
    const spent = coins.filter((_, i) => (set & (1 << i)) !== 0);
    const left = spent.reduce((sum, { valueSats }) => sum + valueSats, -amount);
    const sizes = spent.map(({ input }) => input);
    const feeWithChange = feeFor(feeRate, Math.ceil(transactionWeight(sizes, more) / 4));
    const fee = feeFor(feeRate, Math.ceil(transactionWeight(sizes, outputs) / 4));
    const options: [Sats, boolean][] = [];
    if (left >= fee) options.push([left, false]);
    if (left - feeWithChange >= change.dustLimitSats) options.push([feeWithChange, true]);
    for (const [feeSats, hasChange] of options) {
      const cost = longRunCost(request, { feeSats, hasChange, spent });
      if (best === null || cost < best.cost) {
        best = { cost, feeSats, inputs: spent.length, hasChange };
      }
    }
  }
  return best;
}

/** The fee, and what spending all that is left in the wallet will cost at the long-term rate. */
export function longRunCost(
  { coins, change, longTermFeeRate }: Omit<SelectionRequest, 'random'>,
  done: { feeSats: Sats; hasChange: boolean; spent: readonly { input: SizeOf }[] },
): number {
  const all = coins.reduce((sum, { input }) => sum + inputWeight(input), 0);
  const gone = done.spent.reduce((sum, { input }) => sum + inputWeight(input), 0);
  const left = all - gone + (done.hasChange ? inputWeight(change.input) : 0);
  return Number(done.feeSats) + (left * Number(longTermFeeRate)) / 4_000;
}

type SizeOf = SelectionRequest['coins'][number]['input'];
