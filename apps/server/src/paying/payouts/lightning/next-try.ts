import {
  defaultLightningStrategies,
  type LightningFailureClass,
  type LightningProcessorSettings,
  type LightningStrategy,
  lightningStrategySchema,
  type PayoutPolicy,
} from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import {
  type Attempt,
  decide,
  OWN_PEER_CODES,
  type StrategyAdvice,
  type StrategyDecision,
  type StrategyHistory,
} from '../../lightning/index.ts';
import type { LightningPayout, PayoutReason } from '../payout.ts';

/** Holders of a card, and whoever draws from a pull payment, stand there and wait. */
const WAITING_SOURCES: ReadonlySet<string> = new Set(['card', 'pull_payment']);

/** Which strategy a payout follows: its own, else its source's, the processor's, the store's. */
export function strategyOf(
  { lightning, source }: Pick<LightningPayout, 'lightning' | 'source'>,
  rules: {
    processor: Pick<LightningProcessorSettings, 'strategy'> | undefined;
    policy: Pick<PayoutPolicy, 'lightning'>;
  },
): LightningStrategy {
  if (lightning.strategy !== null) return lightning.strategy;
  if (WAITING_SOURCES.has(source)) return usual('fast_fail');
  return rules.processor?.strategy ?? rules.policy.lightning.strategy ?? usual('tiered');
}

function usual(kind: 'fast_fail' | 'tiered'): LightningStrategy {
  return lightningStrategySchema.parse(defaultLightningStrategies[kind]);
}

/** Asks the strategy what to do with an approved payout now. Pure. */
export function decideFor(
  strategy: LightningStrategy,
  payout: LightningPayout,
  world: {
    attempts: readonly Attempt[];
    nowMs: number;
    sendableMsat: Msats | null;
    advice: StrategyAdvice | null;
  },
): StrategyDecision {
  const { amountMsat, lightning } = payout;
  return decide(strategy, historyOf(payout, world.attempts), world.nowMs, {
    amountMsat,
    maxFeeMsat: lightning.feeLimitMsat,
    expiresAtMs: lightning.expiresAtMs,
    sendableMsat: world.sendableMsat,
    advice: world.advice,
  });
}

export function historyOf(payout: LightningPayout, attempts: readonly Attempt[]): StrategyHistory {
  return {
    startedAtMs: payout.approvedAtMs ?? payout.createdAtMs,
    requestedAtMs: payout.payRequest?.atMs ?? null,
    attempts: attempts.map(({ startedAtMs, endedAtMs, failure, feeLimitMsat }) => ({
      startedAtMs,
      endedAtMs,
      failureClass: failure?.failureClass ?? null,
      feeLimitMsat,
      isOwnPeer: failure !== null && OWN_PEER_CODES.includes(failure.code),
    })),
  };
}

/** Why a payout has failed when its strategy gives up. */
export function reasonOfGivingUp(
  decision: Extract<StrategyDecision, { action: 'give_up' }>,
): PayoutReason {
  const { reason, failureClass } = decision;
  return reason === 'not_retryable' ? (failureClass ?? 'invalid') : reason;
}

/** What a decision after a failed attempt means for the payout. */
export function nextTryOf(
  decision: StrategyDecision,
  failureClass: LightningFailureClass,
  nowMs: number,
): { reason: PayoutReason; next: { notBeforeMs: number } | null } {
  switch (decision.action) {
    case 'give_up':
      return { reason: reasonOfGivingUp(decision), next: null };
    case 'wait':
      return { reason: failureClass, next: { notBeforeMs: decision.untilMs } };
    case 'send':
      return { reason: failureClass, next: { notBeforeMs: nowMs } };
  }
}
