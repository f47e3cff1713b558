import { lightningNetworkOf, type Network } from '@quittance/bitcoin';
import type { Clock, Ids, Random } from '@quittance/kernel';
import type { Lightning } from './lightning.ts';
import {
  ATTEMPTS_CHANNEL,
  countOpenAttempts,
  createDoorbells,
  invoiceResolver,
  recoverAttempts,
  trackAttempts,
  watchFailureRates,
} from './paying/lightning/index.ts';
import {
  attemptDepsOf,
  createLightningPayments,
  type LightningPayoutDeps,
  PROCESSORS_CHANNEL,
  type PayoutListener,
  watchOutbound,
} from './paying/payouts/index.ts';
import type { Gate } from './paying/guard/index.ts';
import type { Database } from './platform/db/index.ts';
import type { Lifecycle } from './platform/lifecycle/index.ts';
import type { Logger } from './platform/log/index.ts';
import { type Loop, startLoop } from './platform/loops/index.ts';
import type { Metrics } from './platform/metrics/index.ts';
import { openOutboundReader, type UrlPolicy } from './platform/outbound/index.ts';
import type { AlertDeps } from './telling/notifications/index.ts';

/** Nobody rang: what is due over Lightning is looked for this often. */
const LOOK_EVERY_MS = 1_000;
/** Rates and balances move in minutes. */
const WATCH_EVERY_MS = 60_000;

export type LightningPayoutOptions = {
  network: Network;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Logger;
  metrics: Metrics;
  /** Where the services behind Lightning addresses may be. */
  webhookUrls: UrlPolicy;
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
  },
): void {
  const { clock, log, metrics } = options;
  const { database, loops, alerts, gate } = parts;
  const reader = openOutboundReader({ policy: options.webhookUrls });
  lifecycle.use('lightning addresses', () => ({ stop: () => reader.close() }));
  const deps = payoutDeps(options, parts, { resolve: invoiceResolver({ reader }) });
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
  useTracking(lifecycle, options, { ...parts, deps });
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

/** Follows what is open until it has ended, whoever began it; asking is never held back. */
function useTracking(
  lifecycle: Lifecycle,
  { clock, log }: LightningPayoutOptions,
  { database, loops, deps }: { database: Database; loops: Loop[]; deps: LightningPayoutDeps },
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
        return await trackAttempts(attempts, signal);
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
  },
  { resolve }: Pick<LightningPayoutDeps, 'resolve'>,
): LightningPayoutDeps {
  const { clock, ids, random, log, metrics } = options;
  const { database, lightning, alerts, listener } = parts;
  return {
    ...{ database, clock, ids, random, log, listener, resolve },
    network: lightningNetworkOf(options.network),
    nodes: lightning.nodes,
    readAudience: alerts.readAudience,
    notices: {
      ended: (outcome, origin) =>
        metrics.count('quittance_lightning_attempts_total', { outcome, origin }),
    },
  };
}
