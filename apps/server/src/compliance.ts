import type { Clock, Ids } from '@quittance/kernel';
import type { CaseListener } from './compliance/cases/index.ts';
import { addComplianceSettingsRoutes } from './compliance/settings/index.ts';
import type { Database } from './platform/db/index.ts';
import type { HttpApp } from './platform/http/index.ts';
import { recordAudit } from './tenancy/audit/index.ts';

export type ComplianceParts = { database: Database; clock: Clock; ids: Ids };

/** Each does what a case's decision says to what it owns. */
const caseListeners: readonly CaseListener[] = [];

/** Everybody who is told of decisions, one after the other, in the transaction that decides. */
export const caseListener: CaseListener = {
  async caseDecided(tx, telling, decision) {
    for (const listener of caseListeners) await listener.caseDecided(tx, telling, decision);
  },
};

/** Screening, risk, cases, customers, monitoring and filings (docs/adr/0016-compliance.md). */
export function addCompliance(app: HttpApp, parts: ComplianceParts): void {
  const { database, clock, ids } = parts;
  const common = { database, clock, ids, recordAudit };
  addComplianceSettingsRoutes(app, common);
}
