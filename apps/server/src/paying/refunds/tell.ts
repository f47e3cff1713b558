import type { RefundEventData, RefundEventType } from '@quittance/contract';
import {
  assert,
  currencyDecimals,
  formatDecimal,
  isCurrency,
  unreachable,
} from '@quittance/kernel';
import type { OrderMoney, Telling } from '../../receiving/payments/index.ts';
import type { NewEvent } from '../../telling/events/index.ts';
import type { Refund, RefundChange } from './refund.ts';

/** Who set a payment off: an automated processor, or a person. */
export type Origin = 'processor_auto' | 'manual';

/** The events that changes of refunds make, each with the refund as it is then. */
export function refundEvents(
  changes: readonly RefundChange[],
  about: { order: OrderMoney['order']; telling: Telling; origin: Origin | null },
): NewEvent[] {
  const { order, telling, origin } = about;
  return changes.flatMap(({ after, notices }) =>
    notices.map((type) => ({
      merchantId: after.merchantId,
      id: telling.ids.next(),
      type,
      orderId: after.orderId,
      data: { ...dataOf(after, order.externalId, origin), message: messageOf(type) },
      createdAtMs: telling.nowMs,
    })),
  );
}

function dataOf(
  refund: Refund,
  externalId: string | null,
  origin: Origin | null,
): Omit<RefundEventData, 'message'> {
  return {
    refundId: refund.id,
    orderId: refund.orderId,
    externalId,
    state: refund.state,
    reason: refund.reason,
    held: refund.held,
    mode: refund.mode,
    basisSats: refund.basisSats.toString(),
    payoutSats: refund.payoutSats.toString(),
    feeShareSats: refund.feeShareSats.toString(),
    valueCurrency: refund.valueCurrency,
    valueAmount: valueText(refund),
    feeFrom: refund.feeFrom,
    address: refund.address,
    payoutId: refund.payoutId,
    txid: refund.txid,
    origin,
  };
}

/** What is paid, in the order's currency: "12.50" for EUR. */
export function valueText(refund: Pick<Refund, 'valueCurrency' | 'valueMinor'>): string {
  assert(isCurrency(refund.valueCurrency), 'a stored refund has a known currency');
  return formatDecimal(refund.valueMinor, currencyDecimals(refund.valueCurrency));
}

function messageOf(type: RefundEventType): string {
  switch (type) {
    case 'refund.created':
      return 'A refund was promised; its amount can not be refunded twice.';
    case 'refund.claimed':
      return 'An address was named and a payout made for it.';
    case 'refund.sent':
      return 'The transaction of the refund is in the network.';
    case 'refund.confirmed':
      return 'The transaction of the refund is in a block.';
    case 'refund.failed':
      return 'The refund could not be paid; its amount may be refunded anew.';
    case 'refund.cancelled':
      return 'The refund was cancelled; its amount may be refunded anew.';
    case 'refund.expired':
      return 'Nobody claimed the refund in time; its amount may be refunded anew.';
    case 'refund.held':
      return 'The payment that it returns is unconfirmed again; the refund waits for it.';
    case 'refund.resumed':
      return 'The payment that it returns is confirmed again; the refund goes on.';
    case 'refund.reversed':
      return 'The transaction of the refund is not where it was; it is followed on.';
    default:
      return unreachable(type);
  }
}
