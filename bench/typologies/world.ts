import { monitoringRules } from '@quittance/contract';
import { type Movement } from '../../apps/server/src/compliance/monitoring/index.ts';
import { type Dice, seededDice, seedOf } from '../lightning/dice.ts';
import { DAY_MS, type Draft, ordinaryDay } from './background.ts';
import { makeAccounts } from './people.ts';
import { type Pattern, planters, type Soil } from './plant.ts';

/** More than a year: silences of half a year have to fit. */
export const DAYS = 400;
/** Movements of one account in that time, on average; measured. */
const PER_ACCOUNT = 100;
/** One pattern of each typology for so many accounts: what is looked for is rare. */
const ACCOUNTS_PER_PATTERN = 60;
/** The day the world begins on, of the calendar since 1970: no window begins with it. */
const FIRST_DAY = 20_003;
const CTR_CENTS = 1_000_000;

export type World = {
  readonly accounts: number;
  /** In the order of their time. Can be read once; `patterns` is complete after it. */
  movements(): Generator<Movement>;
  readonly patterns: Pattern[];
  /** Which patterns a movement is part of. */
  readonly partOf: Map<string, number[]>;
};

/** A world of about so many movements; the same seed gives the same world. */
export function makeWorld(seed: number, { movements }: { movements: number }): World {
  const count = Math.max(40, Math.round(movements / PER_ACCOUNT));
  const accounts = makeAccounts(seededDice(seedOf(seed, 1)), { count, days: DAYS });
  const patterns: Pattern[] = [];
  const byDay = Array.from({ length: DAYS + 1 }, (): Draft[] => []);
  const silent = new Map<string, { from: number; to: number }>();
  plantAll(seed, { accounts, patterns, byDay, silent });
  const partOf = new Map<string, number[]>();

  function* run(): Generator<Movement> {
    const dice = seededDice(seedOf(seed, 3));
    let seq = 0;
    for (let day = 0; day < DAYS; day++) {
      const drafts: Draft[] = byDay[day] ?? [];
      for (const account of accounts) {
        const quiet = silent.get(account.party);
        const life = ordinaryDay(dice, account, day);
        if (quiet === undefined || day < quiet.from - 1 || day >= quiet.to) drafts.push(...life);
      }
      drafts.sort((a, b) => a.atMs - b.atMs);
      const today = drafts.map((draft) => movementOf(draft, ++seq));
      noteLarge(today, { patterns, partOf });
      drafts.forEach(({ pattern }, i) => {
        const id = today[i]?.id;
        if (pattern !== undefined && id !== undefined) add(partOf, id, pattern);
      });
      yield* today;
      byDay[day] = [];
    }
  }
  return { accounts: count, movements: run, patterns, partOf };
}

function plantAll(
  seed: number,
  world: {
    accounts: ReturnType<typeof makeAccounts>;
    patterns: Pattern[];
    byDay: Draft[][];
    silent: Map<string, { from: number; to: number }>;
  },
): void {
  const dice = seededDice(seedOf(seed, 2));
  const free = shuffled(
    dice,
    world.accounts.filter(({ kind, fromDay }) => kind === 'person' && fromDay === 0),
  ).map(({ party }) => party);
  const each = Math.max(1, Math.round(world.accounts.length / ACCOUNTS_PER_PATTERN));
  for (const typology of monitoringRules) {
    for (let n = 0; n < each; n++) {
      const soil: Soil = {
        dice,
        days: DAYS,
        number: world.patterns.length,
        take: () => free.pop() ?? `customer:extra${world.patterns.length}-${dice.index(1e9)}`,
        day: (length) => dice.index(DAYS - length),
      };
      const { pattern, drafts, silent } = planters[typology](soil, n % 2 === 1);
      const index = world.patterns.push(pattern) - 1;
      for (const draft of drafts) {
        const day = Math.min(DAYS - 1, Math.floor(draft.atMs / DAY_MS));
        world.byDay[day]?.push({ ...draft, pattern: index });
      }
      const [party] = pattern.parties;
      if (silent !== undefined && party !== undefined) world.silent.set(party, silent);
    }
  }
}

function movementOf(draft: Draft, seq: number): Movement {
  const { atMs, direction, party, counterparty, cents, links = [], marks = [] } = draft;
  return {
    ...{ seq, id: `t${seq}`, atMs: FIRST_DAY * DAY_MS + atMs, direction, party, counterparty },
    ...{ isService: draft.isService ?? false, amountMinor: BigInt(cents), isFiatLeg: true },
    ...{ links, marks },
  };
}

/**
 * Whatever is over 10,000 at once or over a day is large, whoever did it and why: that is arithmetic,
 * and it is done here once more.
 */
function noteLarge(
  today: readonly Movement[],
  { patterns, partOf }: { patterns: Pattern[]; partOf: Map<string, number[]> },
): void {
  const small = new Map<string, { sum: number; ids: string[]; party: string }>();
  const large = { typology: 'large_transaction', hard: false } as const;
  for (const { id, party, direction, amountMinor } of today) {
    const cents = Number(amountMinor);
    if (cents > CTR_CENTS) {
      const index = patterns.push({ ...large, variant: 'of itself', parties: [party] }) - 1;
      add(partOf, id, index);
      continue;
    }
    const key = `${party} ${direction}`;
    const day = small.get(key) ?? { sum: 0, ids: [], party };
    small.set(key, { sum: day.sum + cents, ids: [...day.ids, id], party });
  }
  for (const { sum, ids, party } of small.values()) {
    if (sum <= CTR_CENTS) continue;
    const index = patterns.push({ ...large, variant: 'of itself, one day', parties: [party] }) - 1;
    for (const id of ids) add(partOf, id, index);
  }
}

function add(partOf: Map<string, number[]>, id: string, index: number): void {
  partOf.set(id, [...(partOf.get(id) ?? []), index]);
}

function shuffled<T>(dice: Dice, items: readonly T[]): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = dice.index(i + 1);
    [all[i], all[j]] = [all[j] as T, all[i] as T];
  }
  return all;
}
