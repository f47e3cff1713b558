import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ivms101, ivms101Schema } from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { convertIvms101, ivmsVersion, verifyIvms101 } from './index.ts';
import { inquiryBody, satsOf } from './message.ts';
import { needOf } from './rules.ts';
import { isLei } from './verify-ivms101.ts';

const testData =
  process.env['QUITTANCE_TESTDATA'] ?? join(import.meta.dirname, '../../../../../../shared/data');
const sample = join(testData, 'travel-rule/ivms101-identity-payload.json');
const TODAY = '2026-11-21';

const text = (maxLength: number) =>
  fc
    .string({ unit: 'binary', minLength: 1, maxLength })
    .map((made) => made.toWellFormed().slice(0, maxLength).toWellFormed());
const some = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined });
const country = fc.constantFrom('US', 'DE', 'AE', 'JP');
const address = fc.record(
  {
    addressType: fc.constantFrom('HOME', 'BIZZ', 'GEOG'),
    streetName: text(70),
    buildingNumber: text(16),
    postCode: text(16),
    townName: text(35),
    country,
    addressLine: fc.array(text(70), { minLength: 1, maxLength: 7 }),
  },
  { requiredKeys: ['addressType', 'country', 'addressLine'] },
);
const naturalName = fc.record(
  {
    primaryIdentifier: text(100),
    secondaryIdentifier: text(100),
    nameIdentifierType: fc.constant('LEGL'),
  },
  { requiredKeys: ['primaryIdentifier', 'nameIdentifierType'] },
);
const naturalPerson = fc.record(
  {
    name: fc.record({
      nameIdentifier: fc.array(naturalName, { minLength: 1, maxLength: 3 }),
      localNameIdentifier: fc.array(naturalName, { minLength: 1, maxLength: 2 }),
    }),
    geographicAddress: fc.array(address, { minLength: 1, maxLength: 3 }),
    customerIdentification: text(50),
    dateAndPlaceOfBirth: fc.record({
      dateOfBirth: fc.constant('1980-02-29'),
      placeOfBirth: text(70),
    }),
    countryOfResidence: country,
    somethingNew: fc.record({ note: text(20), list: fc.array(fc.integer()) }),
  },
  { requiredKeys: ['name', 'geographicAddress'] },
);
const legalPerson = fc.record(
  {
    name: fc.record({
      nameIdentifier: fc.array(
        fc.record({
          legalPersonName: text(100),
          legalPersonNameIdentifierType: fc.constant('LEGL'),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    }),
    customerNumber: text(50),
    geographicAddress: fc.array(address, { minLength: 1, maxLength: 2 }),
    nationalIdentification: fc.constant({
      nationalIdentifier: '506700T7Z685VUOZL877',
      nationalIdentifierType: 'LEIX',
    }),
    countryOfRegistration: country,
  },
  { requiredKeys: ['name', 'customerNumber'] },
);
const person = fc.oneof(
  naturalPerson.map((each) => ({ naturalPerson: each })),
  legalPerson.map((each) => ({ legalPerson: each })),
);
const accounts = some(fc.array(text(100), { maxLength: 2 }));
const message2020 = fc
  .record({
    originator: fc.record({
      originatorPersons: fc.array(person, { minLength: 1, maxLength: 3 }),
      accountNumber: accounts,
    }),
    beneficiary: fc.record({
      beneficiaryPersons: fc.array(person, { minLength: 1, maxLength: 3 }),
      accountNumber: accounts,
    }),
    originatingVASP: some(fc.record({ originatingVASP: person })),
    beneficiaryVASP: some(fc.record({ beneficiaryVASP: person })),
    transferPath: some(
      fc.array(person, { minLength: 1, maxLength: 3 }).map((path) => ({
        transferPath: path.map((intermediaryVASP, sequence) => ({ intermediaryVASP, sequence })),
      })),
    ),
    payloadMetadata: some(fc.constant({ transliterationMethod: ['cyrl'] })),
  })
  .map((made): unknown => JSON.parse(JSON.stringify(made)));

function verified(value: unknown): Ivms101 {
  const answer = verifyIvms101(value, TODAY);
  if (!answer.ok) throw new Error(JSON.stringify(answer.findings));
  return answer.message;
}

test('a message goes to the form of 2023 and back without losing anything', () => {
  fc.assert(
    fc.property(message2020, (given) => {
      const message = verified(given);
      expect(message).toEqual(given);
      const young = convertIvms101(message, '2023');
      expect(ivmsVersion(young)).toBe('2023');
      verified(young);
      const wire: unknown = JSON.parse(JSON.stringify(young));
      const back = convertIvms101(verified(wire), '2020');
      expect(JSON.parse(JSON.stringify(back))).toEqual(given);
    }),
    { numRuns: 300 },
  );
});

test.skipIf(!existsSync(sample))('the published example is valid, and survives both ways', () => {
  const given: unknown = JSON.parse(readFileSync(sample, 'utf8'));
  const young = convertIvms101(verified(given), '2023');
  // The npm library loses these two.
  expect(JSON.stringify(young)).toContain('14HmBSwec8XrcWge9Zi1ZngNia64u3Wd2v');
  expect(JSON.stringify(young)).toContain('"customerIdentification":"2642"');
  expect(JSON.parse(JSON.stringify(convertIvms101(young, '2020')))).toEqual(given);
});

test('what the standard forbids is found, with its place and its rule', () => {
  const legal = {
    name: {
      nameIdentifier: [{ legalPersonName: 'Shop', legalPersonNameIdentifierType: 'TRAD' }],
    },
    nationalIdentification: {
      nationalIdentifier: '506700T7Z685VUOZL878',
      nationalIdentifierType: 'LEIX',
      countryOfIssue: 'US',
      registrationAuthority: 'RA000001',
    },
  };
  const natural = {
    name: { nameIdentifier: [{ primaryIdentifier: 'Doe', nameIdentifierType: 'ALIA' }] },
    dateAndPlaceOfBirth: { dateOfBirth: '2027-01-01', placeOfBirth: 'X' },
    geographicAddress: [{ addressType: 'HOME', streetName: 'S', country: 'US' }],
  };
  const answer = verifyIvms101(
    {
      originator: {
        originatorPersons: [
          {
            naturalPerson: {
              name: { nameIdentifier: [{ primaryIdentifier: 'N', nameIdentifierType: 'LEGL' }] },
            },
          },
          {},
        ],
      },
      beneficiary: { beneficiaryPersons: [{ naturalPerson: natural }] },
      originatingVASP: { originatingVASP: { legalPerson: legal } },
      transferPath: {
        transferPath: [{ sequence: 1, intermediaryVASP: { legalPerson: legal } }],
      },
    },
    TODAY,
  );
  const rules = answer.ok
    ? []
    : answer.findings.flatMap(({ detail }) => /\((C[0-9]+)\)/.exec(detail)?.[1] ?? detail);
  expect([...new Set(rules)].sort()).toEqual([
    ...['C1', 'C11', 'C12', 'C2', 'C3', 'C5', 'C8', 'C9', 'is either a natural or a legal person'],
  ]);
});

test('a schema error names its place', () => {
  const answer = verifyIvms101({ originator: {}, beneficiary: { accountNumber: [1] } }, TODAY);
  expect(answer.ok ? [] : answer.findings[0]?.pointer).toBe('/beneficiary/accountNumber/0');
  expect(verifyIvms101(null, TODAY).ok).toBe(false);
  expect(ivms101Schema.safeParse('x').success).toBe(false);
});

test('a LEI has its check digits', () => {
  expect(isLei('506700T7Z685VUOZL877')).toBe(true);
  expect(isLei('506700T7Z685VUOZL787')).toBe(false);
});

test('an amount that is sent as a number is read as the same satoshis', () => {
  const message = { originator: {}, beneficiary: {} };
  const callback = 'https://us.example/cb';
  fc.assert(
    fc.property(fc.bigInt(1n, 2_100_000_000_000_000n), (amountSats) => {
      const body = inquiryBody({ message, amountSats, callback });
      const source = /"amount":([^,]+),/.exec(body)?.[1] ?? '';
      expect(satsOf(source)).toBe(amountSats);
      // Another writer may have made a float of it, which below 90 million bitcoin is exact enough.
      const parsed: { amount: number } = JSON.parse(body);
      expect(satsOf(JSON.stringify(parsed.amount))).toBe(amountSats);
    }),
  );
  for (const wrong of ['0', '-1', '1e5', '0.000000001', '21000001', 'x', '']) {
    expect(satsOf(wrong), wrong).toBeNull();
  }
});

test('what a payout needs follows from law, amount and recipient; not knowing never opens the gate', () => {
  const us = {
    betweenProviders: { currency: 'USD', amount: '3000' },
    ownWalletProof: null,
    source: '',
  };
  const eu = {
    betweenProviders: { currency: 'EUR', amount: '0' },
    ownWalletProof: { currency: 'EUR', amount: '1000' },
    source: '',
  };
  const need = (
    rules: typeof us | typeof eu,
    counterparty: 'vasp' | 'self_hosted' | null,
    minor: bigint | null,
  ) => needOf(rules, { counterparty, worth: () => minor });
  expect(need(us, 'vasp', 299_999n)).toBe('nothing');
  expect(need(us, 'vasp', 300_000n)).toBe('message');
  expect(need(us, 'vasp', null)).toBe('message');
  expect(need(us, 'self_hosted', null)).toBe('nothing');
  expect(need(us, null, 299_999n)).toBe('nothing');
  expect(need(us, null, null)).toBe('declaration');
  expect(need(eu, 'vasp', 1n)).toBe('message');
  expect(need(eu, 'self_hosted', 100_000n)).toBe('nothing');
  expect(need(eu, 'self_hosted', 100_001n)).toBe('proof');
  expect(need(eu, 'self_hosted', null)).toBe('proof');
  expect(need(eu, null, 1n)).toBe('declaration');
});
