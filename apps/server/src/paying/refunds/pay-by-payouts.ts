import { formatBtc } from '@quittance/kernel';
import {
  cancelPayout,
  createPayout,
  lockPayoutsById,
  type PayoutDeps,
  type PayoutListener,
} from '../payouts/index.ts';
import { refundPayoutChanged } from './follow-payouts.ts';
import type { RefundPayout, RefundPayouts } from './payouts-port.ts';
import { MIN_PAYOUT_SATS } from './plan.ts';

const STOPPABLE: ReadonlySet<string> = new Set(['awaiting_approval', 'approved']);

/** Takes refunds where their payouts are. */
export const refundsListener: PayoutListener = { payoutChanged: refundPayoutChanged };

/** Refunds are paid by paying/payouts, which tells of them by `refundsListener`. */
export function payByPayouts(deps: PayoutDeps): RefundPayouts {
  return {
    async create(tx, telling, payout) {
      await createPayout(tx, deps, telling, newPayout(payout));
    },
    async lock(tx, { merchantId, payoutIds }) {
      if (payoutIds.length === 0) return new Set();
      const payouts = await lockPayoutsById(tx, { merchantId, ids: payoutIds });
      return new Set(payouts.filter(({ state }) => STOPPABLE.has(state)).map(({ id }) => id));
    },
    async cancel(tx, telling, { merchantId, payoutId }) {
      await cancelPayout(tx, deps, telling, { merchantId, id: payoutId });
    },
  };
}

function newPayout({ id, refund, by, holdForApproval }: RefundPayout) {
  const { merchantId, payoutSats } = refund;
  const most = payoutSats - MIN_PAYOUT_SATS;
  const share = refund.maxFeeShareSats < most ? refund.maxFeeShareSats : most;
  return {
    ...({ merchantId, id, createdBy: by, source: 'refund', refundId: refund.id } as const),
    neverAutomatic: holdForApproval,
    destination: refund.address ?? '',
    amount: formatBtc(payoutSats),
    currency: 'BTC',
    ...(refund.feeFrom === 'merchant'
      ? ({ feeFrom: 'sender' } as const)
      : ({ feeFrom: 'recipient', maxFeeShareSats: share.toString() } as const)),
    metadata: { orderId: refund.orderId },
    quote: null,
  };
}
