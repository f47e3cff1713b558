import { isUuid } from '@quittance/kernel';
import {
  countOpenPayouts,
  PROCESSORS_CHANNEL,
  type PayoutListener,
  type ProcessorDeps,
  runDuePayouts,
  type ScreenPayouts,
  watchStuckPayouts,
} from '../../paying/payouts/index.ts';
import type { MoneyOut } from './money-out.ts';
import { heldBecause, readGuard } from '../../paying/guard/index.ts';
import type { ServerApprover } from '../../paying/spends/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import type { Metrics } from '../../platform/metrics/index.ts';
import type { Database } from '../../platform/db/index.ts';
import {
  type AlertDeps,
  raiseAlert,
  readOpenSubjects,
  resolveAlert,
} from '../../telling/notifications/index.ts';

/** Nobody rang: processors that are due are looked for this often. */
const LOOK_EVERY_MS = 1_000;
/** Policies count in minutes. */
const STUCK_EVERY_MS = 60_000;

/** What a worker does for payouts: it pays what is due and watches for what stands still. */
export function usePayouts(
  lifecycle: Lifecycle,
  options: { log: Logger; metrics: Metrics },
  parts: {
    out: MoneyOut;
    loops: Loop[];
    alerts: AlertDeps;
    listener: PayoutListener;
    approver: ServerApprover | null;
    screen: ScreenPayouts;
  },
): void {
  const { log, metrics } = options;
  const { out, loops, alerts, listener, approver, screen } = parts;
  const { database, clock, ids, random, fees } = out.spends;
  const deps: ProcessorDeps = {
    ...{ database, clock, ids, random, fees, listener, approver, log, screen },
    readAudience: alerts.readAudience,
    notices: {
      ran: (outcome, origin) => metrics.count('quittance_payout_runs_total', { outcome, origin }),
      paid: (count, origin) => metrics.count('quittance_payouts_begun_total', { origin }, count),
    },
  };
  lifecycle.use('payouts', () => {
    const loop = startLoop({
      name: 'payouts',
      everyMs: LOOK_EVERY_MS,
      run: async (signal) => {
        if ((await out.gate.closedBecause()) !== null) return;
        return await runDuePayouts(deps, signal);
      },
      wake: (ring) => database.listen(PROCESSORS_CHANNEL, { message: ring, gap: ring }),
      onError: (error) => log.warn({ error }, 'payouts can not be worked on'),
      clock,
    });
    loops.push(loop);
    return loop;
  });
  lifecycle.use('stuck payouts', () => {
    const loop = startLoop({
      name: 'stuck payouts',
      everyMs: STUCK_EVERY_MS,
      run: async () => {
        await tellHold(database, alerts);
        await tellReleased(database, alerts);
        await watchStuckPayouts({ ...alerts, database });
      },
      onError: (error) => log.warn({ error }, 'payouts can not be watched'),
      clock,
    });
    loops.push(loop);
    return loop;
  });
  metrics.registerSource('payouts', async () => {
    const open = await database.asSystem((tx) => countOpenPayouts(tx, clock.nowMs()));
    return open.flatMap(({ state, count, oldestAgeMs }) => [
      { name: 'quittance_payouts_open', labels: { state }, value: count } as const,
      {
        name: 'quittance_payout_oldest_seconds',
        labels: { state },
        value: oldestAgeMs / 1_000,
      } as const,
    ]);
  });
}

/** Says that a wallet's payments go on when the operator has let everything go on. */
async function tellReleased(database: Database, alerts: AlertDeps): Promise<void> {
  await database.asSystem(async (tx) => {
    for (const { merchantId, subject } of await readOpenSubjects(tx, 'payouts_held')) {
      if (!isUuid(subject) || (await heldBecause(tx, subject)) !== null) continue;
      await resolveAlert(tx, alerts, { merchantId, kind: 'payouts_held', subject });
    }
  });
}

/** Tells the operator while everything that pays out is held, and that it goes on. */
async function tellHold(database: Database, alerts: AlertDeps): Promise<void> {
  const about = { merchantId: null, kind: 'payouts_held', subject: 'instance' } as const;
  await database.asSystem(async (tx) => {
    const { heldReason: reason } = await readGuard(tx);
    if (reason === null) await resolveAlert(tx, alerts, about);
    else await raiseAlert(tx, alerts, { ...about, severity: 'critical', facts: { reason } });
  });
}
