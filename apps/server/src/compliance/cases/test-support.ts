import type { Ids, Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';

/** A store to work in, without the parts that other modules give it. For tests. */
export async function insertTestMerchant(database: Database, ids: Ids): Promise<Uuid> {
  const id = ids.next();
  await database.asSystem((tx) =>
    tx.query(
      `INSERT INTO merchant (id, name, settings, created_at, updated_at)
       VALUES ($1, 'Store', '{}', now(), now())`,
      [id],
    ),
  );
  return id;
}
