import type { RiskBacktestJson, RiskLevel } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { ConfigVersion } from './config-store.ts';
import { decide } from './decide.ts';
import { readDecisions, type StoredDecision } from './decision-store.ts';
import type { RiskFacts } from './facts.ts';

/** Decisions that one backtest makes again, the newest: a few seconds of a request. */
export const MAX_BACKTESTED = 5_000;
const PAGE = 500;
/** Changes that are named one by one; the sums count all. */
const MAX_SHOWN = 100;

/**
 * Makes a store's past decisions again with another configuration, from the facts that they rest on.
 * Trials are left out: each payment counts once.
 */
export async function runBacktest(
  tx: Tx,
  config: ConfigVersion,
  made: { id: Uuid; by: string; nowMs: number },
): Promise<RiskBacktestJson> {
  const before = noLevels();
  const after = noLevels();
  const changes: RiskBacktestJson['changes'] = [];
  let changed = 0;
  let shallow = 0;
  let decisions = 0;
  let startingAfter: Uuid | undefined;
  let newest: StoredDecision | undefined;
  let oldest: StoredDecision | undefined;
  while (decisions < MAX_BACKTESTED) {
    const { merchantId } = config;
    const page = await readDecisions(tx, { merchantId, startingAfter, limit: PAGE });
    for (const stored of page) {
      if (stored.trial) continue;
      const facts = factsOf(stored);
      const outcome = decide(facts, config.config);
      decisions += 1;
      before[stored.level] += 1;
      after[outcome.level] += 1;
      if (facts.source !== null && facts.source.hops < config.config.hops) shallow += 1;
      newest ??= stored;
      oldest = stored;
      if (outcome.level === stored.level) continue;
      changed += 1;
      if (changes.length === MAX_SHOWN) continue;
      const { id: decisionId, paymentId } = stored;
      const levels = { before: stored.level, after: outcome.level };
      changes.push({ decisionId, paymentId, ...levels, score: outcome.score });
    }
    startingAfter = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  const time = (decision: StoredDecision | undefined) =>
    decision === undefined ? null : new Date(decision.decidedAtMs).toISOString();
  return {
    ...{ id: made.id, configVersion: config.version, decisions, shallow },
    ...{ from: time(oldest), to: time(newest), before, after, changes, changed },
    ...{ createdAt: new Date(made.nowMs).toISOString(), createdBy: made.by },
  };
}

/** Facts were written by this program as canonical JSON and their hash is checked by the database. */
export function factsOf({ facts }: Pick<StoredDecision, 'facts'>): RiskFacts {
  return JSON.parse(facts) as RiskFacts;
}

function noLevels(): Record<RiskLevel, number> {
  return { LOW: 0, MEDIUM: 0, HIGH: 0 };
}
