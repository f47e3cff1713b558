import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { filingFactsSchema, filingKinds, type SarFacts } from '@quittance/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitNarrative } from './fincen/narrative.ts';
import { buildFiling, openFilingValidator, sampleFiling } from './index.ts';
import { element, writeXml } from './xml/element.ts';
import { lengthOf, oneLine } from './xml/text.ts';

const testData =
  process.env['QUITTANCE_TESTDATA'] ?? join(import.meta.dirname, '../../../../../../shared/data');
const schemas = existsSync(join(testData, 'filings')) ? join(testData, 'filings') : null;

const { reporter } = sampleFiling('sar', 1);
const sar: SarFacts = {
  kind: 'sar',
  filingDate: '2026-11-21',
  report: 'initial',
  subjects: [{ type: 'individual', name: 'Mann', firstName: 'Janice' }],
  activity: {
    from: '2026-11-01',
    to: '2026-11-20',
    amountUsd: '15265.25',
    kinds: [{ code: 821 }],
  },
  narrative: 'Janice Mann sent bitcoin from a listed address.',
};

function documentOf(facts: SarFacts): string {
  const built = buildFiling(facts, reporter);
  if (!built.ok) throw new Error(JSON.stringify(built.findings));
  return built.xml;
}

function findingsOf(facts: SarFacts): readonly { pointer: string; detail: string }[] {
  const built = buildFiling(facts, reporter);
  return built.ok ? [] : built.findings;
}

test('amounts are rounded up to whole dollars, as the user guide shows', () => {
  expect(documentOf(sar)).toContain('<fc2:TotalSuspiciousAmountText>15266<');
  const whole = { ...sar, activity: { ...sar.activity, amountUsd: '15265.000' } };
  expect(documentOf(whole)).toContain('<fc2:TotalSuspiciousAmountText>15265<');
});

test('a correction names the report that it corrects, an initial report none', () => {
  const correction = { ...sar, report: 'correction' } as const;
  expect(findingsOf(correction)).toEqual([{ pointer: '/priorReportId', detail: 'is missing' }]);
  const id = '31000055053784';
  const xml = documentOf({ ...correction, priorReportId: id });
  expect(xml).toContain(`<fc2:EFilingPriorDocumentNumber>${id}<`);
  expect(xml).toContain('<fc2:CorrectsAmendsPriorReportIndicator>Y<');
  expect(findingsOf({ ...sar, priorReportId: id })[0]?.pointer).toBe('/priorReportId');
  expect(findingsOf({ ...correction, priorReportId: '12' })[0]?.pointer).toBe('/priorReportId');
});

test('everything that is missing or too long is told at once, with its place', () => {
  const wrong: SarFacts = {
    ...sar,
    filingDate: '2026-02-30',
    noteToFincen: 'x'.repeat(51),
    subjects: [
      { type: 'individual', name: 'n'.repeat(151), birthDate: '1850-01-01' },
      { type: 'entity', ids: [{ kind: 'ein', number: '12-345' }], accounts: ['a'.repeat(41)] },
    ],
    activity: { from: '2026-11-02', to: '2026-11-01', kinds: [{ code: 9_999 }, { code: 5 }] },
    narrative: ' \n ',
  };
  expect(
    findingsOf(wrong)
      .map(({ pointer }) => pointer)
      .sort(),
  ).toEqual([
    '/activity/kinds/0/otherText',
    '/activity/kinds/1/code',
    '/activity/to',
    '/filingDate',
    '/narrative',
    '/noteToFincen',
    '/subjects/0/birthDate',
    '/subjects/0/name',
    '/subjects/1/accounts/0',
    '/subjects/1/ids/0/number',
  ]);
});

describe('narrative', () => {
  test('a narrative of 20,000 characters fits in five parts; one more is refused, not cut', () => {
    const full = splitNarrative('𝔄'.repeat(20_000));
    expect(full.ok && full.parts.map(lengthOf)).toEqual([4_000, 4_000, 4_000, 4_000, 4_000]);
    expect(splitNarrative('𝔄'.repeat(20_001))).toMatchObject({
      ok: false,
      reason: expect.stringContaining('20001 characters are too many'),
    });
    expect(findingsOf({ ...sar, narrative: 'a'.repeat(20_001) })[0]?.pointer).toBe('/narrative');
  });

  test('parts are cut between words, and joined they are the narrative', () => {
    const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }), {
      minLength: 20,
      maxLength: 90,
    });
    fc.assert(
      fc.property(words, (given) => {
        const text = oneLine(given.join(' '));
        const split = splitNarrative(text);
        if (!split.ok) return lengthOf(text) === 0 || lengthOf(text) > 18_000;
        expect(split.parts.join(' ')).toBe(text);
        for (const part of split.parts) {
          expect(lengthOf(part)).toBeLessThanOrEqual(4_000);
          expect(part).toBe(part.trim());
        }
        return true;
      }),
      { numRuns: 100 },
    );
  });
});

test('text comes out of a document as it went in, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = oneLine(text);
      expect(line).toBe(oneLine(line));
      expect(() => writeXml(element('a', line))).not.toThrow();
    }),
  );
  expect(oneLine('a\u0000b\ud800c\u202ed \r\n e')).toBe('a\ufffdb\ufffdc\ufffdd e');
  expect(writeXml(element('a', ']]><b>"&'))).toContain('<a>]]&gt;&lt;b&gt;&quot;&amp;</a>');
});

test('made-up reports are drafts that the interface takes, but for what no request can hold', () => {
  for (const kind of filingKinds) {
    const { facts } = sampleFiling(kind, 3);
    const clean = JSON.parse(JSON.stringify(facts), (_, value) =>
      typeof value === 'string' ? oneLine(value).replaceAll('\ufffd', '') : value,
    );
    const parsed = filingFactsSchema.safeParse(clean);
    const wrong = parsed.error?.issues.filter(({ code }) => code !== 'too_big') ?? [];
    expect(wrong).toEqual([]);
  }
});

describe.skipIf(schemas === null)('against the XSDs', () => {
  const validator = openFilingValidator(schemas);

  test('a document that the schema does not allow is told as such, its neighbours are not', async () => {
    const good = documentOf(sar);
    const bad = good.replace('<fc2:FilingDateText>20261121<', '<fc2:FilingDateText>20261341<');
    const twice = good.replace('SeqNum="7"', 'SeqNum="6"');
    const broken = good.slice(0, -20);
    const answers = await validator.validate('sar', [good, bad, twice, good, broken]);
    expect(answers.map(({ state }) => state)).toEqual([
      ...['valid', 'invalid', 'invalid', 'valid', 'invalid'],
    ]);
    expect(answers[1]).toMatchObject({
      errors: [{ detail: expect.stringContaining('20261341') }],
    });
  });

  test('goAML takes the names that its patterns are meant for, and no others', async () => {
    const { facts, reporter: who } = sampleFiling('goaml', 5);
    const built = buildFiling(facts, who);
    const xml = built.ok ? built.xml : '';
    const wrong = xml.replace(/<first_name>[^<]*</, '<first_name>李<');
    const answers = await validator.validate('goaml', [xml, wrong]);
    expect(answers.map(({ state }) => state)).toEqual(['valid', 'invalid']);
  });
});

test('without a schema a document is "unvalidated", and it is said where to get one', async () => {
  const [answer] = await openFilingValidator(null).validate('ctr', ['<a/>']);
  expect(answer).toEqual({
    state: 'unvalidated',
    reason: expect.stringContaining('EFL_CTRXBatchSchema.xsd'),
  });
});
