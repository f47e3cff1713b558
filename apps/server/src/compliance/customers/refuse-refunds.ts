import { AppError } from '../../platform/errors.ts';
import type { RefundPayouts } from '../../paying/refunds/index.ts';
import { isOrderOfBlocked } from './order-store.ts';

/**
 * Pays no refund of an order whose customer is blocked: neither by the store nor when it is claimed.
 * What is told is what is told of any refund that can not be paid now.
 */
export function refuseRefundsOfBlocked(payouts: RefundPayouts): RefundPayouts {
  return {
    ...payouts,
    async create(tx, telling, payout) {
      const { merchantId, orderId } = payout.refund;
      if (await isOrderOfBlocked(tx, { merchantId, orderId })) {
        throw new AppError('payout_not_payable', 'The refund can not be paid now.');
      }
      await payouts.create(tx, telling, payout);
    },
  };
}
