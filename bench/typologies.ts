import {
  defaultMonitoringSettings,
  type MonitoringRule,
  monitoringRules,
} from '@quittance/contract';
import { monitorInMemory, readConfig } from '../apps/server/src/compliance/monitoring/index.ts';
import { type BenchOptions, type BenchResult, median, rounded } from './harness.ts';
import {
  judge,
  MAX_FALSE_POSITIVES,
  type Measured,
  MIN_RECALL,
  newMeasure,
  report,
  type Said,
} from './typologies/measure.ts';
import { naiveRules } from './typologies/naive.ts';
import { makeWorld } from './typologies/world.ts';

/**
 * One world of a million payments: what the shipped rules and naive ones find of what is planted in
 * it, whom they alert about for nothing, and whether a payment costs more once there is much history.
 */

const MOVEMENTS = 1_000_000;
const QUICK_MOVEMENTS = 60_000;
/** Not one of the seeds that the rules were tuned on. */
const SEED = 20_261_121;
/** Of so many slices of equal length the first ones and the last ones are compared. */
const SLICES = 20;

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const movements = quick ? QUICK_MOVEMENTS : MOVEMENTS;
  const ours = runOurs(movements);
  const { measured: naive, note } = runNaive(movements);
  const table = monitoringRules.map((rule) => rowOf(rule, ours.measured, naive));
  const { perTypology } = report(ours.measured);
  const figures = Object.values(perTypology);
  const worst = (name: string, pick: (...all: number[]) => number) =>
    pick(...figures.map((each) => Number(each[name])));
  const [early, late] = [median(ours.slices.slice(1, 5)), median(ours.slices.slice(-4))];
  const { transactions, accounts, states } = ours.measured;
  return {
    name: 'typologies',
    rows: [
      {
        ...{ movements: transactions, accounts, 'states kept': states },
        'µs a movement, early': rounded(early),
        'µs a movement, late': rounded(late),
      },
    ],
    tables: { 'what is found, and who is alerted about for nothing (% of accounts)': table },
    ratios: { 'time of a payment, late to early in a year': rounded(late / early) },
    targets: [
      {
        ...{ what: 'monitoring: least recall of any typology', unit: 'share' },
        ...{ value: worst('recall', Math.min), limit: { atLeast: MIN_RECALL } },
      },
      {
        ...{ what: 'monitoring: most accounts that one rule wrongs', unit: 'share' },
        ...{ value: worst('falsePositiveRate', Math.max), limit: { atMost: MAX_FALSE_POSITIVES } },
      },
      {
        ...{ what: 'monitoring: time of a payment, late to early in a year', unit: 'times' },
        ...{ value: rounded(late / early), limit: { atMost: 2 } },
      },
    ],
    notes: [
      `Seed ${SEED}; the generator writes the truth, the rules do not see it.`,
      'Naive: a threshold in satoshis of the first day, fixed windows, one party at a time.',
      note,
    ],
  };
}

function runOurs(movements: number): { measured: Measured; slices: number[] } {
  const world = makeWorld(SEED, { movements });
  const monitor = monitorInMemory(readConfig(defaultMonitoringSettings));
  const measured = newMeasure();
  const alerts: Said[] = [];
  const slices: number[] = [];
  const slice = Math.floor(movements / SLICES);
  let spentMs = 0;
  for (const movement of world.movements()) {
    measured.transactions += 1;
    const began = performance.now();
    const found = monitor.take(movement);
    spentMs += performance.now() - began;
    alerts.push(...found);
    if (measured.transactions % slice === 0) {
      slices.push((1_000 * spentMs) / slice);
      spentMs = 0;
    }
  }
  measured.states = monitor.size();
  judge(measured, world, alerts);
  return { measured, slices };
}

function runNaive(movements: number): { measured: Measured; note: string } {
  const world = makeWorld(SEED, { movements });
  const rules = naiveRules(SEED);
  const measured = newMeasure();
  const alerts: Said[] = [];
  for (const movement of world.movements()) alerts.push(...rules.take(movement));
  judge(measured, world, alerts);
  const planted = world.patterns.filter(({ typology }) => typology !== 'large_transaction').length;
  const hit = new Set(rules.unusual.flatMap(({ id }) => world.partOf.get(id) ?? []));
  const found = [...hit].filter((i) => world.patterns[i]?.typology !== 'large_transaction').length;
  const wrong = rules.unusual.filter(({ id }) => !world.partOf.has(id));
  const wronged = new Set(wrong.map(({ party }) => party)).size;
  const note =
    `A plain z-score of amounts (above 3, from the third payment on) touches ` +
    `${((100 * found) / planted).toFixed(1)} % of what is planted, large payments aside, and alerts ` +
    `for nothing about ${((100 * wronged) / world.accounts).toFixed(1)} % of the accounts, ` +
    `${wrong.length} times.`;
  return { measured, note };
}

function rowOf(rule: MonitoringRule, ours: Measured, naive: Measured): Record<string, unknown> {
  const [own, rival] = [report(ours).perTypology[rule], report(naive).perTypology[rule]];
  const percent = (value: unknown) => Number((100 * Number(value)).toFixed(2));
  return {
    typology: rule,
    planted: own?.['planted'],
    'found (%)': percent(own?.['recall']),
    'of the hard (%)': percent(own?.['hardRecall']),
    'accounts wronged (%)': percent(own?.['falsePositiveRate']),
    'false alerts': own?.['falseAlerts'],
    'naive: found (%)': percent(rival?.['recall']),
    'naive: accounts wronged (%)': percent(rival?.['falsePositiveRate']),
    'naive: false alerts': rival?.['falseAlerts'],
  };
}
