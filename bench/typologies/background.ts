import type { Dice } from '../lightning/dice.ts';
import { type Account, cents, lognormal } from './people.ts';

/** A movement as the generator writes it, before it has its place among the others. */
export type Draft = {
  /** Milliseconds from the beginning of the world. */
  readonly atMs: number;
  readonly direction: 'in' | 'out';
  readonly party: string;
  readonly counterparty: string | null;
  readonly isService?: boolean;
  readonly cents: number;
  readonly links?: readonly string[];
  readonly marks?: readonly { kind: string; about: string }[];
  /** The planted pattern that it is part of. */
  readonly pattern?: number;
};

export const DAY_MS = 86_400_000;
/** Exchanges that everybody knows as such; two more are used that nobody has labelled. */
const EXCHANGES = 12;
const COUNTRIES = ['US', 'DE', 'FR', 'GB', 'CH', 'JP', 'BR', 'NG'];

/** What an account that does nothing wrong does on one day. */
export function ordinaryDay(dice: Dice, account: Account, day: number): Draft[] {
  const { silent, fromDay } = account;
  if (day < fromDay || (silent !== null && day >= silent.from && day < silent.to)) return [];
  const drafts = [...monthly(dice, account, day)];
  const busy = seasonOf(day) * account.activity;
  switch (account.kind) {
    case 'person':
    case 'sleeper':
      drafts.push(...personal(dice, account, day, busy));
      break;
    case 'freelancer':
      drafts.push(...personal(dice, account, day, busy * 0.6));
      repeat(dice, 0.16 * busy, () => drafts.push(partner(dice, account, day, 'in')));
      break;
    case 'shop':
      repeat(dice, 1.5 * busy, () => drafts.push(sale(dice, account, day, { median: 32 })));
      repeat(dice, 0.12 * busy, () => drafts.push(partner(dice, account, day, 'out')));
      break;
    case 'showroom':
      repeat(dice, 0.35 * busy, () => drafts.push(sale(dice, account, day, { median: 380 })));
      repeat(dice, 0.1 * busy, () => drafts.push(partner(dice, account, day, 'out')));
      break;
    case 'trader':
      repeat(dice, 0.35 * busy, () => drafts.push(trade(dice, account, day, 500)));
      break;
    default:
      drafts.push(...personal(dice, account, day, busy * 0.3));
  }
  return drafts;
}

/** Salaries, rents, payrolls: on their day of a month of 30 days. */
function* monthly(dice: Dice, account: Account, day: number): Generator<Draft> {
  const dayOfMonth = (day % 30) + 1;
  const { salary, rent, party, kind, partners } = account;
  if (salary?.day === dayOfMonth) {
    const amount = Math.round(salary.cents * (1 + 0.03 * dice.normal()));
    yield draft(dice, day, { direction: 'in', party, counterparty: salary.from, cents: amount });
  }
  if (rent?.day === dayOfMonth) {
    const { to, cents: amount } = rent;
    yield draft(dice, day, { direction: 'out', party, counterparty: to, cents: amount });
  }
  const isPayday = kind === 'employer' && dayOfMonth === 27;
  const isRentDay = kind === 'landlord' && dayOfMonth <= 5;
  for (const { address, cents: usual } of isPayday || isRentDay ? partners : []) {
    if (isRentDay && !dice.chance(0.2)) continue;
    const amount = isRentDay ? usual : Math.round(usual * (1 + 0.02 * dice.normal()));
    const direction = isPayday ? 'out' : 'in';
    yield draft(dice, day, { direction, party, counterparty: address, cents: amount });
  }
}

function personal(dice: Dice, account: Account, day: number, busy: number): Draft[] {
  const { party, wallet, friends } = account;
  const drafts: Draft[] = [];
  repeat(dice, 0.085 * busy, () => {
    const counterparty = `address:s${dice.index(20_000)}`;
    const amount = cents(lognormal(dice, 42, 1.05));
    drafts.push(draft(dice, day, { direction: 'out', party, counterparty, cents: amount }));
  });
  repeat(dice, 0.03 * busy, () => {
    const counterparty = friends[dice.index(friends.length)] ?? wallet;
    const direction = dice.chance(0.5) ? 'in' : 'out';
    const amount = friendly(dice);
    drafts.push(draft(dice, day, { direction, party, counterparty, cents: amount }));
  });
  // To and from the own wallet: money that goes and comes back, and harms nobody.
  repeat(dice, 0.012 * busy, () => {
    const direction = dice.chance(0.5) ? 'in' : 'out';
    const amount = cents(lognormal(dice, 300, 1));
    const own = { direction, party, counterparty: wallet, cents: amount, links: [wallet] } as const;
    drafts.push(draft(dice, day, own));
  });
  repeat(dice, 0.012 * busy, () => drafts.push(trade(dice, account, day, 350)));
  // A car, an inheritance: once in some years.
  repeat(dice, 0.0006, () => {
    const direction = dice.chance(0.5) ? 'in' : 'out';
    const counterparty = `address:once${dice.index(1_000_000)}`;
    const amount = cents(lognormal(dice, 7_000, 0.8));
    drafts.push(draft(dice, day, { direction, party, counterparty, cents: amount }));
  });
  return drafts;
}

/** Between friends a quarter is round: 20, 50, 100, and now and then 1,000. */
function friendly(dice: Dice): number {
  const amount = lognormal(dice, 70, 0.9);
  if (!dice.chance(0.25)) return cents(amount);
  const unit = amount > 500 ? 500 : amount > 60 ? 50 : 10;
  return Math.max(1, Math.round(amount / unit)) * unit * 100;
}

function partner(dice: Dice, account: Account, day: number, direction: 'in' | 'out'): Draft {
  const { party, partners } = account;
  const found = partners[dice.index(partners.length)];
  const amount = Math.max(1, Math.round((found?.cents ?? 100) * Math.exp(0.4 * dice.normal())));
  return draft(dice, day, {
    ...{ direction, party, counterparty: found?.address ?? null, cents: amount },
  });
}

/** A tenth of the customers pays over Lightning, where nobody sees who it was. */
function sale(dice: Dice, { party }: Account, day: number, { median }: { median: number }): Draft {
  const counterparty = dice.chance(0.1) ? null : `address:c${dice.index(200_000)}`;
  const amount = cents(lognormal(dice, median, 0.8));
  return draft(dice, day, { direction: 'in', party, counterparty, cents: amount });
}

function trade(dice: Dice, { party }: Account, day: number, median: number): Draft {
  const shared = {
    party,
    direction: dice.chance(0.5) ? ('in' as const) : ('out' as const),
    cents: cents(lognormal(dice, median, 0.9)),
  };
  if (dice.chance(0.08)) {
    const hub = `address:hub${dice.index(2)}`;
    return draft(dice, day, { ...shared, counterparty: hub, links: [hub] });
  }
  const counterparty = `address:exchange${dice.index(EXCHANGES)}`;
  return draft(dice, day, {
    ...{ ...shared, counterparty, isService: true, links: [counterparty] },
    marks: [{ kind: 'exchange', about: 'a known exchange' }],
  });
}

/** Busier on two days of the week and towards the end of the year. */
function seasonOf(day: number): number {
  const weekday = day % 7 >= 5 ? 1.5 : 0.85;
  const month = day % 365;
  return weekday * (month >= 330 && month < 358 ? 1.7 : 1);
}

/** Most of it happens between morning and evening. */
function timeOfDay(dice: Dice): number {
  const hour = Math.min(23.99, Math.max(0, 14 + 4.5 * dice.normal()));
  return Math.floor(hour * 3_600_000);
}

function draft(dice: Dice, day: number, rest: Omit<Draft, 'atMs'>): Draft {
  const marks =
    rest.marks ??
    (dice.chance(0.05)
      ? [{ kind: 'country', about: COUNTRIES[dice.index(COUNTRIES.length)] ?? 'US' }]
      : []);
  return { atMs: day * DAY_MS + timeOfDay(dice), ...rest, marks };
}

/** A Poisson number of times. */
function repeat(dice: Dice, mean: number, act: () => void): void {
  const limit = Math.exp(-mean);
  for (let product = dice.share(); product > limit; product *= dice.share()) act();
}
