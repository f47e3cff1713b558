import { formatBtc, MAX_SATS } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseNodeJson as parseText, parseNodeJsonBytes } from './json.ts';

/** Text and bytes are read in two ways, which have to agree about everything. */
function parseNodeJson(text: string): unknown {
  const parsed = outcomeOf(() => parseText(text));
  expect(outcomeOf(() => parseNodeJsonBytes(Buffer.from(text)))).toEqual(parsed);
  if (parsed.ok) return parsed.value;
  throw parsed.error;
}

function outcomeOf(
  parse: () => unknown,
): { ok: true; value: unknown } | { ok: false; error: Error } {
  try {
    return { ok: true, value: parse() };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Where it stands is told of another text, in which fractions have quotes.
    return { ok: false, error: new SyntaxError('no JSON') };
  }
}

test('every amount comes through as the exact text that the node wrote', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MAX_SATS }), (sats) => {
      const text = formatBtc(sats);
      expect(parseNodeJson(`{"amount": ${text}, "list":[${text},-${text}]}`)).toEqual({
        amount: text,
        list: [text, `-${text}`],
      });
    }),
  );
});

test('everything without fractions is parsed as by JSON.parse', () => {
  const json = fc.jsonValue({ noUnicodeString: false }).filter((value) => {
    const text = JSON.stringify(value);
    return (
      JSON.stringify(value, (_key, item: unknown) =>
        typeof item === 'number' && !Number.isSafeInteger(item) ? undefined : item,
      ) === text
    );
  });
  fc.assert(
    fc.property(json, (value) => {
      const text = JSON.stringify(value);
      expect(parseNodeJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test('a number too long for a float and one with an exponent stay text', () => {
  expect(parseNodeJson('[9007199254740993, 4.6e-10, 1e400, 12]')).toEqual([
    '9007199254740993',
    '4.6e-10',
    '1e400',
    12,
  ]);
});

/** What it has to be, number by number, however the text is read. */
function byReviver(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) => {
    const source = context?.source ?? '';
    if (typeof value !== 'number') return value;
    return /[.eE]/.test(source) || !Number.isSafeInteger(value) ? source : value;
  });
}

test('what looks like a number inside a string stays as it was written, whatever stands beside it', () => {
  const piece = fc.constantFrom('a', ':0.5,', ',1e3]', '[-2.50}', '"', '\\', ' ', ': 7.1 ', '0.1');
  const words = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
  const numberText = fc.constantFrom('0.10000000', '-1.5', '1e-8', '12', '9007199254740993', '0');
  const value = fc.letrec<{ any: string }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      numberText,
      words.map((text) => JSON.stringify(text)),
      fc.array(tie('any'), { maxLength: 4 }).map((items) => `[${items.join(' , ')}]`),
      fc
        .array(fc.tuple(words, tie('any')), { maxLength: 4 })
        .map((fields) => `{${fields.map(([k, v]) => `${JSON.stringify(k)}:${v}`).join(',')}}`),
    ),
  })).any;
  fc.assert(
    fc.property(value, (text) => {
      expect(parseNodeJson(text)).toEqual(byReviver(text));
    }),
    { numRuns: 500 },
  );
});

test('what is no JSON is refused as ever', () => {
  for (const text of [
    '[01.5]',
    '[1.5.2]',
    '{"a":1,2.5}',
    '{1.5:2}',
    '"a:1.5,',
    '[1.5',
    '0.5 0.5',
  ]) {
    expect(() => parseNodeJson(text), text).toThrow(SyntaxError);
  }
});
