import type { RiskConfig, RiskOutcome } from '@quittance/contract';
import { assert } from '@quittance/kernel';
import { canonicalJson } from '../../platform/http/index.ts';
import type { RiskFacts } from './facts.ts';
import { amountFactor } from './factors/amount.ts';
import type { Factor } from './factors/factor.ts';
import { ageFactor, refundedFactor, velocityFactor } from './factors/behaviour.ts';
import {
  coinjoinFactor,
  dustSprayFactor,
  peelChainFactor,
  replacedFactor,
} from './factors/shape.ts';
import { blacklistFactor, labelFactor, unknownSourceFactor } from './factors/source.ts';

/** In the order in which reasons are given. */
const FACTORS: readonly Factor[] = [
  blacklistFactor,
  labelFactor,
  amountFactor,
  velocityFactor,
  ageFactor,
  coinjoinFactor,
  peelChainFactor,
  dustSprayFactor,
  replacedFactor,
  refundedFactor,
  unknownSourceFactor,
];

export const MAX_SCORE = 100;

/** The rules of this file. What other rules decided stays with them: add, never change. */
export const ENGINE = 1;

/**
 * Score, level, action and reasons from facts and a configuration alone: whole numbers, no clock, no
 * I/O, so that the same input gives the same bytes for ever. Reasons add up to the score.
 */
export function decide(facts: RiskFacts, config: RiskConfig): RiskOutcome {
  const reasons = FACTORS.flatMap((factor) => factor(facts, config)).filter(
    ({ points }) => points > 0,
  );
  const sum = reasons.reduce((total, { points }) => total + points, 0);
  const score = Math.min(sum, MAX_SCORE);
  if (sum > MAX_SCORE) {
    const text = `Together ${sum} points; a score is at most ${MAX_SCORE}.`;
    reasons.push({ factor: 'limit', points: MAX_SCORE - sum, text });
  }
  const { review, reject } = config.thresholds;
  if (score >= reject) return { score, level: 'HIGH', action: 'reject', reasons };
  if (score >= review) return { score, level: 'MEDIUM', action: 'review', reasons };
  return { score, level: 'LOW', action: 'approve', reasons };
}

/** The bytes of an outcome as they are stored and compared. */
export function outcomeText(outcome: RiskOutcome): string {
  return canonicalJson(outcome);
}

/**
 * Decides again what was decided, by the rules that it was decided with.
 * @param stored facts as they were written
 */
export function replay(stored: { engine: number; facts: RiskFacts; config: RiskConfig }): string {
  assert(stored.engine === ENGINE, 'replay: rules of this number are not known');
  return outcomeText(decide(stored.facts, stored.config));
}
