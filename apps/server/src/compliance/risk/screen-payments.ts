import type { Clock, Ids } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { growingDelayMs, type Loop, startLoop } from '../../platform/loops/index.ts';
import { SCREENING_DUE_CHANNEL } from '../../receiving/payments/index.ts';
import {
  type AlertDeps,
  raiseAlert,
  readOpenSubjects,
  resolveAlert,
} from '../../telling/notifications/index.ts';
import type { Screener } from '../screening/index.ts';
import { readRunningConfigs, type RunningConfigs } from './config-store.ts';
import { type Decided, decidePayment } from './decide-payment.ts';
import { gatherChainFacts } from './gather-facts.ts';
import { hourOf } from './history.ts';
import { pruneSources } from './history-store.ts';
import {
  type Claim,
  claimPayments,
  postponeClaim,
  readStuck,
  type TakenOn,
} from './queue-store.ts';
import type { ReadTransactions } from './trace/traced-transaction.ts';

/** Payments that one round takes on; a trace may take a second each. */
const CLAIMED_AT_ONCE = 20;
/** Longer than a trace of the most transactions takes: after it another worker takes over. */
const LEASE_MS = 120_000;
/** A doorbell that was lost delays a decision by no more than this. */
const LOOK_EVERY_MS = 2_000;
/** The first pause after a failure, doubled to at most a minute: nodes restart within it. */
const RETRY = { firstMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.1 };
/** A payment that waits longer than a node's restart takes is told to a person. */
const STUCK_AFTER_MS = 300_000;
const STUCK_CHECK_EVERY_MS = 30_000;
/** Old rows that one round removes at most. */
const PRUNED_AT_ONCE = 5_000;
const MAX_ERROR = 300;

export type ScreeningDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  screener: Screener;
  read: ReadTransactions;
  /** Uniform in [0, 1), for jitter. */
  chance(): number;
  /** Told of each decision. */
  onDecided?(decided: Decided): void;
  onError(error: unknown): void;
};

/**
 * Takes on payments that wait for a decision, a few at a time, and decides about each. One that can
 * not be decided now, since the node is away or does not know its transaction yet, waits and is tried
 * again: never let through, never guessed.
 * @returns how many were taken on: as many as go at once means that more may be waiting
 */
export async function screenPayments(deps: ScreeningDeps, signal?: AbortSignal): Promise<number> {
  const claims = await claim(deps);
  for (const taken of claims) {
    if (signal?.aborted === true) break;
    try {
      await screen(deps, taken);
    } catch (error) {
      deps.onError(error);
      await postpone(deps, taken, error instanceof Error ? error.message : String(error));
    }
  }
  return claims.length;
}

/** In one round trip: it leaves with the transaction's beginning and end. */
async function claim({ database, clock }: ScreeningDeps): Promise<readonly TakenOn[]> {
  const asked = { nowMs: clock.nowMs(), leaseMs: LEASE_MS, limit: CLAIMED_AT_ONCE };
  let taken: readonly TakenOn[] = [];
  await database.asSystem(async (tx) => {
    tx.atCommit(() => [
      claimPayments(tx, asked).then((claimed) => {
        taken = claimed;
      }),
    ]);
  });
  return taken;
}

async function screen(deps: ScreeningDeps, taken: TakenOn): Promise<void> {
  const { database, clock, ids } = deps;
  const { active, shadow } = taken.running ?? (await beginConfigs(deps, taken));
  const configs = shadow === null ? [active] : [active, shadow];
  const known = taken.payment;
  const chain = await gatherChainFacts(known, {
    ...deps,
    configs: configs.map(({ config }) => config),
  });
  if (chain === null)
    return await postpone(deps, taken, 'the transaction is not known to the node');
  const decided = await decidePayment(database, { ids, nowMs: clock.nowMs() }, { known, chain });
  if (decided !== null) deps.onDecided?.(decided);
}

/** A store's first payment: what it begins with is written down. */
async function beginConfigs(
  { database, clock }: ScreeningDeps,
  { merchantId }: Claim,
): Promise<RunningConfigs> {
  return await database.asSystem((tx) =>
    readRunningConfigs(tx, { merchantId, nowMs: clock.nowMs() }),
  );
}

async function postpone(deps: ScreeningDeps, claim: Claim, reason: string): Promise<void> {
  const pauseMs = growingDelayMs(claim.attempts - 1, deps.chance(), RETRY);
  const dueAtMs = deps.clock.nowMs() + pauseMs;
  const error = reason.slice(0, MAX_ERROR);
  await deps.database.asSystem((tx) => postponeClaim(tx, claim, { dueAtMs, error }));
}

/** Raises an alert for each store whose payments wait for long, and ends it when they do not. */
export async function watchStuck(
  { database, clock }: Pick<ScreeningDeps, 'database' | 'clock'>,
  alerts: AlertDeps,
): Promise<Set<string>> {
  return await database.asSystem(async (tx) => {
    const stuck = await readStuck(tx, clock.nowMs() - STUCK_AFTER_MS);
    const kind = 'risk_screening_stuck' as const;
    for (const { merchantId, payments, error } of stuck) {
      const key = { merchantId, kind, subject: 'screening' };
      const facts = { payments: String(payments), reason: error ?? 'unknown' };
      await raiseAlert(tx, alerts, { ...key, severity: 'warning', facts });
    }
    const now = new Set(stuck.map(({ merchantId }) => merchantId));
    // Also those that another worker, or this one before it was started again, has raised.
    for (const { merchantId, subject } of await readOpenSubjects(tx, kind)) {
      if (!now.has(merchantId)) await resolveAlert(tx, alerts, { merchantId, kind, subject });
    }
    return now;
  });
}

/** The worker's loop. Any number of workers may run it: claims keep them apart. */
export function startScreening(deps: ScreeningDeps & { alerts: AlertDeps }): Loop {
  const { database, clock } = deps;
  let lookedAtMs = 0;
  return startLoop({
    name: 'risk',
    everyMs: LOOK_EVERY_MS,
    async run(signal) {
      const taken = await screenPayments(deps, signal);
      const nowMs = clock.nowMs();
      if (nowMs - lookedAtMs >= STUCK_CHECK_EVERY_MS) {
        lookedAtMs = nowMs;
        await watchStuck(deps, deps.alerts);
        await database.asSystem((tx) => pruneSources(tx, hourOf(nowMs), PRUNED_AT_ONCE));
      }
      return taken === CLAIMED_AT_ONCE ? 'again' : undefined;
    },
    wake: (ring) => database.listen(SCREENING_DUE_CHANNEL, { message: ring, gap: ring }),
    onError: deps.onError,
    clock,
  });
}
