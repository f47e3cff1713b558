import { MSATS_PER_SAT, type Sats, type Uuid } from '@quittance/kernel';
import { REFUNDABLE_TOTAL, refundableOf } from '../accounts.ts';
import { type Leg, type Transfer, transferId } from '../transfer.ts';

/** One refund's part of what its order received; put back and taken again, the next epoch. */
export type RefundArgs = {
  merchantId: Uuid;
  orderId: Uuid;
  refundId: Uuid;
  epoch: number;
  /** What it takes of what the order received; what is paid may be more or less. */
  basisSats: Sats;
  /** When it happened: stored with the event, so that a retry repeats it. */
  atMs: number;
};

/**
 * A refund was promised: its part can be promised to nobody else (debit refundable of the order,
 * pending). Refused by the floor when the order has not received so much (refund-cap).
 */
export function refundReserved(args: RefundArgs): Transfer {
  return {
    id: refundTransferId('refund-reserved', args),
    ...refundFields(args),
    template: 'refund-reserved',
    phase: 'pending',
    legs: refundLegs(args),
  };
}

/** The legs of a refund; refund-sent and refund-released repeat them exactly. */
export function refundLegs({ orderId, basisSats }: RefundArgs): Leg[] {
  const amount = basisSats * MSATS_PER_SAT;
  return [
    { account: refundableOf(orderId), direction: 'debit', amount },
    { account: REFUNDABLE_TOTAL, direction: 'credit', amount },
  ];
}

export function refundTransferId(template: string, args: RefundArgs): Uuid {
  return transferId(template, args.refundId, String(args.epoch));
}

/** What every transfer about a refund says alike. */
export function refundFields(args: RefundArgs) {
  return {
    bookId: args.merchantId,
    effectiveAtMs: args.atMs,
    recordedAtMs: args.atMs,
    reference: { refundId: args.refundId, orderId: args.orderId, epoch: String(args.epoch) },
  };
}
