import { lightningNetworkOf, type Network } from '@quittance/bitcoin';
import type { Clock, Ids, Random } from '@quittance/kernel';
import type { Lightning } from '../receiving/lightning.ts';
import {
  advisePayout,
  orderAttempts,
  ATTEMPTS_CHANNEL,
  countOpenAttempts,
  createDoorbells,
  forgetOldBuckets,
  invoiceResolver,
  learnFromAttempts,
  openResolver,
  recoverAttempts,
  type ResolverSettings,
  trackAttempts,
  watchFailureRates,
  watchLatePayments,
} from '../../paying/lightning/index.ts';
import {
  attemptDepsOf,
  createLightningPayments,
  type LightningPayoutDeps,
  PROCESSORS_CHANNEL,
  type PayoutListener,
  type ScreenPayouts,
  wakeWaitingPayouts,
  watchOutbound,
} from '../../paying/payouts/index.ts';
import type { Gate } from '../../paying/guard/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import type { Metrics } from '../../platform/metrics/index.ts';
import type { AlertDeps } from '../../telling/notifications/index.ts';

/** Nobody rang: what is due over Lightning is looked for this often. */
const LOOK_EVERY_MS = 1_000;
/** Peers come back in seconds; a node is asked only while a payout waits for it. */
const WAKE_EVERY_MS = 5_000;
/** A strategy counts a payout's own attempts at once; others may learn of them a little later. */
const LEARN_EVERY_MS = 5_000;
/** What is forgotten is weeks old. */
const FORGET_EVERY_MS = 3_600_000;
/** Rates and balances move in minutes. */
const WATCH_EVERY_MS = 60_000;

export type LightningPayoutOptions = {
  network: Network;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Logger;
  metrics: Metrics;
  /** Which servers behind Lightning addresses may be asked; left out: public ones over https. */
  lightningAddresses?: ResolverSettings | undefined;
};

/** What a worker does for payouts over Lightning: begins, follows to the end, watches. */
export function useLightningPayouts(
  lifecycle: Lifecycle,
  options: LightningPayoutOptions,
  parts: {
    database: Database;
    lightning: Pick<Lightning, 'nodes'>;
    loops: Loop[];
    alerts: AlertDeps;
    listener: PayoutListener;
    gate: Gate;
    screen: ScreenPayouts;
  },
): void {
  const { clock, log, metrics } = options;
  const { database, loops, alerts, gate } = parts;
  const resolver = openResolver(options.lightningAddresses);
  lifecycle.use('lightning addresses', () => ({ stop: () => resolver.close() }));
  const deps = payoutDeps(options, parts, { resolve: invoiceResolver(resolver) });
  lifecycle.use('lightning payouts', () => {
    let ring = () => {};
    const payments = createLightningPayments(deps, () => ring());
    const loop = startLoop({
      name: 'lightning payouts',
      everyMs: LOOK_EVERY_MS,
      run: async (signal) => {
        // Expiry frees money, so it goes on whatever holds payments back.
        if ((await gate.closedBecause()) !== null) return await payments.expire(signal);
        return await payments.runDue(signal);
      },
      wake(on) {
        ring = on;
        return database.listen(PROCESSORS_CHANNEL, { message: on, gap: on });
      },
      onError: (error) => log.warn({ error }, 'Lightning payouts can not be begun'),
      clock,
    });
    loops.push(loop);
    return {
      async stop() {
        await loop.stop();
        await payments.settle();
      },
    };
  });
  lifecycle.use('lightning waiting', () => {
    const loop = startLoop({
      name: 'lightning waiting',
      everyMs: WAKE_EVERY_MS,
      run: (signal) => wakeWaitingPayouts(deps, signal),
      onError: (error) => log.warn({ error }, 'waiting Lightning payouts can not be looked at'),
      clock,
    });
    loops.push(loop);
    return loop;
  });
  useTracking(lifecycle, options, { ...parts, deps });
  useLearning(lifecycle, options, parts);
  lifecycle.use('lightning watch', () => {
    const loop = startLoop({
      name: 'lightning watch',
      everyMs: WATCH_EVERY_MS,
      run: async () => {
        await watchFailureRates({ ...alerts, database });
        await watchOutbound({ ...alerts, database, nodes: deps.nodes });
      },
      onError: (error) => log.warn({ error }, 'Lightning payments can not be watched'),
      clock,
    });
    loops.push(loop);
    return loop;
  });
  metrics.registerSource('lightning attempts', async () => {
    const open = await database.asSystem((tx) => countOpenAttempts(tx, clock.nowMs()));
    return open.flatMap(({ answer, count, oldestAgeMs }) => [
      { name: 'quittance_lightning_attempts_open', labels: { answer }, value: count } as const,
      {
        name: 'quittance_lightning_attempt_oldest_seconds',
        labels: { answer },
        value: oldestAgeMs / 1_000,
      } as const,
    ]);
  });
}

/** Learns from what has ended, and forgets. */
function useLearning(
  lifecycle: Lifecycle,
  { clock, log }: LightningPayoutOptions,
  { database, loops }: { database: Database; loops: Loop[] },
): void {
  lifecycle.use('lightning prediction', () => {
    let forgottenAtMs = Number.NEGATIVE_INFINITY;
    const loop = startLoop({
      name: 'lightning prediction',
      everyMs: LEARN_EVERY_MS,
      async run(signal) {
        if (clock.nowMs() - forgottenAtMs > FORGET_EVERY_MS) {
          await forgetOldBuckets({ database, clock });
          forgottenAtMs = clock.nowMs();
        }
        return await learnFromAttempts({ database, clock }, signal);
      },
      onError: (error) => log.warn({ error }, 'Lightning attempts can not be learnt from'),
      clock,
    });
    loops.push(loop);
    return loop;
  });
}

/** Follows what is open until it has ended, whoever began it; asking is never held back. */
function useTracking(
  lifecycle: Lifecycle,
  { clock, log }: LightningPayoutOptions,
  {
    database,
    loops,
    alerts,
    deps,
  }: { database: Database; loops: Loop[]; alerts: AlertDeps; deps: LightningPayoutDeps },
): void {
  const attempts = attemptDepsOf(deps);
  lifecycle.use('lightning attempts', () => {
    let hasRecovered = false;
    let ring = () => {};
    const bells = createDoorbells(attempts, () => ring());
    const loop = startLoop({
      name: 'lightning attempts',
      everyMs: LOOK_EVERY_MS,
      async run(signal) {
        if (!hasRecovered) await recoverAttempts(attempts);
        hasRecovered = true;
        await bells.refresh();
        const late = await watchLatePayments({ ...attempts, alerts }, signal);
        return (await trackAttempts(attempts, signal)) ?? late;
      },
      wake(on) {
        ring = on;
        return database.listen(ATTEMPTS_CHANNEL, { message: on, gap: on });
      },
      onError: (error) => log.warn({ error }, 'Lightning payments can not be followed'),
      clock,
    });
    loops.push(loop);
    return {
      async stop() {
        bells.stop();
        await loop.stop();
      },
    };
  });
}

function payoutDeps(
  options: LightningPayoutOptions,
  parts: {
    database: Database;
    lightning: Pick<Lightning, 'nodes'>;
    alerts: AlertDeps;
    listener: PayoutListener;
    screen: ScreenPayouts;
  },
  { resolve }: Pick<LightningPayoutDeps, 'resolve'>,
): LightningPayoutDeps {
  const { clock, ids, random, log, metrics } = options;
  const { database, lightning, alerts, listener, screen } = parts;
  return {
    ...{ database, clock, ids, random, log, listener, resolve, screen },
    network: lightningNetworkOf(options.network),
    nodes: lightning.nodes,
    advise: (tx, payout, asked) =>
      advisePayout(tx, { ...payout, payoutId: payout.id, ...payout.lightning }, asked),
    order: orderAttempts,
    readAudience: alerts.readAudience,
    notices: {
      ended: (outcome, origin) =>
        metrics.count('quittance_lightning_attempts_total', { outcome, origin }),
    },
  };
}
