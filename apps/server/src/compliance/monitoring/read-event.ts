import type { Uuid } from '@quittance/kernel';
import { z } from 'zod';
import type { RecordedEvent } from '../../telling/events/index.ts';

/** What an event means here: money is certain, or it was and is no more. */
export type News =
  | {
      readonly type: 'payment';
      readonly key: string;
      readonly orderId: Uuid;
      readonly paymentId: Uuid;
      readonly txid: string | null;
      readonly amountSats: bigint;
    }
  | { readonly type: 'payout'; readonly key: string; readonly payoutId: Uuid }
  | { readonly type: 'undone'; readonly key: string };

const sats = z.string().transform((text) => BigInt(text));
const orderData = z.object({
  payment: z.object({
    id: z.string(),
    txid: z.string().nullable(),
    paymentHash: z.string().nullish(),
    amountSats: sats,
  }),
  transaction: z.object({ amountSats: sats }).optional(),
});
const payoutData = z.object({ payoutId: z.string(), method: z.enum(['onchain', 'lightning']) });

/**
 * Null for what says nothing about certain money. A payment counts with the confirmations that its
 * order asks for, or at once over Lightning; a payout when its transaction is in a block, or received
 * over Lightning. All outputs of one transaction that pay one order are one payment, as the events have
 * it.
 */
export function readEvent({ type, orderId, data }: RecordedEvent): News | null {
  switch (type) {
    case 'order.payment_confirmed': {
      const { payment, transaction } = orderData.parse(data);
      if (orderId === null) return null;
      const amountSats = transaction?.amountSats ?? payment.amountSats;
      const key = paymentKey(orderId, payment);
      const { id: paymentId, txid } = payment;
      return { type: 'payment', key, orderId, paymentId, txid, amountSats };
    }
    case 'order.payment_reorged':
    case 'order.payment_replaced':
    case 'order.payment_dropped': {
      if (orderId === null) return null;
      return { type: 'undone', key: paymentKey(orderId, orderData.parse(data).payment) };
    }
    case 'payout.confirmed':
    case 'payout.final': {
      const { payoutId } = payoutData.parse(data);
      return { type: 'payout', key: `payout:${payoutId}`, payoutId };
    }
    // Sent again after its block has left the chain; the first time there is nothing to undo.
    case 'payout.broadcast':
    case 'payout.reversed':
      return { type: 'undone', key: `payout:${payoutData.parse(data).payoutId}` };
    default:
      return null;
  }
}

function paymentKey(
  orderId: Uuid,
  {
    id,
    txid,
    paymentHash,
  }: { id: string; txid: string | null; paymentHash?: string | null | undefined },
): string {
  return `payment:${orderId}:${txid ?? paymentHash ?? id}`;
}
