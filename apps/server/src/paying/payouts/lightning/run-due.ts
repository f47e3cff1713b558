import { createAttemptListener } from './attempt-listener.ts';
import type { LightningPayoutDeps, OwnPayout } from './deps.ts';
import { readPayoutsOfPayer, readRequestedPayouts } from './due-store.ts';
import { expireLightningPayouts } from './expire-payouts.ts';
import { type Payer, payLightningPayout } from './pay-payout.ts';
import { type LightningPayer, readActivePayers, writePayerRun } from './processor-store.ts';

/** Payments that one process waits for at the same time; each is a request to a node. */
const MAX_UNDER_WAY = 100;
/**
 * Payouts beyond the concurrency that the order is chosen among, those that have waited longest: naming
 * an invoice's node takes about a millisecond.
 */
const MORE_TO_CHOOSE_FROM = 100;
/** Processors that one round takes up. */
const PAYERS_PER_ROUND = 100;

/** What is begun by one process: rounds start payments, nobody waits for the slow ones. */
export type LightningPayments = {
  /** Ends what has expired and begins what is due. @returns 'again' when more may be waiting */
  runDue(signal: AbortSignal): Promise<'again' | void>;
  /** Only ends what has expired. */
  expire(signal: AbortSignal): Promise<'again' | void>;
  /** Resolves when everything that was begun here has its answer. */
  settle(): Promise<void>;
};

/**
 * Begins payments over Lightning: what people and cards want paid now, then what processors may.
 * @param onSettled rung when one has its answer: the next may be begun
 */
export function createLightningPayments(
  deps: LightningPayoutDeps,
  onSettled: () => void = () => {},
): LightningPayments {
  const underWay = new Map<string, Promise<void>>();

  function start(own: OwnPayout, payer: Payer): void {
    if (underWay.has(own.id) || underWay.size >= MAX_UNDER_WAY) return;
    const done = payLightningPayout(deps, own, payer)
      .then(() => undefined)
      .catch((error: unknown) => {
        deps.log.error({ error, ...own, ...payer }, 'a Lightning payout could not be worked on');
      })
      .finally(() => {
        underWay.delete(own.id);
        onSettled();
      });
    underWay.set(own.id, done);
  }

  /** As many as may be begun at once; the best first when more are waiting. */
  async function chooseDue(
    { merchantId, settings }: LightningPayer,
    { nowMs, withNew }: { nowMs: number; withNew: boolean },
  ): Promise<readonly OwnPayout[]> {
    const { concurrency } = settings;
    const limit = deps.order === undefined ? concurrency : concurrency + MORE_TO_CHOOSE_FROM;
    return await deps.database.asSystem(async (tx) => {
      const due = await readPayoutsOfPayer(tx, { merchantId, nowMs, withNew, limit });
      if (due.length <= concurrency || deps.order === undefined) return due;
      return (await deps.order(tx, merchantId, { due, nowMs })).slice(0, concurrency);
    });
  }

  async function runPayer(payer: LightningPayer): Promise<void> {
    const nowMs = deps.clock.nowMs();
    const { id: processorId, settings } = payer;
    const withNew = payer.dueAtMs <= nowMs;
    const due = await chooseDue(payer, { nowMs, withNew });
    for (const own of due) start(own, { origin: 'processor_auto', processorId });
    // One that pays at once has no run to write down when there was nothing to begin.
    if (!withNew || (due.length === 0 && settings.intervalSeconds === 0)) return;
    const dueAtMs = nowMs + settings.intervalSeconds * 1_000;
    const outcome = due.length > 0 ? 'paid' : 'nothing_to_do';
    // With more than it may begin at once it goes on, whatever its interval.
    const isMore = due.length === settings.concurrency;
    const next = { dueAtMs: isMore ? nowMs : dueAtMs, nowMs, outcome };
    await deps.database.asSystem((tx) => writePayerRun(tx, payer, next));
  }

  return {
    async runDue(signal) {
      const more = await expireLightningPayouts(deps, signal);
      const nowMs = deps.clock.nowMs();
      const limit = MAX_UNDER_WAY - underWay.size;
      const asked = await deps.database.asSystem((tx) =>
        readRequestedPayouts(tx, { nowMs, limit }),
      );
      for (const own of asked) start(own, { origin: 'manual', processorId: null });
      const payers = await deps.database.asSystem((tx) => readActivePayers(tx, PAYERS_PER_ROUND));
      for (const payer of payers) {
        if (signal.aborted) return;
        await runPayer(payer);
      }
      return more;
    },
    expire: (signal) => expireLightningPayouts(deps, signal),
    async settle() {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
  };
}

/** The listener of attempts that belongs to these payouts. */
export function attemptDepsOf(deps: LightningPayoutDeps) {
  return { ...deps, listener: createAttemptListener(deps) };
}
