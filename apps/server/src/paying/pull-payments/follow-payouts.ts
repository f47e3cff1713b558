import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { PayoutChange, PayoutListener, PayoutTelling } from '../payouts/index.ts';
import { finishDraw } from './draw.ts';
import { lockDrawOfPayout } from './draw-store.ts';
import type { DrawingCards } from './ports.ts';
import type { DrawNews } from './pull-payment.ts';

/**
 * Takes draws where their payouts end, in the transaction that ended them. A payout whose outcome
 * nobody knows has not ended: its draw goes on counting.
 */
export function createDrawsListener(deps: { cards: DrawingCards }): PayoutListener {
  return {
    async payoutChanged(tx: Tx, telling: PayoutTelling, change: PayoutChange) {
      const news = newsOf(change);
      if (news === null) return;
      const of: { merchantId: Uuid; payoutId: Uuid } = change;
      const draw = await lockDrawOfPayout(tx, of);
      if (draw !== undefined) await finishDraw(tx, deps, telling, { draw, news });
    },
  };
}

function newsOf({ before, state, reason }: PayoutChange): DrawNews | null {
  const wasFailed = before === 'failed' || before === 'cancelled';
  if (state === 'final') return { paid: true, wasFailed };
  if (state === 'failed') return { paid: false, reason: reason ?? 'failed' };
  return state === 'cancelled' ? { paid: false, reason: 'cancelled' } : null;
}
