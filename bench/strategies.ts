import { completeLightningStrategy, type LightningStrategy } from '@quittance/contract';
import { type AttemptRecord, backtest } from '../apps/server/src/paying/lightning/index.ts';
import { type BenchOptions, type BenchResult, median, quantile, rounded } from './harness.ts';
import { audit } from './lightning/audit.ts';
import { fixedRule, msats, patientPerson, type Rule, strategyRule } from './lightning/rules.ts';
import { type Fate, simulate } from './lightning/simulate.ts';
import { makePayouts, type Payout, recipientsFor } from './lightning/workload.ts';
import { makeWorld, type World } from './lightning/world.ts';

/**
 * Lightning payouts over a simulated network, by strategy, with and without prediction, against the
 * fixed rule: every ten minutes, ten times, expired or not. Every rule meets the same worlds.
 */

const PAYOUTS = 10_000;
const QUICK_PAYOUTS = 400;
/**
 * Worlds differ; what holds in one may be luck. Nothing was tuned on these: seeds 1, 2 and 3 are for
 * that (`--seeds 1,2,3`), and a change of a policy is judged on seeds that it was not made with.
 */
const SEEDS = [52_817, 730_451, 914_203];

const TIMER = fixedRule({ onTicks: true }).name;
const AT_ONCE = fixedRule({ onTicks: false }).name;
const OURS = 'tiered + prediction';

type Contender = { rule: Rule; strategy: LightningStrategy | null };

export async function run({ quick, seeds: asked = SEEDS }: BenchOptions): Promise<BenchResult> {
  const count = quick ? QUICK_PAYOUTS : PAYOUTS;
  const seeds = quick ? asked.slice(0, 1) : asked;
  const all = new Map<string, Fate[][]>();
  let faults = 0;
  for (const seed of seeds) {
    const world = makeWorld(seed, recipientsFor(count));
    const payouts = makePayouts(seed, world, count);
    for (const contender of contenders(seed)) {
      const fates = runOne(world, payouts, contender);
      faults += fates.faults;
      const name = contender.rule.name;
      all.set(name, [...(all.get(name) ?? []), fates.fates]);
    }
  }
  const rival = fatesOf(all, AT_ONCE);
  const hard = rival.map((fates) => new Set(fates.filter(needsMore).map(numberOf)));
  const rows = [...all].map(([name, fates]) => rowOf(name, fates, hard));
  // Worlds have recipients of the same names: one is judged.
  const calibration = backtest(recordsOf(fatesOf(all, OURS)[0] ?? []));
  return {
    name: 'strategies',
    rows,
    tables: {
      'world by world': worldRows(seeds, all, hard),
      'predictions against what came, attempts of “tiered + prediction”':
        calibration.reliability.map(({ from, count: attempts, predicted, observed }) => ({
          'predicted from': from,
          attempts,
          'mean prediction': rounded(predicted),
          succeeded: rounded(observed),
        })),
    },
    ...judge({ all, hard, faults }),
    notes: notes({ count, seeds, all, hard, calibration }),
  };
}

function contenders(seed: number): Contender[] {
  const fixed = [true, false].map((onTicks) => ({ rule: fixedRule({ onTicks }), strategy: null }));
  const ours = (['immediate', 'tiered', 'fast_fail'] as const).flatMap((kind) => {
    const strategy = completeLightningStrategy({ kind });
    return [false, true].map((learns) => ({ rule: strategyRule(strategy, { learns }), strategy }));
  });
  const manual = completeLightningStrategy({ kind: 'manual' });
  const asked = strategyRule(manual, { learns: false, asksAtMs: patientPerson(seed) });
  return [...fixed, ...ours, { rule: asked, strategy: manual }];
}

function runOne(
  world: World,
  payouts: readonly Payout[],
  { rule, strategy }: Contender,
): { fates: Fate[]; faults: number } {
  const fates = simulate(world, payouts, rule);
  const found = strategy === null ? [] : audit(strategy, fates);
  for (const fault of found.slice(0, 3)) console.error(`${rule.name}: ${fault}`);
  return { fates, faults: found.length };
}

function rowOf(name: string, worlds: Fate[][], hard: readonly Set<number>[]) {
  const fates = worlds.flat();
  const paid = fates.filter((fate) => fate.paid);
  const seconds = fates.map(secondsOf);
  const heldSatHours = fates.map((fate) => (fate.payout.amountSat * secondsOf(fate)) / 3_600);
  return {
    rule: name,
    'paid (%)': Number(percent(paid.length, fates.length).toFixed(2)),
    'median (s)': rounded(median(seconds)),
    'p95 (s)': rounded(quantile(seconds, 0.95)),
    'median of the hard (s)': rounded(median(hardSeconds(worlds, hard))),
    'attempts per payout': rounded(attemptsOf(fates) / fates.length),
    'fees (ppm)': rounded((1e6 * sum(paid, ({ feeSat }) => feeSat)) / sum(paid, amountOf)),
    'held (BTC h a day)': rounded(heldSatHours.reduce((a, b) => a + b, 0) / 1e8 / daysOf(worlds)),
  };
}

/** The rivals and ours in each world, so that no mean hides a world in which it does not hold. */
function worldRows(
  seeds: readonly number[],
  all: ReadonlyMap<string, Fate[][]>,
  hard: readonly Set<number>[],
) {
  return seeds.flatMap((seed, i) => {
    const of = (name: string) => [fatesOf(all, name)[i] ?? []];
    const ours = of(OURS);
    return [TIMER, AT_ONCE, OURS].map((name) => {
      const fates = of(name);
      const own = [hard[i] ?? new Set<number>()];
      return {
        seed,
        rule: name,
        'paid (%)': Number(
          percent(fates.flat().filter(isPaid).length, fates.flat().length).toFixed(2),
        ),
        'median (s)': rounded(median(fates.flat().map(secondsOf))),
        'median of the hard (s)': rounded(median(hardSeconds(fates, own))),
        'ours, of its median': rounded(medianOf(ours) / medianOf(fates)),
        'ours, of its hard': rounded(
          median(hardSeconds(ours, own)) / median(hardSeconds(fates, own)),
        ),
        'attempts per payout': rounded(attemptsOf(fates.flat()) / fates.flat().length),
      };
    });
  });
}

function medianOf(worlds: readonly Fate[][]): number {
  return median(worlds.flat().map(secondsOf));
}

function judge(found: { all: Map<string, Fate[][]>; hard: Set<number>[]; faults: number }) {
  const { all, hard, faults } = found;
  const ours = fatesOf(all, OURS);
  const atOnce = fatesOf(all, AT_ONCE);
  const timer = fatesOf(all, TIMER);
  const paidMore = (rival: Fate[][]) =>
    percent(
      ours.flat().filter(isPaid).length - rival.flat().filter(isPaid).length,
      ours.flat().length,
    );
  const hardRatio = median(hardSeconds(ours, hard)) / median(hardSeconds(atOnce, hard));
  const timerRatio = median(ours.flat().map(secondsOf)) / median(timer.flat().map(secondsOf));
  const fewer = attemptsOf(ours.flat()) / attemptsOf(atOnce.flat());
  return {
    ratios: {
      'attempts, ours to the fixed rule': rounded(fewer),
      'median time of the hard payouts, ours to the fixed rule': rounded(hardRatio),
      'median time of all payouts, ours to the fixed rule on its timer': rounded(timerRatio),
    },
    targets: [
      {
        ...{ what: 'Lightning: median time to an outcome, of the fixed rule on its timer' },
        ...{ value: rounded(timerRatio), unit: 'times', limit: { atMost: 0.7 } },
      },
      {
        ...{ what: 'Lightning: the same for payouts that the fixed rule, first at once, retries' },
        ...{ value: rounded(hardRatio), unit: 'times', limit: { atMost: 0.7 } },
      },
      {
        ...{ what: 'Lightning: attempts, of the fixed rule, first at once' },
        ...{ value: rounded(fewer), unit: 'times', limit: { atMost: 0.99 } },
      },
      {
        ...{ what: 'Lightning: paid, beside the fixed rule, first at once' },
        ...{ value: rounded(paidMore(atOnce)), unit: 'percentage points', limit: { atLeast: 0 } },
      },
      {
        ...{ what: 'Lightning: laws broken by any strategy (expiry, maximum, one at a time, end)' },
        ...{ value: faults, unit: 'times', limit: { atMost: 0 } },
      },
    ],
  };
}

function notes(found: {
  count: number;
  seeds: readonly number[];
  all: Map<string, Fate[][]>;
  hard: readonly Set<number>[];
  calibration: ReturnType<typeof backtest>;
}): string[] {
  const { count, seeds, all, hard, calibration } = found;
  const { attempts, brier, baseRateBrier, calibrationError } = calibration;
  const perWorld = seeds.map((seed, i) => {
    const [ours, rival] = [fatesOf(all, OURS)[i] ?? [], fatesOf(all, AT_ONCE)[i] ?? []];
    const paid = ours.filter(isPaid).length - rival.filter(isPaid).length;
    return `${seed}: ${paid >= 0 ? '+' : ''}${paid} paid, ${attemptsOf(ours)} to ${attemptsOf(rival)} attempts`;
  });
  return [
    `Simulated: ${count} payouts in each of ${seeds.length} worlds (seeds ${seeds.join(', ')}); ` +
      `hard: the ${sum(hard, (set) => set.size)} that the fixed rule does not pay at its first attempt.`,
    `“${OURS}” beside “${AT_ONCE}” in world ${perWorld.join('; ')}.`,
    `Calibration over ${attempts} attempts of the first world: Brier score ${rounded(brier)} ` +
      `(base rate alone ${rounded(baseRateBrier)}), off by ${rounded(calibrationError)} on average.`,
  ];
}

/** As the product would have recorded the attempts of one world. */
function recordsOf(fates: readonly Fate[]): AttemptRecord[] {
  return fates.flatMap(({ payout, attempts }) =>
    attempts.map(({ startedAtMs, endedAtMs, outcome }) => ({
      ...{ destination: payout.recipient.id, amountMsat: msats(payout.amountSat), startedAtMs },
      ...{ endedAtMs: endedAtMs ?? startedAtMs, outcome, feeMsat: null, failedAt: null },
    })),
  );
}

function fatesOf(all: ReadonlyMap<string, Fate[][]>, name: string): Fate[][] {
  const fates = all.get(name);
  if (fates === undefined) throw new Error(`${name} has not run`);
  return fates;
}

function hardSeconds(worlds: readonly Fate[][], hard: readonly Set<number>[]): number[] {
  return worlds.flatMap((fates, i) =>
    fates.filter((fate) => hard[i]?.has(numberOf(fate)) === true).map(secondsOf),
  );
}

function daysOf(worlds: readonly Fate[][]): number {
  return sum(worlds, (fates) => {
    const times = fates.map(({ payout }) => payout.createdAtMs);
    return ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 86_400_000;
  });
}

function needsMore({ paid, attempts }: Fate): boolean {
  return !paid || attempts.length > 1;
}

function secondsOf({ endedAtMs, payout }: Fate): number {
  return (endedAtMs - payout.createdAtMs) / 1_000;
}

function attemptsOf(fates: readonly Fate[]): number {
  return sum(fates, ({ attempts }) => attempts.length);
}

function numberOf({ payout }: Fate): number {
  return payout.number;
}

function amountOf({ payout }: Fate): number {
  return payout.amountSat;
}

function isPaid({ paid }: Fate): boolean {
  return paid;
}

function percent(part: number, whole: number): number {
  return (100 * part) / whole;
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
