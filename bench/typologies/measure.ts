import { type MonitoringRule, type MonitoringSettings, monitoringRules } from '@quittance/contract';
import { monitorInMemory, readConfig } from '../../apps/server/src/compliance/monitoring/index.ts';
import type { World } from './world.ts';

/** What one rule made of worlds, against what was planted in them. */
export type Tally = {
  planted: number;
  found: number;
  plantedHard: number;
  foundHard: number;
  alerts: number;
  /** Alerts that rest on nothing planted at all. */
  falseAlerts: number;
  /** Alerts that rest on what was planted for another rule: worth a look, neither found nor false. */
  crossAlerts: number;
  /** Accounts that a false alert was raised for. */
  falseParties: number;
  missed: Map<string, number>;
};
export type Measured = {
  transactions: number;
  accounts: number;
  states: number;
  rules: Map<MonitoringRule, Tally>;
};

export function newMeasure(): Measured {
  const rules = new Map(monitoringRules.map((rule) => [rule, emptyTally()]));
  return { transactions: 0, accounts: 0, states: 0, rules };
}

export type Said = { rule: MonitoringRule; party: string; movementIds: readonly string[] };

/** Runs the rules over a world and adds what they found to the measure. */
export function measureWorld(into: Measured, world: World, settings: MonitoringSettings): void {
  const monitor = monitorInMemory(readConfig(settings));
  const alerts: Said[] = [];
  for (const movement of world.movements()) {
    into.transactions += 1;
    alerts.push(...monitor.take(movement));
  }
  into.states += monitor.size();
  judge(into, world, alerts);
}

/** Compares what was said of a world with what was planted in it. */
export function judge(into: Measured, world: World, alerts: readonly Said[]): void {
  into.accounts += world.accounts;
  const found = new Set<number>();
  const wronged = new Map(monitoringRules.map((rule) => [rule, new Set<string>()]));
  for (const { rule, party, movementIds } of alerts) {
    const tally = tallyOf(into, rule);
    tally.alerts += 1;
    const touched = new Set(movementIds.flatMap((id) => world.partOf.get(id) ?? []));
    const own = [...touched].filter((index) => world.patterns[index]?.typology === rule);
    for (const index of own) found.add(index);
    if (own.length > 0) continue;
    if (touched.size > 0) tally.crossAlerts += 1;
    else {
      tally.falseAlerts += 1;
      wronged.get(rule)?.add(party);
    }
  }
  for (const [rule, parties] of wronged) tallyOf(into, rule).falseParties += parties.size;
  world.patterns.forEach(({ typology, hard, variant }, index) => {
    const tally = tallyOf(into, typology);
    const isFound = found.has(index);
    tally.planted += 1;
    tally.found += isFound ? 1 : 0;
    tally.plantedHard += hard ? 1 : 0;
    tally.foundHard += hard && isFound ? 1 : 0;
    const which = `${hard ? 'hard, ' : ''}${variant}`;
    if (!isFound) tally.missed.set(which, (tally.missed.get(which) ?? 0) + 1);
  });
}

function tallyOf({ rules }: Measured, rule: MonitoringRule): Tally {
  const tally = rules.get(rule);
  if (tally === undefined) throw new Error(`no tally of ${rule}`);
  return tally;
}

function emptyTally(): Tally {
  const counts = { planted: 0, found: 0, plantedHard: 0, foundHard: 0, alerts: 0 };
  return { ...counts, falseAlerts: 0, crossAlerts: 0, falseParties: 0, missed: new Map() };
}

export const MIN_RECALL = 0.95;
export const MAX_FALSE_POSITIVES = 0.01;

/** A figure for each typology, and how many of them break a promise. */
export function report({ accounts, rules }: Measured) {
  const perTypology: Record<string, Record<string, unknown>> = {};
  let violations = 0;
  for (const [rule, tally] of rules) {
    const recall = tally.planted === 0 ? 1 : tally.found / tally.planted;
    const falsePositiveRate = tally.falseParties / accounts;
    if (recall < MIN_RECALL) violations += 1;
    if (falsePositiveRate > MAX_FALSE_POSITIVES) violations += 1;
    perTypology[rule] = {
      ...{ planted: tally.planted, found: tally.found, recall: rounded(recall) },
      hardRecall: rounded(tally.plantedHard === 0 ? 1 : tally.foundHard / tally.plantedHard),
      falsePositiveRate: rounded(falsePositiveRate),
      ...{ alerts: tally.alerts, falseAlerts: tally.falseAlerts, crossAlerts: tally.crossAlerts },
      missed: Object.fromEntries(tally.missed),
    };
  }
  return { violations, perTypology };
}

function rounded(value: number): number {
  return Number(value.toFixed(5));
}
