import type { MonitoringRule } from '@quittance/contract';
import type { Dice } from '../lightning/dice.ts';
import { DAY_MS, type Draft } from './background.ts';

/** What was planted: the truth, written down when it is made. */
export type Pattern = {
  readonly typology: MonitoringRule;
  /** Near the edges of what counts: amounts and times are chosen to be missed. */
  readonly hard: boolean;
  /** How it was made, for the table of what is missed. */
  readonly variant: string;
  readonly parties: readonly string[];
};
type Planted = { pattern: Pattern; drafts: Draft[]; silent?: { from: number; to: number } };

/** What a planter is given: accounts that nothing else is planted in, and when it may begin. */
export type Soil = {
  readonly dice: Dice;
  take(): string;
  /** A day on which a pattern of so many days can begin. */
  day(length: number): number;
  readonly number: number;
  readonly days: number;
};
type Planter = (soil: Soil, hard: boolean) => Planted;

const HOUR_MS = 3_600_000;

export const planters: Readonly<Record<MonitoringRule, Planter>> = {
  large_transaction: plantLarge,
  structuring: plantStructuring,
  rapid_movement: plantRapid,
  high_risk_counterparty: plantRisk,
  fan_in: (soil, hard) => plantFan(soil, hard, 'in'),
  fan_out: (soil, hard) => plantFan(soil, hard, 'out'),
  cycle: plantCycle,
  dormant_then_active: plantDormant,
  round_amount: plantRound,
};

function plantLarge(soil: Soil, hard: boolean): Planted {
  const { dice } = soil;
  const party = soil.take();
  const start = soil.day(1) * DAY_MS;
  const direction = dice.chance(0.5) ? 'in' : 'out';
  const counterparty = name(soil, 'l');
  if (dice.chance(0.5)) {
    const cents = 1_000_001 + dice.index(hard ? 2_000 : 5_000_000);
    const atMs = start + dice.index(DAY_MS);
    const pattern = patternOf('large_transaction', { hard, variant: 'at once', parties: [party] });
    return { pattern, drafts: [{ atMs, direction, party, counterparty, cents }] };
  }
  const count = 2 + dice.index(3);
  const total = 1_000_001 + dice.index(hard ? 2_000 : 700_000);
  const drafts = split(dice, total, { count, most: 999_999 }).map(
    (cents): Draft => ({
      ...{ atMs: start + dice.index(DAY_MS), direction, party, counterparty, cents },
    }),
  );
  const about = { hard, variant: 'over one day', parties: [party] };
  return { pattern: patternOf('large_transaction', about), drafts };
}

function plantStructuring(soil: Soil, hard: boolean): Planted {
  const { dice } = soil;
  const isLinked = dice.chance(0.5);
  const spreadMs = (hard ? 5 + 1.8 * dice.share() : 1 + 2 * dice.share()) * DAY_MS;
  const start = soil.day(8) * DAY_MS + dice.index(DAY_MS);
  const count = isLinked ? 3 + dice.index(4) : 3 + dice.index(5);
  const amounts = hard
    ? jittered(dice, count)
    : Array.from({ length: count }, () => 850_000 + dice.index(149_000));
  const parties = isLinked ? amounts.map(() => soil.take()) : [soil.take()];
  // They share one wallet to be refunded to, or one that all of them pay from.
  const shared = isLinked ? [name(soil, 'shared')] : [];
  const direction = dice.chance(0.75) ? 'in' : 'out';
  const drafts = amounts.map((cents, i): Draft => {
    const party = parties[i % parties.length] ?? '';
    const atMs = start + Math.floor((spreadMs * i) / (count - 1));
    const counterparty = `${name(soil, 's')}-${i}`;
    return { atMs, direction, party, counterparty, cents, links: shared };
  });
  const variant = isLinked ? 'linked parties' : 'one party';
  return { pattern: patternOf('structuring', { hard, variant, parties }), drafts };
}

/** Amounts all over the place, together still more than 10,000. */
function jittered(dice: Dice, count: number): number[] {
  for (;;) {
    const amounts = Array.from({ length: count }, () => 210_000 + dice.index(785_000));
    if (amounts.reduce((a, b) => a + b, 0) > 1_000_000) return amounts;
  }
}

function plantRapid(soil: Soil, hard: boolean): Planted {
  const { dice } = soil;
  const party = soil.take();
  const start = soil.day(3) * DAY_MS + dice.index(DAY_MS);
  const total = hard ? 310_000 + dice.index(300_000) : 400_000 + dice.index(4_000_000);
  const into = split(dice, total, { count: 1 + dice.index(3), most: total });
  const share = hard ? 0.82 + 0.04 * dice.share() : 0.88 + 0.1 * dice.share();
  const count = hard ? 2 + dice.index(3) : 1 + dice.index(2);
  const out = split(dice, Math.floor(total * share), { count, most: total });
  const endMs = (hard ? 40 + 7 * dice.share() : 2 + 20 * dice.share()) * HOUR_MS;
  const arriveMs = into.map((_, i) => Math.floor(i * 0.02 * endMs));
  const drafts = [
    ...into.map((cents, i): Draft => {
      const counterparty = `${name(soil, 'ri')}-${i}`;
      return { atMs: start + (arriveMs[i] ?? 0), direction: 'in', party, counterparty, cents };
    }),
    ...out.map((cents, i): Draft => {
      const atMs = start + Math.floor(endMs * (1 - 0.1 * (out.length - 1 - i)));
      return { atMs, direction: 'out', party, counterparty: `${name(soil, 'ro')}-${i}`, cents };
    }),
  ];
  const about = { hard, variant: `${out.length} out`, parties: [party] };
  return { pattern: patternOf('rapid_movement', about), drafts };
}

const RISKS = ['mixer', 'darknet', 'scam', 'ransomware', 'gambling', 'sanctions'];

function plantRisk(soil: Soil, hard: boolean): Planted {
  const { dice } = soil;
  const party = soil.take();
  const atMs = soil.day(1) * DAY_MS + dice.index(DAY_MS);
  const kind = RISKS[dice.index(RISKS.length)] ?? 'mixer';
  const mark = dice.chance(0.2)
    ? { kind: 'country', about: 'KP' }
    : { kind, about: 'a planted label' };
  const cents = hard ? 100 + dice.index(3_000) : 5_000 + dice.index(900_000);
  const direction = dice.chance(0.5) ? 'in' : 'out';
  const counterparty = name(soil, 'bad');
  const about = { hard, variant: mark.kind, parties: [party] };
  return {
    pattern: patternOf('high_risk_counterparty', about),
    drafts: [{ atMs, direction, party, counterparty, cents, marks: [mark] }],
  };
}

function plantFan(soil: Soil, hard: boolean, direction: 'in' | 'out'): Planted {
  const { dice } = soil;
  const party = soil.take();
  const count = hard ? 10 + dice.index(4) : 14 + dice.index(30);
  const start = soil.day(8) * DAY_MS + dice.index(DAY_MS);
  const spreadMs = (hard ? 6.2 + 0.7 * dice.share() : 1 + 3 * dice.share()) * DAY_MS;
  const low = hard ? 31_000 : 30_000;
  const high = hard ? 60_000 : 250_000;
  const drafts = Array.from({ length: count }, (_, i): Draft => {
    const atMs = start + Math.floor((spreadMs * i) / (count - 1));
    const cents = low + dice.index(high - low);
    return { atMs, direction, party, counterparty: `${name(soil, 'fan')}-${i}`, cents };
  });
  const typology = direction === 'in' ? 'fan_in' : 'fan_out';
  return { pattern: patternOf(typology, { hard, variant: 'fan', parties: [party] }), drafts };
}

/** Between accounts directly, or by wallets outside of which both ends are seen. */
function plantCycle(soil: Soil, hard: boolean): Planted {
  const { dice } = soil;
  const isDirect = dice.chance(0.3);
  const accounts = Array.from({ length: isDirect ? 3 + dice.index(2) : 2 + dice.index(2) }, () =>
    soil.take(),
  );
  const start = soil.day(11) * DAY_MS + dice.index(DAY_MS);
  const hops = isDirect ? accounts.length : 2 * accounts.length;
  const lengthMs = (hard ? 8 + 1.8 * dice.share() : 1 + 4 * dice.share()) * DAY_MS;
  let cents = hard ? 500_000 + dice.index(600_000) : 150_000 + dice.index(3_000_000);
  const drafts: Draft[] = [];
  accounts.forEach((party, i) => {
    const next = accounts[(i + 1) % accounts.length] ?? party;
    const wallet = `${name(soil, 'cyc')}-${i}`;
    const sent = { direction: 'out', party, counterparty: isDirect ? next : wallet } as const;
    drafts.push({ ...sent, atMs: atHop(drafts.length), cents });
    cents = passedOn(cents);
    if (isDirect) return;
    const got = { direction: 'in', party: next, counterparty: wallet } as const;
    drafts.push({ ...got, atMs: atHop(drafts.length), cents });
    cents = passedOn(cents);
  });
  function atHop(hop: number): number {
    return start + Math.floor((lengthMs * hop) / (hops - 1)) + hop;
  }
  function passedOn(amount: number): number {
    const kept = hard ? 0.74 + 0.2 * dice.share() : 0.9 + 0.1 * dice.share();
    return Math.max(100_001, Math.floor(amount * kept));
  }
  const variant = isDirect ? `${hops} hops, accounts only` : `${hops} hops by wallets`;
  return { pattern: patternOf('cycle', { hard, variant, parties: accounts }), drafts };
}

function plantDormant(soil: Soil, hard: boolean): Planted {
  const { dice, days } = soil;
  const party = soil.take();
  const silent = hard ? 181 + dice.index(3) : 190 + dice.index(60);
  const wakes = silent + 60 + dice.index(Math.max(1, days - silent - 75));
  const count = hard ? 3 + dice.index(4) : 1 + dice.index(4);
  const total = hard ? 510_000 + dice.index(60_000) : 600_000 + dice.index(3_000_000);
  const spreadMs = (hard ? 6 + 0.8 * dice.share() : 2 * dice.share()) * DAY_MS;
  const direction = dice.chance(0.5) ? 'in' : 'out';
  const start = wakes * DAY_MS + dice.index(DAY_MS);
  const drafts = split(dice, total, { count, most: 990_000 * 4 }).map((cents, i): Draft => {
    const atMs = start + (count === 1 ? 0 : Math.floor((spreadMs * i) / (count - 1)));
    return { atMs, direction, party, counterparty: `${name(soil, 'd')}-${i}`, cents };
  });
  // It has moved money before it fell silent, on the day before at the latest.
  const before = { direction: 'in', party, counterparty: name(soil, 'd'), cents: 9_900 } as const;
  const first = { ...before, atMs: (wakes - silent) * DAY_MS - DAY_MS };
  const about = { hard, variant: `${count} payments`, parties: [party] };
  return {
    pattern: patternOf('dormant_then_active', about),
    drafts: [first, ...drafts],
    silent: { from: wakes - silent, to: days },
  };
}

function plantRound(soil: Soil, hard: boolean): Planted {
  const { dice } = soil;
  const party = soil.take();
  const count = hard ? 4 + dice.index(2) : 5 + dice.index(5);
  const start = soil.day(15) * DAY_MS + dice.index(DAY_MS);
  const spreadMs = (hard ? 12 + 1.8 * dice.share() : 3 + 7 * dice.share()) * DAY_MS;
  const direction = dice.chance(0.5) ? 'in' : 'out';
  const drafts = Array.from({ length: count }, (_, i): Draft => {
    const exact = (1 + dice.index(hard ? 3 : 6)) * 100_000;
    // As many satoshis as come nearest to it are a little more or less.
    const off = hard ? Math.round(exact * 0.0004 * (2 * dice.share() - 1)) : dice.index(3) - 1;
    const atMs = start + Math.floor((spreadMs * i) / (count - 1));
    return { atMs, direction, party, counterparty: name(soil, 'r'), cents: exact + off };
  });
  const about = { hard, variant: `${count} payments`, parties: [party] };
  return { pattern: patternOf('round_amount', about), drafts };
}

function patternOf(typology: MonitoringRule, about: Omit<Pattern, 'typology'>): Pattern {
  return { typology, ...about };
}

function name({ number }: Soil, what: string): string {
  return `address:${what}${number}`;
}

/** Parts of a total, none above `most`. */
function split(dice: Dice, total: number, { count, most }: { count: number; most: number }) {
  for (;;) {
    const weights = Array.from({ length: count }, () => 0.3 + dice.share());
    const all = weights.reduce((a, b) => a + b, 0);
    const parts = weights.map((weight) => Math.max(1, Math.floor((total * weight) / all)));
    const rest = total - parts.reduce((a, b) => a + b, 0);
    parts[0] = (parts[0] ?? 0) + rest;
    if (parts.every((part) => part > 0 && part <= most)) return parts;
  }
}
