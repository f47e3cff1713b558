import type { Msats } from '@quittance/kernel';
import { LIGHTNING_CHANNELS, MERCHANT_AVAILABLE, PAYOUTS_IN_TRANSIT } from '../accounts.ts';
import type { Leg, Transfer } from '../transfer.ts';
import { type PayoutArgs, payoutFields, payoutTransferId } from './payout-reserved.ts';

/**
 * A Lightning payout has arrived: the channels hold less (credit lightning.channels) by what was on
 * its way (debit payouts.in_transit) and by the route's fees, which are the merchant's (debit
 * merchant.available). A fee of zero has no leg.
 */
export function lightningSent(
  args: PayoutArgs & { feeMsat: Msats; paymentHash: string },
): Transfer {
  const { amountMsat, feeMsat, paymentHash } = args;
  const legs: Leg[] = [
    { account: PAYOUTS_IN_TRANSIT, direction: 'debit', amount: amountMsat },
    { account: MERCHANT_AVAILABLE, direction: 'debit', amount: feeMsat },
    { account: LIGHTNING_CHANNELS, direction: 'credit', amount: amountMsat + feeMsat },
  ];
  const fields = payoutFields(args);
  return {
    id: payoutTransferId('lightning-sent', args),
    ...fields,
    reference: { ...fields.reference, paymentHash },
    template: 'lightning-sent',
    phase: 'single',
    legs: legs.filter(({ amount }) => amount !== 0n),
  };
}
