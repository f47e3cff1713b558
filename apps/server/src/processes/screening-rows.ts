import {
  countryCode,
  type DateRange,
  type Gender,
  readCsv,
  readDate,
} from '../compliance/screening/index.ts';

/** A command line or an input file that is not as it should be. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** A row of a CSV file that a person made: `get` finds a cell by its column's name, in any case. */
export type Row = {
  /** As many as there are columns. */
  cells: string[];
  header: boolean;
  get(column: string): string;
  /** What is wrong with the row as a whole; null: nothing. */
  note: string | null;
};

/**
 * Gives each row of a file to a function, the header first. A row with too few or too many cells is
 * given with a note: it is never a reason to leave out the rows after it.
 * @throws {InputError} for a file without the columns that are needed, or without anything
 */
export async function eachRow(
  file: string,
  needed: readonly string[],
  onRow: (row: Row) => void,
): Promise<void> {
  let columns: Map<string, number> | undefined;
  let width = 0;
  for await (const { cells } of readCsv(file)) {
    const header = columns === undefined;
    if (columns === undefined) {
      width = cells.length;
      columns = columnsOf(cells);
      const missing = needed.filter((name) => columns?.has(name) !== true);
      if (missing.length > 0) {
        const names = missing.map((name) => `"${name}"`).join(', ');
        throw new InputError(`${file}: no column ${names} in its first line`);
      }
    }
    const known = columns;
    onRow({
      cells: Array.from({ length: width }, (_, at) => cells[at] ?? ''),
      header,
      get: (name) => (cells[known.get(name) ?? -1] ?? '').trim(),
      note: cells.length === width ? null : `${cells.length} cells, but ${width} columns`,
    });
  }
  if (columns === undefined) throw new InputError(`${file}: empty`);
}

/** Of two columns of one name the first counts. */
function columnsOf(header: readonly string[]): Map<string, number> {
  const columns = new Map<string, number>();
  header.forEach((cell, at) => {
    const name = cell
      .replace(/^\uFEFF/, '')
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, '_');
    if (!columns.has(name)) columns.set(name, at);
  });
  return columns;
}

export type CheckedRow = {
  name: string;
  birthDates: DateRange[];
  countries: string[];
  gender: Gender | null;
  /** What could not be read, for a person; the row is screened without it. */
  notes: string[];
};

const GENDERS: Readonly<Record<string, Gender>> = {
  male: 'male',
  m: 'male',
  man: 'male',
  female: 'female',
  f: 'female',
  w: 'female',
  woman: 'female',
};
/** What people write where nothing is known. */
const UNKNOWN = /^(?:|-|\?|n\/?a|none|null|unknown|u|x|other|-0-|0000-00-00)$/i;

/** Reads what is known of somebody from a row; whatever can not be read is told and left out. */
export function readPerson({ get, note }: Row): CheckedRow {
  const notes = note === null ? [] : [note];
  const name = get('full_name') || [get('first_name'), get('last_name')].join(' ').trim();
  if (!/[\p{L}\p{N}]/u.test(name)) notes.push('no name');
  return {
    name,
    birthDates: readBirthDates(get('date_of_birth') || get('birth_date'), notes),
    countries: readCountries([get('nationality'), get('country')], notes),
    gender: readGender(get('gender') || get('sex'), notes),
    notes,
  };
}

function readBirthDates(text: string, notes: string[]): DateRange[] {
  if (UNKNOWN.test(text)) return [];
  const range = readDate(text);
  if (range === null) {
    notes.push(`date_of_birth "${text}" can not be read; screened without it`);
    return [];
  }
  // 03/04/1970 is a day of March for some and of April for others: whichever fits counts.
  const [, day = '', month = '', year = ''] = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text) ?? [];
  const other = day === month ? null : readDate(`${month}/${day}/${year}`);
  return other === null || other.from === range.from ? [range] : [range, other];
}

function readCountries(texts: readonly string[], notes: string[]): string[] {
  const codes = new Set<string>();
  for (const text of texts.flatMap((one) => one.split(/[;|]/)).map((one) => one.trim())) {
    if (UNKNOWN.test(text)) continue;
    const code = countryCode(text);
    if (code === null) notes.push(`country "${text}" is not known; screened without it`);
    else codes.add(code);
  }
  return [...codes];
}

function readGender(text: string, notes: string[]): Gender | null {
  const found = GENDERS[text.toLowerCase()];
  if (found === undefined && !UNKNOWN.test(text)) {
    notes.push(`gender "${text}" is not known; screened without it`);
  }
  return found ?? null;
}
