import { migrate } from '../platform/db/index.ts';
import { configOf, databaseOf, loggerOf } from './configured.ts';

/** `quittance migrate`: brings the database to the newest schema. */
export async function runMigrate(args: readonly string[]): Promise<number> {
  const config = configOf(args);
  const postgres = await databaseOf(config, loggerOf(config));
  try {
    const applied = await migrate(postgres.ownerUrl);
    console.log(applied.length === 0 ? 'Nothing to do.' : `Applied: ${applied.join(', ')}`);
  } finally {
    await postgres.stop();
  }
  return 0;
}
