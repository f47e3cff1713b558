import type { Clock, Random } from '@quittance/kernel';
import type { Database, Unlisten } from '../../platform/db/index.ts';
import { nextChance } from '../../platform/random.ts';
import { WEBHOOKS_CHANNEL } from '../events/index.ts';
import type { Resolve, UrlPolicy } from '../../platform/outbound/index.ts';
import { defaultLaneLimits, type LaneLimits, makeLanes } from './lanes.ts';
import { decideOutcome, writeOutcomes } from './outcomes.ts';
import {
  type Claimed,
  claimDeliveries,
  endUnwanted,
  findDueTimes,
  measureQueue,
  type Outcome,
} from './queue-store.ts';
import { defaultTimeouts, openSender, type SendTimeouts } from './send.ts';
import { signMessage } from './signing.ts';

/** The part of the process's log that is used here. */
export type DispatcherLog = {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
};
/** Counters of the process; prom-client's fit. */
export type DispatcherMetrics = {
  attempted(outcome: 'delivered' | 'retry' | 'failed', durationMs: number): void;
  queue(depth: number, oldestDueAgeMs: number): void;
};
export type WebhookDispatcherOptions = {
  database: Database;
  clock: Clock;
  random: Random;
  log: DispatcherLog;
  /** Which addresses may be connected to; by default public ones over https. */
  connectGuard?: UrlPolicy & { resolve?: Resolve };
  httpOptions?: Partial<SendTimeouts>;
  limits?: Partial<LaneLimits>;
  /** How long a claim holds; must exceed the longest attempt. */
  leaseMs?: number;
  metrics?: DispatcherMetrics;
};
export type WebhookDispatcher = {
  /** Takes nothing new, lets attempts end for `graceMs`, then cuts them: they'll be repeated. */
  stop(graceMs?: number): Promise<void>;
};

/** Beyond the longest attempt, for the write of its outcome while the database is slow. */
const LEASE_MARGIN_MS = 40_000;
/** A lost bell delays a delivery by no more than this. */
const MAX_SLEEP_MS = 5_000;
/** Waiting time after the database failed. */
const DATABASE_RETRY_MS = 500;
const HOUSEKEEPING_MS = 15_000;
const HOUSEKEEPING_ROWS = 1_000;
const DEFAULT_GRACE_MS = 5_000;

/**
 * Delivers webhooks for as long as it runs. Everything it has to know is in the database: killed at
 * any moment, what it held is due again when the lease ends (at least once). Any number of
 * dispatchers share the work.
 */
export function startWebhookDispatcher(options: WebhookDispatcherOptions): WebhookDispatcher {
  const { database, clock, log, metrics } = options;
  const limits = { ...defaultLaneLimits, ...options.limits };
  const timeouts = { ...defaultTimeouts, ...options.httpOptions };
  const leaseMs = options.leaseMs ?? timeouts.totalMs + LEASE_MARGIN_MS;
  const sender = openSender({
    policy: options.connectGuard ?? {},
    timeouts,
    resolve: options.connectGuard?.resolve,
  });
  const lanes = makeLanes(limits);
  const bell = makeBell();
  const underWay = new Set<Promise<void>>();
  const finished: { outcome: Outcome; done: () => void }[] = [];
  let writing = false;
  let stopping = false;
  let cut = false;
  let unlisten: Unlisten | undefined;
  let housekeepingAtMs = 0;
  const doorbell = { message: bell.ring, gap: bell.ring };

  async function run(): Promise<void> {
    while (!stopping) {
      try {
        unlisten ??= await database.listen(WEBHOOKS_CHANNEL, doorbell);
        await housekeep();
        await bell.wait(await takeWhatIsDue());
      } catch (error) {
        log.warn({ err: error }, 'webhooks: the queue can not be read just now');
        await bell.wait(DATABASE_RETRY_MS);
      }
    }
  }

  /** @returns how long nothing is due */
  async function takeWhatIsDue(): Promise<number> {
    const room = lanes.room();
    if (room.fastSlots + room.slowSlots === 0) return MAX_SLEEP_MS;
    const nowMs = clock.nowMs();
    const { busy, slow } = { busy: lanes.busy(), slow: lanes.slow() };
    const request = { nowMs, leaseMs, ...room, perEndpoint: limits.perEndpoint, busy, slow };
    const claimed = await database.asSystem((tx) => claimDeliveries(tx, request));
    for (const delivery of claimed) {
      const attempt = attemptOne(delivery).finally(() => underWay.delete(attempt));
      underWay.add(attempt);
    }
    if (claimed.length > 0) return 0;
    const { nextDueMs } = await database.asSystem((tx) => findDueTimes(tx, nowMs));
    return Math.min(Math.max(1, (nextDueMs ?? Infinity) - clock.nowMs()), MAX_SLEEP_MS);
  }

  async function attemptOne(claimed: Claimed): Promise<void> {
    const ride = lanes.enter(claimed.endpointId);
    const startedAtMs = clock.nowMs();
    const began = performance.now();
    const slowTimer = setTimeout(() => {
      lanes.slowDown(ride);
      bell.ring();
    }, limits.slowAfterMs);
    const message = signMessage({ ...claimed, nowMs: startedAtMs });
    const attempt = await sender.send(claimed.url, message);
    clearTimeout(slowTimer);
    const durationMs = Math.round(performance.now() - began);
    // Cut off by stop(): nothing is known of the endpoint; the lease brings the delivery back.
    if (!cut) {
      const chance = nextChance(options.random);
      const decided = { claimed, attempt, startedAtMs, durationMs, chance, nowMs: clock.nowMs() };
      const outcome = decideOutcome(decided);
      await new Promise<void>((done) => {
        finished.push({ outcome, done });
        if (!writing) void writeFinished();
      });
      const label = outcome.state === 'pending' ? 'retry' : outcome.state;
      metrics?.attempted(label, durationMs);
    }
    lanes.leave(ride, durationMs);
    bell.ring();
  }

  /** Writes what has come together while the last write ran: few commits under load, none delayed. */
  async function writeFinished(): Promise<void> {
    writing = true;
    while (finished.length > 0) {
      const batch = finished.splice(0);
      const outcomes = batch.map(({ outcome }) => outcome);
      while (!cut) {
        try {
          const write = {
            outcomes,
            nowMs: clock.nowMs(),
            chance: () => nextChance(options.random),
          };
          const disabled = await database.asSystem((tx) => writeOutcomes(tx, write));
          for (const id of disabled) log.info({ endpointId: id }, 'webhooks: endpoint gone (410)');
          break;
        } catch (error) {
          log.warn({ err: error }, 'webhooks: outcomes can not be written just now');
          await new Promise((resolve) => setTimeout(resolve, DATABASE_RETRY_MS));
        }
      }
      for (const { done } of batch) done();
    }
    writing = false;
  }

  async function housekeep(): Promise<void> {
    const nowMs = clock.nowMs();
    if (nowMs < housekeepingAtMs) return;
    housekeepingAtMs = nowMs + HOUSEKEEPING_MS;
    const { depth, oldestDueAgeMs } = await database.asSystem(async (tx) => {
      await endUnwanted(tx, nowMs, HOUSEKEEPING_ROWS);
      return measureQueue(tx, nowMs);
    });
    metrics?.queue(depth, oldestDueAgeMs);
  }

  const running = run();
  return {
    async stop(graceMs = DEFAULT_GRACE_MS) {
      stopping = true;
      bell.ring();
      await running;
      await unlisten?.();
      await Promise.race([
        Promise.all(underWay),
        new Promise((resolve) => setTimeout(resolve, graceMs).unref()),
      ]);
      cut = true;
      await sender.close();
      await Promise.all(underWay);
    },
  };
}

/** A bell that is heard even when it rings before somebody waits. */
function makeBell() {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring(): void {
      rung = true;
      wake?.();
    },
    async wait(ms: number): Promise<void> {
      if (!rung && ms > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
      rung = false;
    },
  };
}
