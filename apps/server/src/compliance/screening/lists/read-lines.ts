import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { encodingOf, readText } from './open-text.ts';

/** A line longer than this is no entry of any list; it bounds memory against hostile files. */
export const MAX_LINE_LETTERS = 4_000_000;

export type Line = { text: string; line: number };

/** The lines of a file, one at a time, from line 1, without a byte order mark. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  const encoding = await encodingOf(file);
  const input =
    encoding === 'utf-8' ? createReadStream(file, 'utf8') : Readable.from(readText(file, encoding));
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
