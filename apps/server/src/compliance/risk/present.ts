import {
  type RiskBacktestJson,
  type RiskConfigVersionJson,
  type RiskDecisionJson,
  riskOutcomeSchema,
} from '@quittance/contract';
import { factsOf } from './backtest.ts';
import type { ConfigVersion } from './config-store.ts';
import type { StoredDecision } from './decision-store.ts';

const iso = (ms: number) => new Date(ms).toISOString();
const isoOrNull = (ms: number | null) => (ms === null ? null : iso(ms));

export function configJson(
  version: ConfigVersion,
  lastBacktest: RiskBacktestJson | null,
): RiskConfigVersionJson {
  return {
    ...{ version: version.version, state: version.state, note: version.note },
    config: version.config,
    ...{ createdAt: iso(version.createdAtMs), createdBy: version.createdBy },
    ...{ shadowedAt: isoOrNull(version.shadowedAtMs), shadowedBy: version.shadowedBy },
    ...{ activatedAt: isoOrNull(version.activatedAtMs), activatedBy: version.activatedBy },
    ...{ retiredAt: isoOrNull(version.retiredAtMs), lastBacktest },
  };
}

export function decisionJson(stored: StoredDecision): RiskDecisionJson {
  const outcome = riskOutcomeSchema.parse(JSON.parse(stored.outcome));
  return {
    ...{ id: stored.id, paymentId: stored.paymentId, orderId: stored.orderId },
    ...{ mode: stored.mode, trial: stored.trial, configVersion: stored.configVersion },
    engine: stored.engine,
    ...outcome,
    // JSON by its type, and out of JSON; the contract only names it more generally.
    facts: factsOf(stored) as unknown as RiskDecisionJson['facts'],
    ...{ factsHash: stored.factsHash, caseId: stored.caseId, decidedAt: iso(stored.decidedAtMs) },
  };
}
