import type { LightningEvent } from '../../lightning-node.ts';
import type { LndCursor } from './cursor.ts';
import type { LndPayments } from './payments.ts';
import type { LndRest } from './rest.ts';
import { type LndPayment, paymentPageShape } from './shapes.ts';

/** Payments in flight are bounded by the HTLCs of our channels; beyond this they are told late. */
const MAX_OPEN = 1_000;

/**
 * Payments that ended since the cursor. LND lists them by when they began, so the ones that were
 * open then are asked for by their hash.
 */
export async function readPayments(
  rest: LndRest,
  tracking: LndPayments,
  cursor: LndCursor,
  limit: number,
): Promise<{ events: LightningEvent[]; cursor: LndCursor; hasMore: boolean }> {
  const events: LightningEvent[] = [];
  const stillOpen: string[] = [];
  for (const [index, paymentHash] of cursor.open.entries()) {
    if (events.length >= limit) {
      const open = [...stillOpen, ...cursor.open.slice(index)];
      return { events, cursor: { ...cursor, open }, hasMore: true };
    }
    const outcome = await tracking.track(paymentHash);
    if (outcome.state === 'in_flight' || outcome.state === 'unknown') stillOpen.push(paymentHash);
    // A payment that was tried again has a later index, and comes with the list below.
    else if (outcome.state !== 'not_found') {
      events.push({ type: 'payment_ended', paymentHash, outcome });
    }
  }
  const room = limit - events.length;
  if (room <= 0) return { events, cursor: { ...cursor, open: stillOpen }, hasMore: true };
  const { payments, last_index_offset } = await rest.get(
    `/v1/payments?include_incomplete=true&index_offset=${cursor.payments}&max_payments=${room}`,
    paymentPageShape,
  );
  for (const payment of payments) {
    const paymentHash = payment.payment_hash;
    if (isEnded(payment)) {
      events.push({ type: 'payment_ended', paymentHash, outcome: tracking.read(payment) });
    } else if (!stillOpen.includes(paymentHash)) {
      stillOpen.push(paymentHash);
    }
  }
  return {
    events,
    cursor: {
      ...cursor,
      payments: payments.length === 0 ? cursor.payments : String(last_index_offset),
      open: stillOpen.slice(-MAX_OPEN),
    },
    hasMore: payments.length === room,
  };
}

function isEnded({ status }: LndPayment): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}
