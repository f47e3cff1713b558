import type { DateRange, Gender } from '../list-entry.ts';
import { FULL_POINTS, type ScorePart } from './score.ts';

/** What is known of somebody beside the name. Only what both sides know is weighed. */
export type Facts = {
  birthDates: readonly DateRange[];
  /** ISO 3166-1 alpha-2, lower case. */
  countries: readonly string[];
  gender: Gender | null;
};

const DAY_MS = 86_400_000;

/** Weighs birth date, country and gender, in points that are added to a score of names. */
export function weighFacts(asked: Facts, listed: Facts): ScorePart[] {
  const parts: ScorePart[] = [];
  if (asked.birthDates.length > 0 && listed.birthDates.length > 0) {
    parts.push(birthDatePart(asked.birthDates, listed.birthDates));
  }
  if (asked.countries.length > 0 && listed.countries.length > 0) {
    const same = asked.countries.some((country) => listed.countries.includes(country));
    parts.push({
      kind: 'country',
      points: same ? 150 : -400,
      asked: asked.countries.join(' '),
      listed: listed.countries.join(' '),
      likeness: same ? 'same' : 'different',
    });
  }
  if (asked.gender !== null && listed.gender !== null && asked.gender !== listed.gender) {
    const who = { asked: asked.gender, listed: listed.gender };
    parts.push({ kind: 'gender', points: -1_500, ...who, likeness: 'different' });
  }
  return parts;
}

function birthDatePart(asked: readonly DateRange[], listed: readonly DateRange[]): ScorePart {
  let best: ScorePart | undefined;
  for (const one of asked) {
    for (const other of listed) {
      const points = birthDatePoints(one, other);
      if (best === undefined || points > best.points) {
        best = {
          kind: 'birth-date',
          points,
          asked: describe(one),
          listed: describe(other),
          likeness: points > 200 ? 'same' : points > 0 ? 'partly-same' : 'different',
        };
      }
    }
  }
  return best ?? { kind: 'birth-date', points: 0 };
}

function describe({ from, to }: DateRange): string {
  return from === to ? from : `${from}..${to}`;
}

/** Lists are vague about years; a date that is exact on both sides and differs says most. */
function birthDatePoints(a: DateRange, b: DateRange): number {
  const exact = a.from === a.to && b.from === b.to;
  if (exact && a.from === b.from) return 500;
  if (a.from <= b.to && b.from <= a.to) return 200;
  if (exact && dayAndMonthSwapped(a.from, b.from)) return 0;
  const gap = Math.max(
    Date.parse(a.from) - Date.parse(b.to),
    Date.parse(b.from) - Date.parse(a.to),
  );
  const years = gap / DAY_MS / 365;
  if (exact && a.from.slice(0, 4) === b.from.slice(0, 4)) return -600;
  if (years <= 1) return -800;
  if (years <= 3) return -1_800;
  return -Math.round(FULL_POINTS * 0.35);
}

function dayAndMonthSwapped(a: string, b: string): boolean {
  return (
    a.slice(0, 4) === b.slice(0, 4) && a.slice(5, 7) === b.slice(8) && a.slice(8) === b.slice(5, 7)
  );
}
