import { decodeBolt11, type Network, verifyMessage, verifyNodeMessage } from '@quittance/bitcoin';
import { coversScope } from '@quittance/contract';
import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import {
  addCaseRoutes,
  type CaseListener,
  raiseComplianceAlert,
  readCaseDuty,
  redactCasesOfCustomer,
} from '../../compliance/cases/index.ts';
import {
  addCustomerRoutes,
  createCustomerCaseListener,
  type CustomerDeps,
  type PartyScreener,
  readCustomerProfile,
} from '../../compliance/customers/index.ts';
import {
  addFilingRoutes,
  openFilingValidator,
  readFilingDuty,
} from '../../compliance/filings/index.ts';
import { addComplianceReportRoutes } from '../../compliance/reports/index.ts';
import { addMonitoringRoutes } from '../../compliance/monitoring/index.ts';
import { createPayoutCaseListener } from '../../compliance/payout-holds/index.ts';
import { addRiskRoutes, riskCaseListener } from '../../compliance/risk/index.ts';
import {
  addListRoutes,
  addScreenRoutes,
  addVersionRoutes,
  type Screener,
} from '../../compliance/screening/index.ts';
import {
  addComplianceSettingsRoutes,
  readComplianceSettings,
} from '../../compliance/settings/index.ts';
import { addTravelRuleRoutes, addTrpRoutes } from '../../compliance/travel-rule/index.ts';
import type { PayoutDeps, PayoutListener } from '../../paying/payouts/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { HttpApp } from '../../platform/http/index.ts';
import { openOutboundPoster, type UrlPolicy } from '../../platform/outbound/index.ts';
import type { Sealer } from '../../platform/sealing/index.ts';
import { forgetOrderTexts } from '../../receiving/orders/index.ts';
import { recordAudit } from '../../tenancy/audit/index.ts';
import { readValidScopes, samePersonAs } from '../../tenancy/keys/index.ts';
import { readMerchant } from '../../tenancy/merchants/index.ts';

export type ComplianceParts = {
  database: Database;
  clock: Clock;
  ids: Ids;
  network: Network;
  random: Random;
  http: { publicUrl: string };
  screener: Screener;
  /** Seals what says who customers are. */
  sealer: Sealer;
  /** Which servers may be called: stores' identity providers, other providers of the Travel Rule. */
  urlPolicy: UrlPolicy;
  filingSchemas?: string | null;
  /** Told of payouts that a case's decision ends. */
  payoutListener: PayoutListener;
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
  addFilingRoutes(app, {
    ...{ ...common, network: parts.network, samePersonAs },
    readCustomer: (tx, own) => readCustomerProfile(tx, parts, own),
    validator: openFilingValidator(parts.filingSchemas ?? null),
  });
  addTravelRule(app, parts);
  addComplianceReportRoutes(app, { ...common, readStoreName });
  addRiskRoutes(app, common);
  addMonitoringRoutes(app, { ...common, samePersonAs });
  const customers = customerDeps(parts);
  const { network, payoutListener } = parts;
  const listener = listenersFor(customers, { network, listener: payoutListener });
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
    caseDuty: readDuty,
    forgetOrderTexts,
    redactCases: redactCasesOfCustomer,
  };
}

/** What cases and reports ask to be kept of a customer, together. */
async function readDuty(tx: Tx, which: { merchantId: Uuid; customerId: Uuid }) {
  const cases = await readCaseDuty(tx, which);
  const filings = await readFilingDuty(tx, which);
  const ends = [cases.lastClosedAtMs, filings.lastEndedAtMs].filter((ms) => ms !== null);
  return {
    open: cases.open || filings.open,
    lastClosedAtMs: ends.length === 0 ? null : Math.max(...ends),
  };
}

/** Everybody who is told of decisions, one after the other, in the transaction that decides. */
function listenersFor(customers: CustomerDeps, payouts: PayoutDeps): CaseListener {
  // In the order in which all locks are taken: payouts, then customers.
  const listeners = [
    riskCaseListener,
    createPayoutCaseListener(payouts),
    createCustomerCaseListener(customers),
  ];
  return {
    async lock(tx, decision) {
      for (const listener of listeners) await listener.lock(tx, decision);
    },
    async caseDecided(tx, telling, decision) {
      for (const listener of listeners) await listener.caseDecided(tx, telling, decision);
    },
  };
}

function addTravelRule(app: HttpApp, parts: ComplianceParts): void {
  const { database, clock, ids, random, network, urlPolicy } = parts;
  const poster = openOutboundPoster({ policy: urlPolicy });
  app.addHook('onClose', () => poster.close());
  const deps = {
    ...{ database, clock, ids, random, poster, publicUrl: parts.http.publicUrl },
    verifyProof(signed: { message: string; address: string; signature: string }) {
      const invoice = decodeBolt11(signed.address);
      if (invoice.ok) return verifyNodeMessage({ ...signed, node: invoice.invoice.payee });
      return verifyMessage({ ...signed, network }).ok;
    },
  };
  addTravelRuleRoutes(app, { ...deps, recordAudit });
  addTrpRoutes(app, deps);
}

async function readStoreName(tx: Tx, merchantId: Uuid): Promise<string> {
  const { name, settings } = await readMerchant(tx, merchantId);
  return settings.storeName ?? name;
}

function mayReview(clock: Clock) {
  return async (tx: Tx, keyId: Uuid): Promise<boolean> => {
    const scopes = await readValidScopes(tx, keyId, clock.nowMs());
    return coversScope(scopes, 'compliance:review');
  };
}
