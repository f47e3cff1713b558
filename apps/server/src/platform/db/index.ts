export {
  type Database,
  type DatabaseOptions,
  openDatabase,
  type Unlisten,
} from './database.ts';
export { dateOf } from './dates.ts';
export { MigrationError, migrate, pendingMigrations } from './migrate.ts';
export { planByKeys } from './plan-by-keys.ts';
export { APP_ROLE, roleUrls, SYSTEM_ROLE } from './roles.ts';
export { together } from './together.ts';
export type { Tx } from './transaction.ts';
