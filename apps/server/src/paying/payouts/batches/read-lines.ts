import { type PayoutBatchLineInput, MAX_BATCH_LINES } from '@quittance/contract';
import { CsvError, parse } from 'csv-parse/sync';

/** A line of a batch before anything about it is judged. */
export type RawLine = {
  readonly line: number;
  readonly input: PayoutBatchLineInput;
  /** What is wrong with the line as such. */
  readonly problem: string | null;
};
export type ReadLines =
  | { readonly ok: true; readonly lines: readonly RawLine[] }
  | { readonly ok: false; readonly reason: string };

/** Names that columns may have, each with the field that it fills. */
const COLUMNS: Readonly<Record<string, keyof PayoutBatchLineInput>> = {
  destination: 'destination',
  address: 'destination',
  amount: 'amount',
  currency: 'currency',
  fee_from: 'feeFrom',
  external_id: 'externalId',
  description: 'description',
};
/** A row longer than this is no payout. */
const MAX_RECORD_CHARACTERS = 9_500;

/** Lines that came as JSON, counted from 1. */
export function linesOfJson(payouts: readonly PayoutBatchLineInput[]): RawLine[] {
  return payouts.map((input, at) => ({ line: at + 1, input, problem: null }));
}

/**
 * Reads a CSV file (RFC 4180; a byte order mark and empty lines are passed over). What is wrong
 * with the file as a whole is a reason; what is wrong with one line is judged later. No cell is
 * ever calculated, trimmed into a number or guessed.
 */
export function linesOfCsv(csv: string): ReadLines {
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parse(csv, {
      bom: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
      // Such a line gets a verdict of its own.
      relax_column_count: true,
      max_record_size: MAX_RECORD_CHARACTERS,
      // One more than allowed, so that too long a file is told from one that just fits.
      to: MAX_BATCH_LINES + 2,
    }) as unknown as typeof rows;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { ok: false, reason: error.message.slice(0, 300) };
  }
  const [header, ...body] = rows;
  if (header === undefined) return { ok: false, reason: 'the file is empty' };
  if (body.length > MAX_BATCH_LINES) {
    return { ok: false, reason: `the file has more than ${MAX_BATCH_LINES} payouts` };
  }
  const names = header.record.map((name) => COLUMNS[name.toLowerCase()]);
  const unknown = header.record.filter((_, at) => names[at] === undefined);
  if (unknown.length > 0) {
    const known = Object.keys(COLUMNS).join(', ');
    const first = (unknown[0] ?? '').slice(0, 50);
    return { ok: false, reason: `the column "${first}" is not known; possible are ${known}` };
  }
  if (new Set(names).size !== names.length) {
    return { ok: false, reason: 'a column comes twice' };
  }
  if (!names.includes('destination') || !names.includes('amount')) {
    return { ok: false, reason: 'the header must name the columns destination and amount' };
  }
  return {
    ok: true,
    lines: body.map(({ record, info }) => {
      const input: PayoutBatchLineInput = { destination: '', amount: '' };
      for (const [at, name] of names.entries()) {
        const text = record[at] ?? '';
        // An empty cell says nothing, as if the column were not there.
        if (name !== undefined && text !== '') input[name] = text;
      }
      const problem =
        record.length === names.length
          ? null
          : `The line has ${record.length} cells; the header names ${names.length}.`;
      return { line: info.lines, input, problem };
    }),
  };
}
