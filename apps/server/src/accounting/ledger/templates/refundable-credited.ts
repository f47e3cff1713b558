import { MSATS_PER_SAT, type Sats, type Uuid } from '@quittance/kernel';
import { REFUNDABLE_TOTAL, refundableOf } from '../accounts.ts';
import { type Leg, type Transfer, transferId } from '../transfer.ts';

/** One change of how much of an order may be paid back; the next one gets the next epoch. */
export type CapArgs = {
  merchantId: Uuid;
  orderId: Uuid;
  epoch: number;
  amountSats: Sats;
  /** When it happened: stored with the event, so that a retry repeats it. */
  atMs: number;
};

/**
 * More of an order has been received for certain, and may be paid back from now on (credit
 * refundable of the order). A memorandum: no money moves.
 */
export function refundableCredited(args: CapArgs): Transfer {
  return {
    id: transferId('refundable-credited', args.orderId, String(args.epoch)),
    ...capFields(args),
    template: 'refundable-credited',
    phase: 'single',
    legs: capLegs(args),
  };
}

export function capLegs({ orderId, amountSats }: Pick<CapArgs, 'orderId' | 'amountSats'>): Leg[] {
  const amount = amountSats * MSATS_PER_SAT;
  return [
    { account: REFUNDABLE_TOTAL, direction: 'debit', amount },
    { account: refundableOf(orderId), direction: 'credit', amount },
  ];
}

/** What every transfer about a cap says alike. */
export function capFields(args: CapArgs) {
  return {
    bookId: args.merchantId,
    effectiveAtMs: args.atMs,
    recordedAtMs: args.atMs,
    reference: { orderId: args.orderId, epoch: String(args.epoch) },
  };
}
