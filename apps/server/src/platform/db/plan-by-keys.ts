import type { Tx } from './transaction.ts';

/**
 * For a transaction whose statements find all their rows by key, while somebody waits: they are planned
 * once and not each time, which takes longer than most of them take to carry out, and by indexes,
 * whatever the statistics say of tables that were nearly empty just now. The plans stay with the
 * connection.
 */
export async function planByKeys(tx: Tx): Promise<void> {
  await tx.query(
    `SELECT set_config(name, value, true)
       FROM (VALUES ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'),
                    ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off')) AS s (name, value)`,
  );
}
