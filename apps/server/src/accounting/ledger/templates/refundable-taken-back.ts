import { type Transfer, transferId } from '../transfer.ts';
import { type CapArgs, capFields, capLegs } from './refundable-credited.ts';

/**
 * A payment left the chain: so much less of its order may be paid back (debit refundable of the
 * order). Refunds that nobody is paying yet are released before it.
 */
export function refundableTakenBack(args: CapArgs): Transfer {
  return {
    id: transferId('refundable-taken-back', args.orderId, String(args.epoch)),
    ...capFields(args),
    template: 'refundable-taken-back',
    phase: 'single',
    legs: capLegs(args).map((leg) => ({
      ...leg,
      direction: leg.direction === 'debit' ? 'credit' : 'debit',
    })),
  };
}
