import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineSplitter } from './index.ts';

const text = fc.string({ unit: 'binary' }).map((each) => each.replaceAll('\n', '').toWellFormed());

test('the same lines come out, however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(text, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (lines, cuts) => {
        const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
        const read: string[] = [];
        const take = createLineSplitter(1_000, (line) => read.push(line));
        for (let [at, n] = [0, 0]; at < bytes.length; n++) {
          const end = at + (cuts[n % cuts.length] ?? 1);
          expect(take(bytes.subarray(at, end))).toBe(true);
          at = end;
        }
        expect(read).toEqual(lines);
      },
    ),
  );
});

test('a line of the limit is taken, a longer one is not, whether its end has come or not', () => {
  for (const end of ['', '\n']) {
    const bytes = (length: number) => new TextEncoder().encode('x'.repeat(length) + end);
    const read: string[] = [];
    const splitter = () => createLineSplitter(5, (line) => read.push(line));
    expect(splitter()(bytes(5))).toBe(true);
    expect(splitter()(bytes(6))).toBe(false);
    const inPieces = splitter();
    expect(inPieces(new TextEncoder().encode('xxx'))).toBe(true);
    expect(inPieces(bytes(3))).toBe(false);
    expect(read).toEqual(end === '' ? [] : ['xxxxx']);
  }
});
