import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { FiatCurrency } from '../rates/index.ts';
import type { OrderDraft } from './draft.ts';

/** An order that is about to be made, and what it is worth in the currency of the store's rules. */
export type OrderToAdmit = Pick<OrderDraft, 'id' | 'customerId' | 'createdAtMs'> & {
  /** null where the store's rules need no value. */
  worth: { currency: FiatCurrency; minor: bigint } | null;
};

/** What a store's rules about customers say to its orders (compliance/customers). */
export type OrderCustomers = {
  /**
   * In which currency the rules have to know what an order is worth; null: they need not. Asked with
   * the store's settings, so at most once a second.
   */
  currencyOfRules(tx: Tx, merchantId: Uuid): Promise<FiatCurrency | null>;
  /**
   * Refuses what the rules do not allow, and counts the others against their customers' limits, in the
   * transaction that makes them.
   * @throws {AppError} customer_required, customer_not_accepted, customer_not_verified,
   *   customer_limit_exceeded, invalid_request
   */
  admit(tx: Tx, merchantId: Uuid, orders: readonly OrderToAdmit[]): Promise<void>;
};

/** For an interface on its own, such as a test's: no store has customers. */
export const withoutCustomers: OrderCustomers = {
  currencyOfRules: async () => null,
  async admit(_tx, _merchantId, orders) {
    if (orders.some(({ customerId }) => customerId !== null)) throw unknownCustomer();
  },
};

export function unknownCustomer(): AppError {
  return new AppError('invalid_request', 'The store has no such customer.', {
    fields: [{ pointer: '/customerId', detail: 'not the id of one of your customers' }],
  });
}
