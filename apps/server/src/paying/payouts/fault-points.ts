import { defineFaultPoints } from '../../platform/fault-points.ts';

/** The boundaries between the steps of a payout, as the crash matrix enumerates them. */
export const payoutFaultPoint = defineFaultPoints([
  'payout-approve-uncommitted',
  'payout-plan-before',
  'payout-planned-uncommitted',
  'payout-planned-committed',
  'payout-told-uncommitted',
] as const);
