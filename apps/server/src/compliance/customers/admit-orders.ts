import { isCurrency, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  type OrderCustomers,
  type OrderToAdmit,
  unknownCustomer,
} from '../../receiving/orders/index.ts';
import { isFiatCurrency } from '../../receiving/rates/index.ts';
import { admitOrder, type AdmitRefusal, asksForWorth, limitsOf } from './admit.ts';
import { countOpenHits } from './hit-store.ts';
import { isShut, levelOf } from './level.ts';
import { insertCustomerOrder, sumOrders } from './order-store.ts';
import { readCustomerSettings } from './settings.ts';
import { lockCustomers } from './store.ts';

const HOUR_MS = 3_600_000;

/** What a store's rules about customers say to its orders. */
export const orderCustomers: OrderCustomers = {
  async currencyOfRules(tx, merchantId) {
    const settings = await readCustomerSettings(tx, merchantId);
    const { currency } = settings;
    if (!asksForWorth(settings) || !isCurrency(currency) || !isFiatCurrency(currency)) return null;
    return currency;
  },
  admit: admitOrders,
};

async function admitOrders(
  tx: Tx,
  merchantId: Uuid,
  orders: readonly OrderToAdmit[],
): Promise<void> {
  const named = orders.filter(({ customerId }) => customerId !== null);
  // Without rules, orders without a customer are nobody's concern and cost nothing.
  if (named.length === 0 && orders.every(({ worth }) => worth === null)) return;
  const settings = await readCustomerSettings(tx, merchantId);
  const ids = [...new Set(named.flatMap(({ customerId }) => customerId ?? []))].sort();
  const found = ids.length === 0 ? [] : await lockCustomers(tx, { merchantId, ids });
  const customers = new Map(found.map((customer) => [customer.id, customer]));
  const hits = await countOpenHits(tx, { merchantId, ids });
  for (const order of orders) {
    const { customerId, worth, createdAtMs: nowMs } = order;
    const known = customerId === null ? undefined : customers.get(customerId);
    if (customerId !== null && known === undefined) throw unknownCustomer();
    // The rules were changed since the price was asked for: who tries again finds them as they are.
    if (asksForWorth(settings) && worth?.currency !== settings.currency) throw rulesChanged();
    const worthMinor = worth?.minor ?? 0n;
    const openSanctionsHits = hits.get(customerId ?? '')?.sanctions ?? 0;
    const customer =
      known === undefined
        ? null
        : {
            level: levelOf(known, { openSanctionsHits, settings, nowMs }),
            isOpen: !isShut(known) && known.state !== 'rejected',
          };
    const windows = customer === null ? [] : limitsOf(customer.level, settings);
    const sums = await sumsOf(tx, {
      merchantId,
      customerId,
      nowMs,
      windows,
      currency: settings.currency,
    });
    const candidate = { customerId, worthMinor, customer };
    const refusal = admitOrder(candidate, settings, (hours) => sums.get(hours) ?? 0n);
    if (refusal !== null) throw refuse(refusal);
    // One by one, so that of orders of one customer each counts for the next.
    if (customerId !== null) {
      await insertCustomerOrder(tx, {
        merchantId,
        orderId: order.id,
        customerId,
        worth,
        atMs: nowMs,
      });
    }
  }
}

async function sumsOf(
  tx: Tx,
  of: {
    merchantId: Uuid;
    customerId: Uuid | null;
    nowMs: number;
    windows: readonly { hours: number }[];
    currency: string;
  },
): Promise<Map<number, bigint>> {
  const sums = new Map<number, bigint>();
  const { merchantId, customerId, currency, nowMs } = of;
  if (customerId === null) return sums;
  for (const { hours } of of.windows) {
    const sinceMs = nowMs - hours * HOUR_MS;
    sums.set(hours, await sumOrders(tx, { merchantId, customerId, currency, sinceMs }));
  }
  return sums;
}

function refuse(refusal: AdmitRefusal): AppError {
  switch (refusal.code) {
    case 'customer_required':
      return new AppError(
        refusal.code,
        `An order of this amount needs a customer who is verified to the level ${refusal.level}.`,
        { fields: [{ pointer: '/customerId', detail: 'is needed for this amount' }] },
      );
    case 'customer_not_accepted':
      return new AppError(refusal.code, 'No orders can be made for this customer.');
    case 'customer_not_verified':
      return new AppError(
        refusal.code,
        `An order of this amount needs a customer who is verified to the level ${refusal.level}.`,
      );
    default:
      return new AppError(
        refusal.code,
        `The customer's limit within ${refusal.hours} hours would be exceeded.`,
      );
  }
}

function rulesChanged(): AppError {
  const detail = 'The rules about customers have just been changed; try again.';
  return new AppError('overloaded', detail, { retryAfterSeconds: 1 });
}
