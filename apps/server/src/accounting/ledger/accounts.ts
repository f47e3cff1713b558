import type { Uuid } from '@quittance/kernel';
import type { AccountDefinition } from './transfer.ts';

/**
 * Bitcoin on the merchant's own wallets, as the chain shows it. Without a floor: a payment that
 * leaves the chain after its coin was spent takes the spend with it, and for a moment the book may
 * say so in another order (ADR 0012). That it equals the coins is what reconciliation checks.
 */
export const ONCHAIN_WALLET: AccountDefinition = {
  code: 'onchain.wallet',
  asset: 'BTC',
  kind: 'asset',
  floor: false,
};

/** Money that has been received and is not yet applied to an order. */
export const RECEIPTS_UNAPPLIED: AccountDefinition = {
  code: 'receipts.unapplied',
  asset: 'BTC',
  kind: 'liability',
  floor: true,
};

/**
 * What the merchant has earned: applied to orders and free to use. Without a floor: when a payment
 * leaves the chain after its money was paid out, that is a debt and has to be on the books. Who
 * pays out checks the balance before.
 */
export const MERCHANT_AVAILABLE: AccountDefinition = {
  code: 'merchant.available',
  asset: 'BTC',
  kind: 'liability',
  floor: false,
};

/** What customers paid beyond their orders and may claim back. Without a floor, for the same. */
export const CUSTOMER_EXCESS: AccountDefinition = {
  code: 'customer.excess',
  asset: 'BTC',
  kind: 'liability',
  floor: false,
};

/** Received money that somebody has to decide about before it is anybody's. */
export const COMPLIANCE_HELD: AccountDefinition = {
  code: 'compliance.held',
  asset: 'BTC',
  kind: 'liability',
  floor: true,
};

/**
 * Received money that nobody may pay out or back, such as a sanctioned person's. Nothing draws from
 * it; it leaves only with its payment (a reorganisation) or when a freeze is lifted.
 */
export const COMPLIANCE_FROZEN: AccountDefinition = {
  code: 'compliance.frozen',
  asset: 'BTC',
  kind: 'liability',
  floor: true,
};

/**
 * How much of what an order received may still be paid back (refund-cap). A memorandum: it holds no
 * money, only the right to pay some back. Its floor is what refuses a refund beyond the receipts.
 */
export function refundableOf(orderId: Uuid): AccountDefinition {
  return { code: `${MEMORANDUM_PREFIX}${orderId}`, asset: 'BTC', kind: 'liability', floor: true };
}

/** The other side of all refundable accounts: always their sum. */
export const REFUNDABLE_TOTAL: AccountDefinition = {
  code: 'refundable.total',
  asset: 'BTC',
  kind: 'asset',
  floor: false,
};

/** Accounts that hold no money and are as many as orders were refunded: lists leave them out. */
export const MEMORANDUM_PREFIX = 'refundable.';

/**
 * What is promised to recipients: pending while it is reserved, posted while its transaction has
 * been sent and not yet booked. Without a floor: a payout and the spend that pays it are booked in
 * one transaction, in whichever order.
 */
export const PAYOUTS_IN_TRANSIT: AccountDefinition = {
  code: 'payouts.in_transit',
  asset: 'BTC',
  kind: 'liability',
  floor: false,
};

/**
 * What the channels of the store's Lightning node hold for it, in millisatoshis. Without a floor: a
 * payment that was sent may be booked before one that was received and made it possible. That it
 * equals the node's balance is what reconciliation checks.
 */
export const LIGHTNING_CHANNELS: AccountDefinition = {
  code: 'lightning.channels',
  asset: 'BTC',
  kind: 'asset',
  floor: false,
};
