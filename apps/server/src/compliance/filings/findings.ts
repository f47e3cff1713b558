import { lengthOf, oneLine } from './xml/text.ts';

/** One thing that keeps a report from being filed: where (JSON pointer) and what to do. */
export type Finding = { readonly pointer: string; readonly detail: string };

export type Built =
  | { readonly ok: true; readonly xml: string; readonly summary: FilingSummary }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** What the head of a document says of it. */
export type FilingSummary = {
  readonly activities: number;
  readonly parties: number;
  /** Whole US dollars, or the sum of the transactions in the authority's currency. */
  readonly total: string;
};

/**
 * Reads the values of a report for an authority and collects all that is wrong with them. A value
 * that does not fit is told and never cut. Each function gives null for what is not there.
 */
export type Fields = {
  readonly findings: Finding[];
  /** @param max in characters, as XSD counts them */
  text(pointer: string, value: string | undefined, max: number): string | null;
  needed(pointer: string, value: string | undefined, max: number): string | null;
  /** Digits only; what people write between them is left out. */
  digits(pointer: string, value: string | undefined, max: number): string | null;
  /** YYYYMMDD; the day must exist. */
  day(pointer: string, value: string | undefined): string | null;
  /** Whole units, rounded up: $15,265.25 is filed as 15266 (FinCEN CTR user guide, item 13). */
  wholeUp(pointer: string, value: string | undefined): bigint | null;
  tell(pointer: string, detail: string): void;
};

const DECIMAL = /^(?<whole>[0-9]{1,40})(?:\.(?<rest>[0-9]{1,40}))?$/;
/** FinCEN's schemas take amounts of 15 characters. */
const MAX_AMOUNT = 999_999_999_999_999n;

export function readFields(): Fields {
  const findings: Finding[] = [];
  const tell = (pointer: string, detail: string) => void findings.push({ pointer, detail });
  function text(pointer: string, value: string | undefined, max: number): string | null {
    const line = oneLine(value ?? '');
    if (line === '') return null;
    const length = lengthOf(line);
    if (length > max) tell(pointer, `at most ${max} characters, these are ${length}`);
    return line;
  }
  return {
    findings,
    tell,
    text,
    needed(pointer, value, max) {
      const found = text(pointer, value, max);
      if (found === null) tell(pointer, 'is missing');
      return found;
    },
    digits(pointer, value, max) {
      const line = text(pointer, value, Number.POSITIVE_INFINITY);
      if (line === null) return null;
      const digits = line.replace(/[\s()+./-]/gu, '');
      if (!/^[0-9]+$/.test(digits)) tell(pointer, 'write digits');
      else if (digits.length > max) tell(pointer, `at most ${max} digits`);
      return digits;
    },
    day(pointer, value) {
      if (value === undefined || value === '') return null;
      if (!isDay(value)) {
        tell(pointer, 'is no day of the calendar from 1900 to 2099, as 2026-01-31');
        return null;
      }
      return value.replaceAll('-', '');
    },
    wholeUp(pointer, value) {
      if (value === undefined) return null;
      const parts = DECIMAL.exec(value)?.groups;
      if (parts === undefined) {
        tell(pointer, 'write a plain decimal such as 15265.25');
        return null;
      }
      const whole = BigInt(parts['whole'] ?? '0') + (/[1-9]/.test(parts['rest'] ?? '') ? 1n : 0n);
      if (whole > MAX_AMOUNT) tell(pointer, 'is more than a report can hold');
      return whole;
    },
  };
}

const DAY = /^(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}$/;

/** Whether a text is a day that exists, of a year that the authorities' schemas take. */
export function isDay(value: string): boolean {
  if (!DAY.test(value)) return false;
  const ms = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 10) === value;
}

/** The element's text "Y", or no element. */
export function yes(condition: boolean): string | null {
  return condition ? 'Y' : null;
}
