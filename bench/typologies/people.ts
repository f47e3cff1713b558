import type { Dice } from '../lightning/dice.ts';

/** Who has an account with the payment company, and how they use it. */
export type Kind =
  | 'person'
  | 'freelancer'
  | 'shop'
  | 'showroom'
  | 'trader'
  | 'landlord'
  | 'employer'
  | 'sleeper';

export type Account = {
  readonly party: string;
  readonly kind: Kind;
  /** Money of its own wallet, shared within a family where there is one. */
  readonly wallet: string;
  /** How busy it is beside others of its kind: few are very busy. */
  readonly activity: number;
  readonly salary: { readonly day: number; readonly cents: number; readonly from: string } | null;
  readonly rent: { readonly day: number; readonly cents: number; readonly to: string } | null;
  readonly friends: readonly string[];
  /** Clients, tenants, employees or suppliers. */
  readonly partners: readonly { readonly address: string; readonly cents: number }[];
  /** From when on it has the account. */
  readonly fromDay: number;
  readonly silent: { readonly from: number; readonly to: number } | null;
};

/** Shares of the accounts; what is left are persons. */
const SHARES: readonly (readonly [Kind, number])[] = [
  ['freelancer', 0.05],
  ['shop', 0.03],
  ['showroom', 0.005],
  ['trader', 0.01],
  ['landlord', 0.003],
  ['employer', 0.004],
  ['sleeper', 0.02],
];
/** A second person of a family uses the first one's wallet. */
const FAMILY_SHARE = 0.12;

export function makeAccounts(dice: Dice, { count, days }: { count: number; days: number }) {
  const accounts: Account[] = [];
  for (let n = 0; n < count; n++) {
    const kind = kindOf(dice);
    const before = accounts.at(-1);
    const isAlone = before?.kind === 'person' && before.wallet === `address:w${n - 1}`;
    const isFamily = kind === 'person' && isAlone && dice.chance(FAMILY_SHARE);
    const party = `customer:${n}`;
    const wallet = isFamily ? before.wallet : `address:w${n}`;
    accounts.push({ party, kind, wallet, ...lifeOf(dice, { n, kind, days }) });
  }
  return accounts;
}

function kindOf(dice: Dice): Kind {
  let draw = dice.share();
  for (const [kind, share] of SHARES) {
    if (draw < share) return kind;
    draw -= share;
  }
  return 'person';
}

function lifeOf(dice: Dice, { n, kind, days }: { n: number; kind: Kind; days: number }) {
  const isPrivate = kind === 'person' || kind === 'sleeper';
  const silentFrom = 30 + dice.index(60);
  return {
    activity: Math.min(6, lognormal(dice, 1, 0.6)),
    salary:
      isPrivate && dice.chance(0.7)
        ? {
            day: 24 + dice.index(5),
            cents: cents(lognormal(dice, 2_900, 0.35)),
            from: `address:job${dice.index(5_000)}`,
          }
        : null,
    rent:
      isPrivate && dice.chance(0.6)
        ? { day: 1 + dice.index(4), cents: rentOf(dice), to: `address:home${n}` }
        : null,
    friends: names(dice, `address:f${n}-`, 2 + dice.index(6)),
    partners: partnersOf(dice, n, kind),
    // A fifth opens its account within the time that is looked at.
    fromDay: dice.chance(0.2) ? dice.index(days - 30) : 0,
    silent:
      kind === 'sleeper' ? { from: silentFrom, to: silentFrom + 150 + dice.index(120) } : null,
  };
}

function rentOf(dice: Dice): number {
  const exact = lognormal(dice, 1_150, 0.3);
  // Most rents are round to tens, some to hundreds, and so a few to thousands.
  const unit = dice.chance(0.3) ? 100 : 10;
  return Math.max(1, Math.round(exact / unit)) * unit * 100;
}

function partnersOf(dice: Dice, n: number, kind: Kind) {
  const [number, median, spread] = {
    person: [0, 0, 0],
    sleeper: [0, 0, 0],
    trader: [0, 0, 0],
    freelancer: [3 + dice.index(9), 600, 0.7],
    shop: [3 + dice.index(6), 500, 0.8],
    showroom: [3 + dice.index(6), 1_500, 0.7],
    landlord: [8 + dice.index(20), 950, 0.3],
    employer: [6 + dice.index(30), 2_900, 0.3],
  }[kind] as [number, number, number];
  return names(dice, `address:p${n}-`, number).map((address) => ({
    address,
    cents: cents(lognormal(dice, median, spread)),
  }));
}

function names(dice: Dice, prefix: string, number: number): string[] {
  const first = dice.index(1_000);
  return Array.from({ length: number }, (_, i) => `${prefix}${first + i}`);
}

export function lognormal(dice: Dice, median: number, spread: number): number {
  return median * Math.exp(spread * dice.normal());
}

export function cents(units: number): number {
  return Math.max(1, Math.round(units * 100));
}
