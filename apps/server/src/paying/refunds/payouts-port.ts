import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Telling } from '../../receiving/payments/index.ts';
import type { Refund } from './refund.ts';

/** How refunds are paid: by payouts, whose approval rules hold for them as for any other. */
export type RefundPayouts = {
  /** Makes the payout of a refund whose address is known; its id is the refund's to give. */
  create(tx: Tx, telling: Telling, payout: { id: Uuid; refund: Refund; by: string }): Promise<void>;
  /**
   * Cancels the payout of a refund.
   * @returns false when it is under way or over: then the refund stays as it is
   */
  cancel(
    tx: Tx,
    telling: Telling,
    payout: { id: Uuid; merchantId: Uuid; reason: string; by: string },
  ): Promise<boolean>;
};
