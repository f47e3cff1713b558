import type { CaseSubject, LockedRate } from '@quittance/contract';
import { isCurrency, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { isFiatCurrency, parsePrice, satsToFiat } from '../../receiving/rates/index.ts';

/** Money that moved for whom or what a case is about. */
export type Transfer = {
  readonly way: 'in' | 'out';
  /** As explorers show it; null: none yet, or over Lightning. */
  readonly txid: string | null;
  readonly address: string;
  readonly amountSats: bigint;
  /** At the order's or the payout's own rate, in smallest units; null where it had none. */
  readonly fiat: { readonly currency: string; readonly minor: bigint } | null;
  readonly atMs: number;
};

/** A report names so many transfers; with more it names the first ones and says how many there are. */
const MAX_TRANSFERS = 200;

type Row = {
  way: 'in' | 'out';
  txid: string | null;
  address: string;
  amount_sats: bigint;
  currency: string | null;
  minor: bigint | null;
  price: { currency: string; rate: LockedRate } | null;
  at: Date;
};

/**
 * What moved for a payment, an order, a payout, a customer or somebody whom the shop has a reference
 * for (`party` "reference:…"), the newest of it since a time, the oldest first.
 */
export async function readTransfers(
  tx: Tx,
  given: { merchantId: Uuid; subject: CaseSubject; sinceMs: number },
): Promise<Transfer[]> {
  const { merchantId, subject, sinceMs } = given;
  const rows = await tx.query<Row>(
    `SELECT * FROM (
     SELECT 'in' AS way, encode(p.txid, 'hex') AS txid, o.address, p.amount_sats,
            CASE WHEN o.price_currency <> 'BTC' THEN o.price_currency END AS currency,
            CASE WHEN o.price_currency <> 'BTC'
                 THEN ceil(p.amount_sats::numeric * o.price_minor / o.due_sats)::bigint END AS minor,
            NULL::jsonb AS price, p.first_seen_at AS at
       FROM payment p JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
      WHERE p.merchant_id = $1 AND p.state NOT IN ('replaced', 'dropped')
        AND (($2 = 'payment' AND p.id::text = $3) OR ($2 = 'order' AND p.order_id::text = $3)
          OR ($2 = 'customer' AND o.customer_id::text = $3 AND p.first_seen_at >= $5)
          OR ($2 = 'party' AND o.customer_id IS NULL AND p.first_seen_at >= $5
              AND 'reference:' || (o.metadata ->> 'customer') = $3))
     UNION ALL
     SELECT 'out', encode(w.txid, 'hex'), w.destination, w.amount_msat / 1000,
            NULL, NULL, w.price, w.created_at
       FROM payout w
       LEFT JOIN refund r ON r.merchant_id = w.merchant_id AND r.id = w.refund_id
       LEFT JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
      WHERE w.merchant_id = $1 AND w.state NOT IN ('failed', 'cancelled')
        AND (($2 = 'payout' AND w.id::text = $3)
          OR ($2 = 'customer' AND o.customer_id::text = $3 AND w.created_at >= $5)
          OR ($2 = 'party' AND w.created_at >= $5
              AND 'reference:' || (coalesce(o.metadata, w.metadata) ->> 'customer') = $3))
      ORDER BY at DESC LIMIT $4) AS newest ORDER BY at`,
    [merchantId, subject.type, subject.id, MAX_TRANSFERS, new Date(sinceMs)],
  );
  return rows.map(({ way, txid, address, amount_sats: amountSats, at, ...row }) => ({
    ...{ way, txid: txid === null ? null : reversed(txid), address, amountSats },
    fiat: fiatOf(row, amountSats),
    atMs: at.getTime(),
  }));
}

/** A price in the order's own proportion, or at the rate that a payout was converted at. */
function fiatOf(
  { currency, minor, price }: Pick<Row, 'currency' | 'minor' | 'price'>,
  amountSats: bigint,
): Transfer['fiat'] {
  if (currency !== null && minor !== null) return { currency, minor };
  const asked = price?.currency;
  if (price === null || asked === undefined || !isCurrency(asked) || !isFiatCurrency(asked))
    return null;
  const read = parsePrice(price.rate.pricePerBtc);
  if (!read.ok) return null;
  const rate = { currency: asked, pricePerBtcE8: read.pricePerBtcE8 };
  return { currency: asked, minor: satsToFiat(amountSats, { rate }) };
}

/** The customer that a case's subject belongs to; null: none is known. */
export async function findCustomerOf(
  tx: Tx,
  { merchantId, subject }: { merchantId: Uuid; subject: CaseSubject },
): Promise<Uuid | null> {
  const row = await tx.maybe<{ id: Uuid | null }>(
    `SELECT o.customer_id AS id FROM orders o
      WHERE o.merchant_id = $1 AND o.id = CASE $2
        WHEN 'order' THEN (SELECT q.id FROM orders q WHERE q.merchant_id = $1 AND q.id::text = $3)
        WHEN 'payment' THEN (SELECT p.order_id FROM payment p WHERE p.merchant_id = $1 AND p.id::text = $3)
        WHEN 'payout' THEN (SELECT r.order_id FROM payout w JOIN refund r
             ON r.merchant_id = w.merchant_id AND r.id = w.refund_id
          WHERE w.merchant_id = $1 AND w.id::text = $3) END
     UNION ALL
     SELECT c.id FROM customer c WHERE c.merchant_id = $1 AND $2 = 'customer' AND c.id::text = $3`,
    [merchantId, subject.type, subject.id],
  );
  return row?.id ?? null;
}

/** Stored as hashed, shown the other way round (Bitcoin's convention). */
function reversed(hex: string): string {
  return (hex.match(/../g) ?? []).reverse().join('');
}
