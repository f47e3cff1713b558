import type { CaseSubject } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

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
  at: Date;
};

/** What moved for a payment, an order or a payout, the oldest first; nothing for other subjects. */
export async function readTransfers(
  tx: Tx,
  { merchantId, subject }: { merchantId: Uuid; subject: CaseSubject },
): Promise<Transfer[]> {
  const rows = await tx.query<Row>(
    `SELECT 'in' AS way, encode(p.txid, 'hex') AS txid, o.address, p.amount_sats,
            CASE WHEN o.price_currency <> 'BTC' THEN o.price_currency END AS currency,
            CASE WHEN o.price_currency <> 'BTC'
                 THEN ceil(p.amount_sats::numeric * o.price_minor / o.due_sats)::bigint END AS minor,
            p.first_seen_at AS at
       FROM payment p JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
      WHERE p.merchant_id = $1 AND p.state NOT IN ('replaced', 'dropped')
        AND (($2 = 'payment' AND p.id::text = $3) OR ($2 = 'order' AND p.order_id::text = $3))
     UNION ALL
     SELECT 'out', encode(w.txid, 'hex'), w.destination, w.amount_msat / 1000,
            NULL, NULL, w.created_at
       FROM payout w
      WHERE w.merchant_id = $1 AND $2 = 'payout' AND w.id::text = $3
      ORDER BY at LIMIT $4`,
    [merchantId, subject.type, subject.id, MAX_TRANSFERS],
  );
  return rows.map(({ way, txid, address, amount_sats: amountSats, currency, minor, at }) => ({
    ...{ way, txid: txid === null ? null : reversed(txid), address, amountSats },
    fiat: currency === null || minor === null ? null : { currency, minor },
    atMs: at.getTime(),
  }));
}

/** Stored as hashed, shown the other way round (Bitcoin's convention). */
function reversed(hex: string): string {
  return (hex.match(/../g) ?? []).reverse().join('');
}
