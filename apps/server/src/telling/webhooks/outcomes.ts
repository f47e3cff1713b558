import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import {
  type Claimed,
  type EndpointHealth,
  giveUpOld,
  type Outcome,
  recordOutcomes,
  restEndpoints,
  updateHealth,
} from './queue-store.ts';
import { RETRY_WINDOW_MS, restMs, retryDelayMs } from './schedule.ts';
import type { Attempt } from './send.ts';

/** Rows that one write gives up at most; a dead endpoint's long queue takes several. */
const GIVE_UP_ROWS = 5_000;
const GONE_STATUS = 410;

/** What an attempt means for its delivery. Pure. @param chance uniform in [0, 1) */
export function decideOutcome(decided: {
  claimed: Claimed;
  attempt: Attempt;
  startedAtMs: number;
  durationMs: number;
  nowMs: number;
  chance: number;
}): Outcome {
  const { claimed, attempt, startedAtMs, durationMs, nowMs, chance } = decided;
  const delayMs = retryDelayMs(claimed.attempt, chance);
  const over = attempt.gone || delayMs === undefined;
  return {
    claimed,
    startedAtMs,
    durationMs,
    state: attempt.ok ? 'delivered' : over ? 'failed' : 'pending',
    nextAttemptAtMs: nowMs + (delayMs ?? 0),
    status: attempt.status,
    error: attempt.error,
    response: attempt.response,
  };
}

/**
 * Writes outcomes and what they say about their endpoints, in one transaction. A delivery is given
 * up for its age only after a fresh failure of an endpoint that has failed for the whole time, so
 * that a pause of this server never costs a delivery.
 * @returns the endpoints that answered 410 and are switched off now
 */
export async function writeOutcomes(
  tx: Tx,
  write: { outcomes: readonly Outcome[]; nowMs: number; chance: () => number },
): Promise<Uuid[]> {
  const { outcomes, nowMs } = write;
  await recordOutcomes(tx, outcomes, nowMs);
  const health = summarise(outcomes);
  const failing = await updateHealth(tx, health, nowMs);
  const rests = failing.flatMap(({ id, consecutiveFailures }) => {
    const forMs = restMs(consecutiveFailures, write.chance());
    return forMs === 0 ? [] : [{ id, untilMs: nowMs + forMs }];
  });
  if (rests.length > 0) await restEndpoints(tx, rests);
  const beforeMs = nowMs - RETRY_WINDOW_MS;
  const dead = failing.filter(({ failingSinceMs }) => failingSinceMs < beforeMs);
  if (dead.length > 0) {
    const endpointIds = dead.map(({ id }) => id);
    await giveUpOld(tx, { endpointIds, beforeMs, nowMs, limit: GIVE_UP_ROWS });
  }
  return health.filter(({ gone }) => gone).map(({ endpointId }) => endpointId);
}

function summarise(outcomes: readonly Outcome[]): EndpointHealth[] {
  const health = new Map<Uuid, EndpointHealth>();
  for (const { claimed, state, status } of outcomes) {
    const { endpointId } = claimed;
    const known = health.get(endpointId);
    const one = known ?? { endpointId, failures: 0, succeeded: false, gone: false };
    health.set(endpointId, {
      endpointId,
      failures: one.failures + (state === 'delivered' ? 0 : 1),
      succeeded: one.succeeded || state === 'delivered',
      gone: one.gone || status === GONE_STATUS,
    });
  }
  return [...health.values()];
}
