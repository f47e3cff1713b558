import { defineFaultPoints } from '../../platform/fault-points.ts';

/** The boundaries between the steps of a Lightning payment, as the crash matrix enumerates them. */
export const lightningFaultPoint = defineFaultPoints([
  'lightning-attempt-uncommitted',
  'lightning-attempt-committed',
  'lightning-sent-unsaved',
  'lightning-ended-uncommitted',
  'lightning-ended-saved',
  'lightning-again-committed',
  'lightning-tracked-unsaved',
] as const);
