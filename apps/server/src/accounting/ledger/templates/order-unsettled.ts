import { type Transfer, transferId } from '../transfer.ts';
import { type SettlementArgs, settlementFields, settlementLegs } from './order-settled.ts';

/**
 * Money that was applied to an order is taken back because its payment left the chain. The exact
 * reverse of order-settled with the same order, epoch and parts: debit merchant.available and
 * customer.excess, credit receipts.unapplied. Only the time differs: `atMs` is that of the undoing.
 */
export function orderUnsettled(args: SettlementArgs): Transfer {
  return {
    id: transferId('order-unsettled', args.orderId, String(args.epoch)),
    ...settlementFields(args),
    template: 'order-unsettled',
    phase: 'single',
    legs: settlementLegs(args).map((leg) => ({
      ...leg,
      direction: leg.direction === 'debit' ? 'credit' : 'debit',
    })),
  };
}
