import type { Tx } from '../../platform/db/index.ts';

export type NotedRate = { currency: string; atMs: number; pricePerBtc: string; source: string };

export async function insertRate(tx: Tx, rate: NotedRate): Promise<void> {
  await tx.query(
    `INSERT INTO monitoring_rate (currency, at, price_per_btc, source) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [rate.currency, new Date(rate.atMs), rate.pricePerBtc, rate.source],
  );
}

/** The price that was noted nearest to a time, the earlier one of two that are as near. */
export async function findRateNear(
  tx: Tx,
  { currency, atMs, withinMs }: { currency: string; atMs: number; withinMs: number },
): Promise<NotedRate | undefined> {
  const rows = await tx.query<{ at: Date; price_per_btc: string; source: string }>(
    `(SELECT at, price_per_btc, source FROM monitoring_rate
       WHERE currency = $1 AND at <= $2 AND at >= $3 ORDER BY at DESC LIMIT 1)
     UNION ALL
     (SELECT at, price_per_btc, source FROM monitoring_rate
       WHERE currency = $1 AND at > $2 AND at <= $4 ORDER BY at LIMIT 1)`,
    [currency, new Date(atMs), new Date(atMs - withinMs), new Date(atMs + withinMs)],
  );
  const rates = rows.map((row) => ({
    ...{ currency, atMs: row.at.getTime(), pricePerBtc: row.price_per_btc, source: row.source },
  }));
  const [nearest] = rates.toSorted(
    (a, b) => Math.abs(a.atMs - atMs) - Math.abs(b.atMs - atMs) || a.atMs - b.atMs,
  );
  return nearest;
}

/** Currencies that the thresholds of running stores are in; `otherwise` for those without a choice. */
export async function readCurrenciesInUse(tx: Tx, otherwise: string): Promise<string[]> {
  const rows = await tx.query<{ currency: string }>(
    `SELECT DISTINCT coalesce(c.settings ->> 'currency', $1) AS currency
       FROM compliance_settings s
       LEFT JOIN monitoring_config c ON c.merchant_id = s.merchant_id AND c.state = 'active'
      WHERE s.monitoring`,
    [otherwise],
  );
  return rows.map(({ currency }) => currency);
}
