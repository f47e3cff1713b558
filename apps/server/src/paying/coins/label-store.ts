import type { Label, LabelType } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** Writes labels; of the same thing the new one stays. */
export async function upsertLabels(
  tx: Tx,
  merchantId: Uuid,
  labels: readonly Label[],
): Promise<void> {
  if (labels.length === 0) return;
  await tx.query(
    `INSERT INTO wallet_label (merchant_id, type, ref, label, rest, spendable)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[])
     ON CONFLICT (merchant_id, type, ref) DO UPDATE SET label = excluded.label,
            rest = excluded.rest, spendable = excluded.spendable`,
    [
      merchantId,
      labels.map(({ type }) => type),
      labels.map(({ ref }) => ref),
      labels.map(({ label }) => label ?? ''),
      labels.map(({ origin, other }) =>
        JSON.stringify(origin === undefined ? other : { ...other, origin }),
      ),
      labels.map(({ spendable }) => spendable ?? null),
    ],
  );
}

/** How many labels a store has, counted no further than `atMost`. */
export async function countLabels(tx: Tx, merchantId: Uuid, atMost: number): Promise<number> {
  const row = await tx.one<{ labels: bigint }>(
    `SELECT count(*) AS labels FROM (
       SELECT 1 FROM wallet_label WHERE merchant_id = $1 LIMIT $2) l`,
    [merchantId, atMost],
  );
  return Number(row.labels);
}

export async function readLabels(tx: Tx, merchantId: Uuid, limit: number): Promise<Label[]> {
  const rows = await tx.query<{
    type: LabelType;
    ref: string;
    label: string;
    rest: Record<string, unknown>;
    spendable: boolean | null;
  }>(
    `SELECT type, ref, label, rest, spendable FROM wallet_label
      WHERE merchant_id = $1 ORDER BY type, ref LIMIT $2`,
    [merchantId, limit],
  );
  return rows.map(({ type, ref, label, rest, spendable }) => ({
    type,
    ref,
    ...(label === '' ? {} : { label }),
    ...(spendable === null ? {} : { spendable }),
    other: rest,
  }));
}

/** Addresses of a wallet that an order was paid at, the newest first. */
export async function readOrderLabels(
  tx: Tx,
  of: { merchantId: Uuid; walletId: Uuid; limit: number },
): Promise<{ address: string; orderId: Uuid; externalId: string | null }[]> {
  const rows = await tx.query<{ address: string; id: Uuid; external_id: string | null }>(
    `SELECT o.address, o.id, o.external_id FROM orders o
      WHERE o.merchant_id = $1 AND o.id IN (SELECT order_id FROM coin
              WHERE merchant_id = $1 AND wallet_id = $2 AND order_id IS NOT NULL)
      ORDER BY o.id DESC LIMIT $3`,
    [of.merchantId, of.walletId, of.limit],
  );
  return rows.map((row) => ({
    address: row.address,
    orderId: row.id,
    externalId: row.external_id,
  }));
}
