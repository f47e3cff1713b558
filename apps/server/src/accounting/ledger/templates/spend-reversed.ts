import { type Transfer, transferId } from '../transfer.ts';
import { type SpendBookingArgs, spendFields, spendLegs } from './spend-broadcast.ts';

/**
 * A transaction of ours does not count any more: another version took its place, or somebody else's
 * transaction took its coins for good. The exact reverse of spend-broadcast with the same spend,
 * epoch and parts. Only the time differs: `atMs` is that of the reversal.
 */
export function spendReversed(args: SpendBookingArgs): Transfer {
  return {
    id: transferId('spend-reversed', args.spendId, String(args.epoch)),
    ...spendFields(args),
    template: 'spend-reversed',
    phase: 'single',
    legs: spendLegs(args).map((leg) => ({
      ...leg,
      direction: leg.direction === 'debit' ? 'credit' : 'debit',
    })),
  };
}
