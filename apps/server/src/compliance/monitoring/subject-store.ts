import type { LockedRate } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/**
 * What other modules own and this one reads by itself: orders (receiving/orders), payouts
 * (paying/payouts) and the order of a refund (paying/refunds), as they are at this moment.
 */
export type OrderFacts = {
  customerId: Uuid | null;
  metadata: Record<string, string>;
  priceCurrency: string;
  rate: LockedRate | null;
};

export async function readOrderFacts(
  tx: Tx,
  { merchantId, orderId }: { merchantId: Uuid; orderId: Uuid },
): Promise<OrderFacts> {
  return await tx.one<OrderFacts>(
    `SELECT (to_jsonb(o) ->> 'customer_id')::uuid AS "customerId", metadata,
            price_currency AS "priceCurrency", rate
       FROM orders o WHERE merchant_id = $1 AND id = $2`,
    [merchantId, orderId],
  );
}

/** The payment of an order that an event names: its outputs in one transaction are one payment. */
export type PayoutFacts = {
  method: 'onchain' | 'lightning';
  destination: string;
  destinationKind: string;
  amountSats: bigint;
  price: { currency: string; rate: LockedRate } | null;
  metadata: Record<string, string>;
  orderId: Uuid | null;
};

export async function readPayoutFacts(
  tx: Tx,
  { merchantId, payoutId }: { merchantId: Uuid; payoutId: Uuid },
): Promise<PayoutFacts> {
  return await tx.one<PayoutFacts>(
    `SELECT p.method, p.destination, p.destination_kind AS "destinationKind",
            p.amount_sats AS "amountSats", p.price, p.metadata, r.order_id AS "orderId"
       FROM payout p
       LEFT JOIN refund r ON r.merchant_id = p.merchant_id AND r.id = p.refund_id
      WHERE p.merchant_id = $1 AND p.id = $2`,
    [merchantId, payoutId],
  );
}
