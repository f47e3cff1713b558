import { createReadStream } from 'node:fs';
import { CsvError, parse } from 'csv-parse';
import { ListError } from '../errors.ts';

/** No record of a list comes near; a quote that is never closed must not swallow the file. */
const MAX_RECORD_LETTERS = 1_000_000;

export type CsvRecord = { cells: string[]; line: number };

/**
 * The records of a CSV file, one at a time, with the line each begins on.
 * @throws {ListError} for a file that breaks off inside a quote
 */
export async function* readCsv(file: string, delimiter = ','): AsyncGenerator<CsvRecord> {
  const input = createReadStream(file, 'utf8');
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_LETTERS,
  });
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
