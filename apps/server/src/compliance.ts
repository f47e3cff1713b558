import { coversScope } from '@quittance/contract';
import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import {
  addCaseRoutes,
  type CaseListener,
  raiseComplianceAlert,
  readCaseDuty,
} from './compliance/cases/index.ts';
import {
  addCustomerRoutes,
  createCustomerCaseListener,
  type CustomerDeps,
  type PartyScreener,
} from './compliance/customers/index.ts';
import { addMonitoringRoutes } from './compliance/monitoring/index.ts';
import { addRiskRoutes, riskCaseListener } from './compliance/risk/index.ts';
import {
  addListRoutes,
  addScreenRoutes,
  addVersionRoutes,
  type Screener,
} from './compliance/screening/index.ts';
import {
  addComplianceSettingsRoutes,
  readComplianceSettings,
} from './compliance/settings/index.ts';
import type { Database, Tx } from './platform/db/index.ts';
import type { HttpApp } from './platform/http/index.ts';
import type { UrlPolicy } from './platform/outbound/index.ts';
import type { Sealer } from './platform/sealing/index.ts';
import { recordAudit } from './tenancy/audit/index.ts';
import { readValidScopes, samePersonAs } from './tenancy/keys/index.ts';

export type ComplianceParts = {
  database: Database;
  clock: Clock;
  ids: Ids;
  random: Random;
  screener: Screener;
  /** Seals what says who customers are. */
  sealer: Sealer;
  /** Which addresses stores' identity providers may have. */
  urlPolicy: UrlPolicy;
};

/** Each does what a case's decision says to what it owns. */
const caseListeners: readonly CaseListener[] = [riskCaseListener];

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
  const screening = { ...common, screener: parts.screener, samePersonAs };
  addListRoutes(app, screening);
  addVersionRoutes(app, screening);
  addScreenRoutes(app, screening);
  addMonitoringRoutes(app, { ...common, samePersonAs });
  addRiskRoutes(app, common);
  const customers = customerDeps(parts);
  const listener = listenersFor(customers);
  addCaseRoutes(app, {
    ...{ ...common, samePersonAs, caseListener: listener, mayReview: mayReview(clock) },
  });
  const { urlPolicy } = parts;
  addCustomerRoutes(app, { ...customers, ...common, urlPolicy });
}

/** What customers need of the others, for requests and workers alike. */
export function customerDeps(
  parts: Pick<ComplianceParts, 'clock' | 'ids' | 'random' | 'sealer'> & {
    screener: PartyScreener | undefined;
  },
): CustomerDeps {
  const { clock, ids, random, sealer, screener } = parts;
  return {
    ...{ clock, ids, random, sealer, screener },
    raiseAlert: raiseComplianceAlert,
    isScreened: async (tx, id) => (await readComplianceSettings(tx, id)).customerScreening,
    caseDuty: async (tx, { merchantId, customerId: id }) =>
      readCaseDuty(tx, merchantId, { type: 'customer', id }),
  };
}

function listenersFor(customers: CustomerDeps): CaseListener {
  const own = createCustomerCaseListener(customers);
  return {
    async caseDecided(tx, telling, decision) {
      await caseListener.caseDecided(tx, telling, decision);
      await own.caseDecided(tx, telling, decision);
    },
  };
}

function mayReview(clock: Clock) {
  return async (tx: Tx, keyId: Uuid): Promise<boolean> => {
    const scopes = await readValidScopes(tx, keyId, clock.nowMs());
    return coversScope(scopes, 'compliance:review');
  };
}
