import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** A line longer than this is no entry of any list; it bounds memory against hostile files. */
export const MAX_LINE_LETTERS = 4_000_000;

export type Line = { text: string; line: number };

/** The lines of a file, one at a time, from line 1, without a byte order mark. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  const input = createReadStream(file, 'utf8');
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let line = 0;
  try {
    for await (const text of lines) {
      line++;
      yield { text: line === 1 ? text.replace(/^\uFEFF/, '') : text, line };
    }
  } finally {
    lines.close();
    input.destroy();
  }
}
