import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { ListError } from '../errors.ts';
import { encodingOf, readText } from './open-text.ts';

/** No record of a list comes near; a quote that is never closed must not swallow the file. */
const MAX_RECORD_LETTERS = 1_000_000;
/** A header is found in as many letters. */
const MAX_HEADER_LETTERS = 100_000;

export type CsvRecord = { cells: string[]; line: number };

/**
 * The records of a CSV file, one at a time, with the line each begins on.
 * @param delimiter undefined: whichever of , ; and tab the first line has most of
 * @throws {ListError} for a file that breaks off inside a quote
 */
export async function* readCsv(file: string, delimiter?: string): AsyncGenerator<CsvRecord> {
  const encoding = await encodingOf(file);
  const start = await startOf(readText(file, encoding));
  // Excel writes its delimiter into a first line of its own; the reader counts from the next.
  const named = /^sep=(.)\r?\n/.exec(start);
  const found = delimiter ?? named?.[1] ?? delimiterOf(start);
  const parser = parse({
    delimiter: found,
    from_line: named === null ? 1 : 2,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_LETTERS,
  });
  const input = Readable.from(readText(file, encoding));
  input.on('error', (error) => parser.destroy(error));
  let line = 0;
  try {
    for await (const one of input.pipe(parser)) {
      const { record, info } = one as { record: string[]; info: { lines: number } };
      // The reader counts the line a record ends on; quoted cells may hold line breaks.
      const breaks = record.reduce((sum, cell) => sum + (cell.split('\n').length - 1), 0);
      line = info.lines;
      yield { cells: record, line: line - breaks };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new ListError(file, line + 1, `not readable as CSV from here: ${error.message}`);
  } finally {
    input.destroy();
    parser.destroy();
  }
}

async function startOf(text: AsyncIterable<string>): Promise<string> {
  let start = '';
  for await (const piece of text) {
    start += piece;
    if (start.length >= MAX_HEADER_LETTERS || /\n/.test(start)) break;
  }
  return start;
}

function delimiterOf(start: string): string {
  const [line = ''] = start.replaceAll(/"[^"]*"/g, '').split(/\r?\n/, 1);
  const count = (sign: string) => line.split(sign).length;
  return [',', ';', '\t'].reduce((best, sign) => (count(sign) > count(best) ? sign : best));
}
