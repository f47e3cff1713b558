import pg from 'pg';

/** Changes with every request that carries a valid key; it is no state of anybody's business. */
const IGNORED_COLUMN = 'last_used_at';

/** Reads all tables as the owner, whom row-level security does not bind. */
export interface StateReader {
  /** Row count and checksum of each table, of all rows or of one merchant's. */
  read(merchantId?: string): Promise<Record<string, string>>;
  /** Tables with the column that names the tenant of their rows; null where there is none. */
  tables(): Promise<{ name: string; tenantColumn: string | null }[]>;
  close(): Promise<void>;
}

export async function openStateReader(ownerUrl: string): Promise<StateReader> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();

  async function tables() {
    const { rows } = await client.query<{ name: string; tenantColumn: string | null }>(
      `SELECT c.relname AS name,
              (SELECT a.attname FROM pg_attribute a
                WHERE a.attrelid = c.oid AND NOT a.attisdropped
                  AND (a.attname IN ('merchant_id', 'book_id')
                       OR a.attname = 'id' AND c.relname IN ('merchant', 'ledger_book'))
                ORDER BY a.attname = 'id' LIMIT 1) AS "tenantColumn"
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1`,
    );
    return rows;
  }

  return {
    tables,
    async read(merchantId) {
      const known = await tables();
      const parts = known
        .filter(({ tenantColumn }) => merchantId === undefined || tenantColumn !== null)
        .map(({ name, tenantColumn }) => {
          const mine = merchantId === undefined ? '' : `WHERE ${tenantColumn} = $1`;
          return `SELECT '${name}' AS name, count(*) || ':' || coalesce(sum(hashtextextended(
            (to_jsonb(t) - '${IGNORED_COLUMN}')::text, 0)::numeric), 0) AS sum
            FROM ${client.escapeIdentifier(name)} t ${mine}`;
        });
      const { rows } = await client.query<{ name: string; sum: string }>(
        `${parts.join(' UNION ALL ')} ORDER BY name`,
        merchantId === undefined ? [] : [merchantId],
      );
      return Object.fromEntries(rows.map(({ name, sum }) => [name, sum]));
    },
    close: () => client.end(),
  };
}
