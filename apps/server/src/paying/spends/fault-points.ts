import { defineFaultPoints } from '../../platform/fault-points.ts';

/** The boundaries between the steps of a spend, as the crash matrix enumerates them. */
export const spendFaultPoint = defineFaultPoints([
  'spend-sign-before',
  'spend-signed-unsaved',
  'spend-signed-saved',
  'spend-send-intended',
  'spend-sent-unsaved',
  'spend-sent-saved',
  'spend-followed-uncommitted',
] as const);
