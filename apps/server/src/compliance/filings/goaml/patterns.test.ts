import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FilingReporter, GoamlFacts } from '@quittance/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sampleFiling } from '../index.ts';
import { openFilingValidator, withoutAnchors } from '../validate.ts';
import { buildGoaml } from './goaml.ts';
import { findMisfits, readAnchoredPatterns } from './patterns.ts';

const testData =
  process.env['QUITTANCE_TESTDATA'] ??
  join(import.meta.dirname, '../../../../../../../shared/data');
const path = join(testData, 'filings/goaml/goAMLSchema.xsd');
const schema = existsSync(path) ? readFileSync(path, 'utf8') : null;

type Given = { facts: GoamlFacts; reporter: FilingReporter };

/**
 * Where each element that has an anchored pattern gets its text from. `account_name` is always the same
 * words; `prefix` and `commercial_name` are never written.
 */
const SOURCES: readonly {
  element: string;
  pointer: string;
  put(given: Given, text: string): Given;
}[] = [
  ...(['firstName', 'middleName', 'name'] as const).map((field) => ({
    element: { firstName: 'first_name', middleName: 'middle_name', name: 'last_name' }[field],
    pointer: `/subjects/0/${field}`,
    put: (given: Given, text: string) => withSubject(given, 'individual', { [field]: text }),
  })),
  {
    element: 'name',
    pointer: '/subjects/0/name',
    put: (given, text) => withSubject(given, 'entity', { name: text }),
  },
  ...(['firstName', 'lastName'] as const).map((field) => ({
    element: { firstName: 'first_name', lastName: 'last_name' }[field],
    pointer: `/reporter/goaml/${field}`,
    put: ({ facts, reporter }: Given, text: string): Given => {
      const goaml = { entityId: 1, currency: 'EUR', firstName: 'Jane', lastName: 'Roe' };
      return { facts, reporter: { ...reporter, goaml: { ...goaml, [field]: text } } };
    },
  })),
];

function withSubject(
  { facts, reporter }: Given,
  type: 'individual' | 'entity',
  changed: object,
): Given {
  const whole = { type, name: 'Roe', ...(type === 'individual' ? { firstName: 'Jane' } : {}) };
  return { reporter, facts: { ...facts, transactions: [], subjects: [{ ...whole, ...changed }] } };
}

function sample(seed: number): Given {
  const { facts, reporter } = sampleFiling('goaml', seed);
  if (facts.kind !== 'goaml') throw new Error('a sample of goAML is one');
  return { facts, reporter };
}

/** Letters that a name of goAML can not have, of many kinds, and that no writing without accents gives. */
const bad = fc.constantFrom('李', 'Ж', 'ع', '#', '^', '$', '/', '_', '@', '&', '(', '😀', '€', '=');
const word = fc.stringMatching(/^[A-Za-z]{1,8}$/);

test('a value that goAML has no letters for is refused by the writer, with its place and what to do, at each of its elements', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SOURCES),
      fc.tuple(word, bad, word),
      fc.nat(50),
      ({ pointer, put }, parts, seed) => {
        const { facts, reporter } = put(sample(seed), parts.join(''));
        const built = buildGoaml(facts, reporter);
        expect(built.ok).toBe(false);
        const findings = built.ok ? [] : built.findings;
        expect(findings).toContainEqual({
          pointer,
          detail: expect.stringContaining('English letters'),
        });
      },
    ),
  );
});

describe.skipIf(schema === null)('against the schema', () => {
  const text = schema ?? '';
  const patterns = readAnchoredPatterns(text);
  const validator = openFilingValidator(join(testData, 'filings'));

  test('every pattern that is stripped of its anchors is read, and no other', () => {
    const inForce = text.replace(/<!--.*?-->/gs, '');
    const stripped = inForce.length - withoutAnchors(inForce).length;
    expect(patterns.all.length).toBeGreaterThan(20);
    // Each loses two letters.
    expect(stripped).toBe(2 * patterns.all.length);
    expect(readAnchoredPatterns(withoutAnchors(text)).all).toEqual([]);
  });

  test('each element with such a pattern that the writer writes is covered by the test above', () => {
    const covered = new Set(SOURCES.map(({ element }) => element));
    const written = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const { facts, reporter } = sample(seed);
      const built = buildGoaml(facts, reporter);
      expect(built.ok).toBe(true);
      const xml = built.ok ? built.xml : '';
      expect(findMisfits(xml, patterns)).toEqual([]);
      for (const name of patterns.ofElement.keys())
        if (xml.includes(`<${name}>`)) written.add(name);
    }
    expect([...written].filter((name) => !covered.has(name))).toEqual(['account_name']);
    expect([...covered].filter((name) => !patterns.ofElement.has(name))).toEqual([]);
  });

  test('our reading and the validator refuse the same values of the same elements', async () => {
    const { facts, reporter } = withSubject(sample(5), 'individual', { middleName: 'Mary' });
    const built = buildGoaml(facts, reporter);
    const xml = built.ok ? built.xml : '';
    const all: string[] = [];
    for (const name of ['first_name', 'middle_name', 'last_name']) {
      for (const value of ['李', 'a^', '^a$', 'a#b']) {
        const wrong = xml.replaceAll(new RegExp(`<${name}>[^<]*<`, 'g'), `<${name}>${value}<`);
        expect(wrong).not.toBe(xml);
        const misfits = findMisfits(wrong, patterns);
        expect(misfits[0]?.detail).toContain(`Element '${name}': the value '${value}'`);
        all.push(wrong);
      }
    }
    const [good, ...others] = await validator.validate('goaml', [xml, ...all]);
    expect(good?.state).toBe('valid');
    expect(others.map(({ state }) => state)).toEqual(all.map(() => 'invalid'));
  });

  test('a schema that writes its patterns in another way loses none of them', () => {
    const other = text.replaceAll(
      /<xs:pattern value="(\^[^"]*\$)"\s*\/>/g,
      (_, pattern: string) => `<xs:pattern id='p'\n value='${pattern.replaceAll("'", '&apos;')}'/>`,
    );
    expect(other).not.toBe(text);
    expect(readAnchoredPatterns(other).all).toEqual(patterns.all);
  });
});
