import type { Clock, Ids, Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { followEvents, type RecordedEvent } from '../../telling/events/index.ts';
import { type MonitoringConfig, readConfig } from './config.ts';
import { type ConfigVersion, readActiveConfig } from './config-store.ts';
import { monitoringFaultPoint } from './fault-points.ts';
import { type Feed, followSettings, lockFeed, readRunningStores, saveFeed } from './feed-store.ts';
import {
  findCounting,
  insertMovement,
  type RecordedMovement,
  readMovementsAfter,
  undoMovement,
} from './movement-store.ts';
import { raiseFinding, tellOfCorrection } from './raise-findings.ts';
import { valueAt } from './rates-at.ts';
import { readEvent } from './read-event.ts';
import { runRules } from './run-rules.ts';
import { deleteStates } from './state-store.ts';
import { takeIn, type TakeInDeps } from './take-in.ts';

export type MonitorDeps = TakeInDeps & { clock: Clock; ids: Ids };

/** Events of one step: few enough that the store's row is not locked for long. */
export const EVENTS_PER_STEP = 100;
/** Movements of one step of reading history again, which raises nothing and writes less. */
export const MOVEMENTS_PER_STEP = 500;

/**
 * Goes on with all stores that are monitored, each by one step.
 * @returns whether any has more to do at once
 */
export async function monitorStores(
  database: Database,
  deps: MonitorDeps,
  signal?: AbortSignal,
): Promise<boolean> {
  const stores = await database.asSystem(async (tx) => {
    await followSettings(tx, deps.clock.nowMs());
    return await readRunningStores(tx);
  });
  let isMore = false;
  for (const merchantId of stores) {
    if (signal?.aborted === true) return false;
    if (await monitorStore(database, deps, merchantId)) isMore = true;
  }
  return isMore;
}

/**
 * One step of one store, in one transaction: what was read, what is kept, alerts and the place to go
 * on from are committed together, so a crash loses nothing and tells nothing twice.
 */
export async function monitorStore(
  database: Database,
  deps: MonitorDeps,
  merchantId: Uuid,
): Promise<boolean> {
  return await database.asSystem(async (tx) => {
    const locked = await lockFeed(tx, merchantId);
    if (locked === undefined) return false;
    const version = await readActiveConfig(tx, merchantId);
    const configId = version.version === 0 ? null : version.id;
    let feed = locked;
    if (feed.configId !== configId) {
      feed = { ...(await rebuild(tx, feed, 'configuration')), configId };
    }
    const config = readConfig(version.settings);
    const isBehind = feed.processedSeq < feed.lastSeq;
    const next = isBehind
      ? await goOn(tx, deps, { feed, version, config })
      : await takeInEvents(tx, deps, { feed, version, config });
    monitoringFaultPoint('monitoring-step-uncommitted');
    await saveFeed(tx, next.feed);
    return next.isMore;
  });
}

type Work = { feed: Feed; version: ConfigVersion; config: MonitoringConfig };
type Done = { feed: Feed; isMore: boolean };

/**
 * Begins to read history again: what is kept becomes what it would be had the present settings held,
 * and the record been right, from the beginning. It raises no alerts; those of the past were raised.
 */
async function rebuild(
  tx: Tx,
  feed: Feed,
  reason: NonNullable<Feed['rebuildReason']>,
): Promise<Feed> {
  await deleteStates(tx, feed.merchantId);
  // What the rules have not seen yet, or only silently so far, raises its alerts when they come to it.
  const mutedThrough = Math.max(feed.processedSeq, feed.mutedThrough);
  return { ...feed, processedSeq: 0, mutedThrough, rebuildReason: reason };
}

/** Shows the rules what is recorded and they have not seen. */
async function goOn(tx: Tx, deps: MonitorDeps, { feed, version, config }: Work): Promise<Done> {
  const { merchantId, processedSeq: after } = feed;
  const page = { merchantId, after, limit: MOVEMENTS_PER_STEP };
  const movements = await readMovementsAfter(tx, page);
  const valued: RecordedMovement[] = [];
  for (const movement of movements) valued.push(await inCurrency(tx, movement, config));
  await process(tx, deps, { feed, version, config }, valued);
  const isMore = movements.length === page.limit;
  const processedSeq = isMore ? (movements.at(-1)?.seq ?? feed.lastSeq) : feed.lastSeq;
  const rebuildReason = isMore ? feed.rebuildReason : null;
  // Whether there are new events is seen by the next step.
  return { feed: { ...feed, processedSeq, rebuildReason }, isMore: true };
}

/** A movement that was recorded under thresholds in another currency is valued anew, at its time. */
export async function inCurrency(
  tx: Tx,
  movement: RecordedMovement,
  { currency }: MonitoringConfig,
): Promise<RecordedMovement> {
  if (movement.currency === currency) return movement;
  const { amountSats: sats, atMs } = movement;
  const value = await valueAt(tx, { sats, atMs, currency, locked: null });
  return { ...movement, currency, amountMinor: value?.amountMinor ?? null };
}

/** Reads the store's events on, and shows the rules at once what they bring. */
async function takeInEvents(tx: Tx, deps: MonitorDeps, work: Work): Promise<Done> {
  const { merchantId } = work.feed;
  const page = { merchantId, after: work.feed.eventId, limit: EVENTS_PER_STEP };
  const events = await followEvents(tx, page);
  let { feed } = work;
  const fresh: RecordedMovement[] = [];
  let hasUndone = false;
  for (const event of events) {
    const news = readEvent(event);
    feed = { ...feed, eventId: event.id };
    if (news === null) continue;
    if (news.type === 'undone') {
      if (await undo(tx, deps, { merchantId, key: news.key })) hasUndone = true;
      continue;
    }
    const movement = await record(tx, deps, { feed, event, news, config: work.config });
    if (movement === undefined) continue;
    const { seq, atMs } = movement;
    const unvalued = feed.unvalued + (movement.amountMinor === null ? 1 : 0);
    feed = { ...feed, lastSeq: seq, lastAtMs: atMs, unvalued };
    fresh.push(movement);
  }
  const isMore = events.length === page.limit;
  if (hasUndone) {
    return { feed: await rebuild(tx, feed, 'correction'), isMore: true };
  }
  await process(tx, deps, { ...work, feed }, fresh);
  return { feed: { ...feed, processedSeq: feed.lastSeq }, isMore };
}

async function record(
  tx: Tx,
  deps: MonitorDeps,
  given: {
    feed: Feed;
    event: RecordedEvent;
    news: Parameters<typeof takeIn>[3];
    config: MonitoringConfig;
  },
): Promise<RecordedMovement | undefined> {
  const { feed, event, news, config } = given;
  const { merchantId } = feed;
  // Clocks of several processes differ a little; the order of the record is the order of time.
  const atMs = Math.max(event.createdAtMs, feed.lastAtMs ?? 0);
  const at = { merchantId, event, seq: feed.lastSeq + 1, atMs, currency: config.currency };
  const movement = await takeIn(tx, deps, at, news);
  if (movement !== undefined) await insertMovement(tx, merchantId, movement);
  return movement;
}

async function undo(
  tx: Tx,
  { clock, ids }: MonitorDeps,
  { merchantId, key }: { merchantId: Uuid; key: string },
): Promise<boolean> {
  const movement = await findCounting(tx, { merchantId, key });
  if (movement === undefined) return false;
  const nowMs = clock.nowMs();
  await undoMovement(tx, { merchantId, seq: movement.seq, atMs: nowMs });
  await tellOfCorrection(tx, { ids, nowMs }, { merchantId, movement });
  return true;
}

async function process(
  tx: Tx,
  { clock, ids }: MonitorDeps,
  { feed, version, config }: Work,
  movements: readonly RecordedMovement[],
): Promise<void> {
  if (movements.length === 0) return;
  const { merchantId, mutedThrough, startedAtMs } = feed;
  const nowMs = clock.nowMs();
  const found = await runRules(tx, { merchantId, movements, config, atMs: nowMs });
  const configId = version.version === 0 ? null : version.id;
  const rules = { configId, version: version.version, currency: config.currency };
  for (const { movement, findings } of found) {
    const { seq, atMs } = movement;
    if (seq <= mutedThrough || atMs < startedAtMs) continue;
    for (const finding of findings) {
      await raiseFinding(tx, { ids, nowMs }, { merchantId, seq, finding, rules });
    }
  }
}
