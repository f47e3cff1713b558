import type { DateRange } from '../list-entry.ts';

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
/** "circa 1970" on a list is a guess by a year or two either way. */
const CIRCA_YEARS = 2;

/** Reads a date as lists write it: "20 May 1985", "1985-05-20", "May 1985", "circa 1985", spans. */
export function readDate(text: string): DateRange | null {
  const plain = text.trim().toLowerCase().replace(/\.$/, '');
  const circa = /^(?:circa|approximately|c\.|ca\.)\s*/.exec(plain);
  if (circa !== null) {
    const range = readDate(plain.slice(circa[0].length));
    return range && { from: shift(range.from, -CIRCA_YEARS), to: shift(range.to, CIRCA_YEARS) };
  }
  const span = /^(.+?)\s+(?:to|and|-)\s+(.+)$/.exec(plain) ?? /^(\d{4})-(\d{4})$/.exec(plain);
  if (span !== null) {
    const [from, to] = [readDate(span[1] ?? ''), readDate(span[2] ?? '')];
    return from === null || to === null || from.from > to.to
      ? null
      : { from: from.from, to: to.to };
  }
  return readPlainDate(plain);
}

function readPlainDate(plain: string): DateRange | null {
  const iso =
    /^(\d{4})(?:[-/.](\d{1,2}))?(?:[-/.](\d{1,2}))?(?:t.*|z|[+-]\d{2}:\d{2})?$/.exec(plain) ??
    /^((?:19|20)\d{2})(\d{2})(\d{2})$/.exec(plain);
  if (iso !== null) return dateOf(Number(iso[1]), optional(iso[2]), optional(iso[3]));
  const worded = /^(?:(\d{1,2})\s+)?([a-z]{3})[a-z]*\.?\s+(\d{4})$/.exec(plain);
  if (worded !== null) {
    const month = MONTHS.indexOf(worded[2] ?? '') + 1;
    return month === 0 ? null : dateOf(Number(worded[3]), month, optional(worded[1]));
  }
  const american = /^([a-z]{3})[a-z]*\.?\s+(\d{1,2}),?\s+(\d{4})$/.exec(plain);
  if (american !== null) {
    const month = MONTHS.indexOf(american[1] ?? '') + 1;
    return month === 0 ? null : dateOf(Number(american[3]), month, Number(american[2]));
  }
  const plainDay = /^(\d{1,2})[-./](\d{1,2})[-./](\d{4})$/.exec(plain);
  if (plainDay === null) return null;
  const [first, second, year] = [plainDay[1], plainDay[2], plainDay[3]].map(Number);
  if (first === undefined || second === undefined || year === undefined) return null;
  // Day before month, unless there is no such month.
  return second > 12 ? dateOf(year, first, second) : dateOf(year, second, first);
}

function optional(text: string | undefined): number | null {
  // Lists write 00 for a month or day that is not known.
  return text === undefined || Number(text) === 0 ? null : Number(text);
}

/** The days that a year, a month of it or a day is; null for a day that no calendar has. */
export function dateOf(year: number, month: number | null, day: number | null): DateRange | null {
  if (year < 1_000 || year > 9_999) return null;
  if (month === null) return { from: iso(year, 1, 1), to: iso(year, 12, 31) };
  if (month < 1 || month > 12) return null;
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (day === null) return { from: iso(year, month, 1), to: iso(year, month, last) };
  if (day < 1 || day > last) return null;
  return { from: iso(year, month, day), to: iso(year, month, day) };
}

function iso(year: number, month: number, day: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${year}-${two(month)}-${two(day)}`;
}

function shift(date: string, years: number): string {
  return `${Number(date.slice(0, 4)) + years}${date.slice(4)}`;
}
