import type { Clock, Ids, Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { HttpApp } from '../../platform/http/index.ts';
import { addComplianceAlertRoutes } from './alert-routes.ts';
import { addCaseReadRoutes } from './case-routes.ts';
import type { DecideDeps } from './decide-case.ts';
import { addCaseWorkRoutes } from './work-routes.ts';

export type CaseRouteDeps = DecideDeps & {
  database: Database;
  clock: Clock;
  ids: Ids;
  /** Whether a key of the store is valid and may work on cases. */
  mayReview(tx: Tx, keyId: Uuid): Promise<boolean>;
};

/**
 * All that officers, reviewers and auditors see of alerts and cases. None of it is written to the
 * store's audit log, events or webhooks: those who read them may be those whom a case is about.
 */
export function addCaseRoutes(app: HttpApp, deps: CaseRouteDeps): void {
  addComplianceAlertRoutes(app, deps);
  addCaseReadRoutes(app, deps);
  addCaseWorkRoutes(app, deps);
}
