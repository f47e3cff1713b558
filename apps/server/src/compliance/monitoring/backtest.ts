import { type MonitoringBacktest, monitoringRules } from '@quittance/contract';
import { assert, type Clock } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { readConfig } from './config.ts';
import { readActiveConfig } from './config-store.ts';
import { type Backtest, findWaiting, finishBacktest } from './backtest-store.ts';
import type { Finding } from './finding.ts';
import { monitorInMemory } from './memory-states.ts';
import { inCurrency } from './monitor-store.ts';
import { readMovementsAfter } from './movement-store.ts';

/** States of a backtest are in memory: some kilobytes for each party of so many movements. */
export const MAX_BACKTEST_MOVEMENTS = 200_000;
const MOVEMENTS_PER_PAGE = 1_000;

type Result = NonNullable<MonitoringBacktest['result']>;

/**
 * Runs the backtest that has waited longest, if any: the settings that are tried and those in force
 * over the same history, from nothing, raising no alerts.
 * @returns whether there was one
 */
export async function runWaitingBacktest(
  database: Database,
  { clock }: { clock: Clock },
  signal?: AbortSignal,
): Promise<boolean> {
  const backtest = await database.asSystem(findWaiting);
  if (backtest === undefined) return false;
  const result = await runBacktest(database, backtest, signal);
  if (result === 'stopped') return false;
  const { merchantId, id } = backtest;
  const atMs = clock.nowMs();
  await database.asSystem((tx) => finishBacktest(tx, { merchantId, id, result, atMs }));
  return true;
}

async function runBacktest(
  database: Database,
  backtest: Backtest,
  signal?: AbortSignal,
): Promise<Result | 'stopped'> {
  const { merchantId, fromMs, toMs } = backtest;
  const active = await database.asSystem((tx) => readActiveConfig(tx, merchantId));
  const [tried, present] = [readConfig(backtest.settings), readConfig(active.settings)];
  const [monitor, rival] = [monitorInMemory(tried), monitorInMemory(present)];
  const [found, before] = [newTally(), newTally()];
  const parties = new Set<string>();
  let [movements, unvalued, after] = [0, 0, 0];
  let isTruncated = false;
  for (;;) {
    if (signal?.aborted === true) return 'stopped';
    const range = { ...(fromMs === null ? {} : { fromMs }), ...(toMs === null ? {} : { toMs }) };
    const limit = Math.min(MOVEMENTS_PER_PAGE, MAX_BACKTEST_MOVEMENTS - movements);
    const page = { merchantId, after, limit: limit + 1, ...range };
    const pairs = await database.asSystem(async (tx) => {
      const read = await readMovementsAfter(tx, page);
      const both = [];
      for (const each of read) {
        both.push([
          await inCurrency(tx, each, tried),
          await inCurrency(tx, each, present),
        ] as const);
      }
      return both;
    });
    for (const [movement, asPresent] of pairs.slice(0, limit)) {
      movements += 1;
      after = movement.seq;
      parties.add(movement.party);
      if (movement.amountMinor === null) unvalued += 1;
      count(found, monitor.take(movement));
      count(before, rival.take(asPresent));
    }
    if (pairs.length <= limit) break;
    if (movements >= MAX_BACKTEST_MOVEMENTS) {
      isTruncated = true;
      break;
    }
  }
  const rules = monitoringRules.map((rule) => ({
    rule,
    alerts: tallyOf(found, rule).alerts,
    parties: tallyOf(found, rule).parties.size,
    alertsPerThousandMovements: perThousand(tallyOf(found, rule).alerts, movements),
    alertsOfActive: tallyOf(before, rule).alerts,
  }));
  return { movements, parties: parties.size, unvalued, truncated: isTruncated, rules };
}

type Tally = Map<string, { alerts: number; parties: Set<string> }>;

function newTally(): Tally {
  return new Map(monitoringRules.map((rule) => [rule, { alerts: 0, parties: new Set<string>() }]));
}

function tallyOf(tally: Tally, rule: string): { alerts: number; parties: Set<string> } {
  const found = tally.get(rule);
  assert(found !== undefined, 'every rule is counted');
  return found;
}

function count(tally: Tally, findings: readonly Finding[]): void {
  for (const { rule, party } of findings) {
    const own = tallyOf(tally, rule);
    own.alerts += 1;
    own.parties.add(party);
  }
}

function perThousand(alerts: number, movements: number): number {
  return movements === 0 ? 0 : Number(((1_000 * alerts) / movements).toFixed(3));
}
