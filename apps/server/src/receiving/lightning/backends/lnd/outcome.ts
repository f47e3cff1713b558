import type { PaymentOutcome } from '../../lightning-node.ts';
import { failureOf } from './failures.ts';
import type { LndAttempt, LndPayment } from './shapes.ts';

/**
 * What LND says of a payment. FAILED is final: LND writes it only when no part is in flight any more
 * (payments/db, decidePaymentStatus).
 * @param seen attempts of earlier messages: LND deletes failed ones when a payment ends
 */
export function outcomeOf(payment: LndPayment, seen: readonly LndAttempt[] = []): PaymentOutcome {
  switch (payment.status) {
    case 'SUCCEEDED':
      return {
        state: 'succeeded',
        preimage: payment.payment_preimage,
        amountMsat: payment.value_msat,
        feeMsat: payment.fee_msat,
        endedAtMs: settledAtMs(payment),
      };
    case 'FAILED':
      return {
        state: 'failed',
        failure: failureOf(payment.failure_reason, [...seen, ...payment.htlcs]),
      };
    case 'IN_FLIGHT':
    case 'INITIATED':
      return { state: 'in_flight' };
    case 'UNKNOWN':
      return { state: 'unknown', detail: 'LND says that the state is unknown' };
  }
}

function settledAtMs(payment: LndPayment): number | null {
  let latest = 0n;
  for (const { status, resolve_time_ns } of payment.htlcs) {
    if (status === 'SUCCEEDED' && resolve_time_ns > latest) latest = resolve_time_ns;
  }
  return latest === 0n ? null : Number(latest / 1_000_000n);
}
