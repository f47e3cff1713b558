import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Telling } from '../../receiving/payments/index.ts';
import type { Refund } from './refund.ts';

export type RefundPayout = {
  /** The refund gives it, so that it can name its payout before there is one. */
  id: Uuid;
  refund: Refund;
  by: string;
  /** A person has to approve it, whatever the rules say: the balance or a limit did not allow it. */
  holdForApproval: boolean;
};

/** How refunds are paid: by payouts, whose approval rules hold for them as for any other. */
export type RefundPayouts = {
  /**
   * Makes the payout of a refund whose address is known.
   * @throws {AppError} insufficient_balance, payout_limit_exceeded where rules would approve it by
   *   themselves and can not
   */
  create(tx: Tx, telling: Telling, payout: RefundPayout): Promise<void>;
  /**
   * Locks payouts, before anything of their refunds is locked (ADR 0012).
   * @returns those that can still be cancelled
   */
  lock(tx: Tx, of: { merchantId: Uuid; payoutIds: readonly Uuid[] }): Promise<ReadonlySet<Uuid>>;
  /**
   * Cancels the payout of a refund, which has been told of it already.
   * @throws {AppError} conflict when it is under way or over
   */
  cancel(tx: Tx, telling: Telling, of: { merchantId: Uuid; payoutId: Uuid }): Promise<void>;
};
