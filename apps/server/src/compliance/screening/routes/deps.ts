import type { Clock, Ids } from '@quittance/kernel';
import type { Database } from '../../../platform/db/index.ts';
import type { recordAudit } from '../../../tenancy/audit/index.ts';
import type { Screener } from '../screener/screener.ts';
import type { SamePersonAs } from '../versions/decide-version.ts';

export type ScreeningRouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  screener: Screener;
  recordAudit: typeof recordAudit;
  samePersonAs: SamePersonAs;
};

export const tags = ['Screening'];
