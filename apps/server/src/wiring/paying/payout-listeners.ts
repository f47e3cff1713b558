import { drawingCards } from '../../paying/cards/index.ts';
import type { PayoutListener } from '../../paying/payouts/index.ts';
import { createDrawsListener } from '../../paying/pull-payments/index.ts';
import { refundsListener } from '../../paying/refunds/index.ts';

const listeners: readonly PayoutListener[] = [
  refundsListener,
  createDrawsListener({ cards: drawingCards }),
];

/** Everybody who is told of payouts, one after the other, in the transaction that changed them. */
export const payoutListener: PayoutListener = {
  async payoutChanged(tx, telling, change) {
    for (const listener of listeners) await listener.payoutChanged(tx, telling, change);
  },
};
