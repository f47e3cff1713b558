import { defineFaultPoints } from '../../platform/fault-points.ts';

/** Boundaries between the steps of a refund, for the crash matrix. */
export const faultPoint = defineFaultPoints([
  'refund-create-written',
  'refund-claim-written',
  'refund-claim-payout-made',
  'refund-claim-committed',
  'refund-news-written',
]);
