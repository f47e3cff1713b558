import type { PullPaymentEventData, PullPaymentEventType } from '@quittance/contract';
import { unreachable } from '@quittance/kernel';
import type { NewEvent } from '../../telling/events/index.ts';
import type { DrawTelling } from './ports.ts';
import type { Draw } from './pull-payment.ts';

/** One event about a draw, with the draw as it is then. */
export function drawEvent(draw: Draw, type: PullPaymentEventType, telling: DrawTelling): NewEvent {
  const data: PullPaymentEventData = {
    pullPaymentId: draw.pullPaymentId,
    drawId: draw.id,
    cardId: draw.cardId,
    payoutId: draw.payoutId,
    state: draw.state,
    reason: draw.reason,
    amountMsat: draw.amountMsat.toString(),
    message: messageOf(type),
  };
  return {
    merchantId: draw.merchantId,
    id: telling.ids.next(),
    type,
    orderId: null,
    data,
    createdAtMs: telling.nowMs,
  };
}

function messageOf(type: PullPaymentEventType): string {
  switch (type) {
    case 'pull_payment.drawn':
      return 'Something was drawn; a payout is under way.';
    case 'pull_payment.draw_paid':
      return 'What was drawn has arrived.';
    case 'pull_payment.draw_failed':
      return 'What was drawn could not be paid; the limit has it back.';
    default:
      return unreachable(type);
  }
}
