import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FilingFacts } from '@quittance/contract';
import { manualClock, uuidV7Ids } from '@quittance/kernel';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../../../../../tests/support/api.ts';
import { payOrder } from '../../../../../tests/support/pay-order.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { sampleFiling } from './index.ts';
import { partsOfName } from './subject-of-customer.ts';
import { toDoOf } from './to-do.ts';

const testData =
  process.env['QUITTANCE_TESTDATA'] ?? join(import.meta.dirname, '../../../../../../shared/data');
const schemas = existsSync(join(testData, 'filings')) ? join(testData, 'filings') : null;
const clock = manualClock(Date.UTC(2026, 10, 21, 12));
const ids = uuidV7Ids(clock, (bytes) => randomFillSync(bytes));

const reporter = {
  ...sampleFiling('goaml', 1).reporter,
  ...{ name: 'Quittance Test Store', otherName: 'QTS', contactOffice: 'Compliance office' },
  ...{ transmitterContact: 'Jane Roe', institution: 'msb', tinKind: 'ein', tin: '12-3456789' },
  address: { street: '1 Main St', city: 'Vienna', state: 'VA', postCode: '22102', country: 'US' },
  goaml: { entityId: 7, currency: 'USD', firstName: 'Jane', lastName: 'Roe' },
};

let testDatabase: TestDatabase;
let api: TestApi;
let shop: TestMerchant;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock, filingSchemas: schemas });
  shop = await api.createMerchant('Store');
  await send('PUT', '/v1/compliance/filing-reporter', reporter, 200);
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function send(method: string, path: string, body?: unknown, status = 201) {
  const answer = await api.send(method, path, {
    ...{ key: shop.key },
    ...(body === undefined ? {} : { body }),
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  return answer.body;
}

type Item = { pointer: string; detail: string; needed: boolean };
async function toDo(id: string): Promise<Item[]> {
  return (await send('GET', `/v1/compliance/filings/${id}/to-do`, undefined, 200)).data;
}

const profile = {
  kind: 'person',
  names: [
    { text: 'Дмитрий Сергеевич Иванов', kind: 'original' },
    { text: 'Dmitri Sergeevich Ivanov', kind: 'primary' },
    { text: 'Dima Boat', kind: 'alias' },
  ],
  birthDate: '1985-05-20',
  gender: 'male',
  nationalities: ['RU'],
  addresses: [
    {
      kind: 'postal',
      lines: ['PO Box 7'],
      city: 'Bern',
      region: null,
      postalCode: '3000',
      country: 'CH',
    },
    {
      ...{ kind: 'residence', lines: ['1 Main St', 'Apt 4'], city: 'Vienna', region: 'VA' },
      ...{ postalCode: '22102', country: 'US' },
    },
  ],
  identifiers: [
    { type: 'tax_id', country: 'US', value: '123-45-6789' },
    { type: 'passport', country: 'RU', value: 'AB 123' },
  ],
  email: 'dmitri@shop.example',
  phone: '+41791234567',
  reference: 'C-17',
};

async function customerWithPayment(changed: object = {}) {
  const customer = await send('POST', '/v1/compliance/customers', { ...profile, ...changed });
  const order = await send('POST', '/v1/orders', {
    ...{ amount: '9500.00', currency: 'USD', customerId: customer.id },
  });
  const amountSats = BigInt(order.dueSats);
  await payOrder(api.database, { id: order.id, amountSats, firstSeenAtMs: clock.nowMs() }, ids);
  return { customer, order };
}

async function caseAbout(subject: { type: string; id: string }): Promise<string> {
  const body = { subject, severity: 'high', summary: 'Structuring: just below a threshold' };
  return (await send('POST', '/v1/compliance/alerts', body)).caseId;
}

const draft = async (kind: string, caseId: string) =>
  await send('POST', '/v1/compliance/filings', { kind, caseId });

test("a draft has who it is about out of the customer's profile, and what was paid, whatever the case is about", async () => {
  const { customer, order } = await customerWithPayment();
  const { payments } = await send('GET', `/v1/orders/${order.id}`, undefined, 200);
  expect(payments).toHaveLength(1);
  const subjects = [
    { type: 'customer', id: customer.id },
    { type: 'order', id: order.id },
    { type: 'payment', id: payments[0].id },
  ];
  for (const subject of subjects) {
    const caseId = await caseAbout(subject);
    const { facts } = await draft('sar', caseId);
    expect(facts.subjects, subject.type).toEqual([
      {
        type: 'individual',
        ...{ name: 'Ivanov', firstName: 'Dmitri', middleName: 'Sergeevich' },
        otherNames: ['Дмитрий Сергеевич Иванов', 'Dima Boat'],
        ...{ birthDate: '1985-05-20', gender: 'male' },
        address: {
          ...{ street: '1 Main St, Apt 4', city: 'Vienna', state: 'VA', postCode: '22102' },
          country: 'US',
        },
        ...{ phones: ['+41791234567'], emails: ['dmitri@shop.example'] },
        ids: [
          { kind: 'ssn_itin', number: '123-45-6789' },
          { kind: 'passport', number: 'AB 123', country: 'RU' },
        ],
        ...{ accounts: ['C-17'], relationship: 'customer', role: 'sender' },
      },
    ]);
    expect(facts.activity).toMatchObject({ amountUsd: '9500.00', from: '2026-11-21' });
    expect(facts.narrative).toContain('Dmitri Sergeevich Ivanov');
    expect(facts.narrative).toContain('postal: PO Box 7, 3000, Bern, CH');
    expect(facts.narrative).toContain(order.address);
  }
});

test('what the profile has not is a to-do before filing; what is needed is told apart, and the document is made as soon as that is done', async () => {
  const { customer } = await customerWithPayment({
    ...{ names: [{ text: '王小明', kind: 'primary' }], birthDate: null, gender: null },
    ...{ addresses: [], identifiers: [], email: null, phone: null, reference: null },
  });
  const made = await draft('goaml', await caseAbout({ type: 'customer', id: customer.id }));
  const { facts } = made;
  expect(facts.subjects).toEqual([
    { type: 'individual', otherNames: ['王小明'], relationship: 'customer', role: 'sender' },
  ]);
  expect(facts.transactions).toMatchObject([
    {
      amount: '9500.00',
      from: { wallet: 'unknown', subject: 0 },
      to: { wallet: expect.any(String) },
    },
  ]);
  const first = await toDo(made.id);
  const needed = first.filter((one) => one.needed).map(({ pointer }) => pointer);
  expect(needed.toSorted()).toEqual(['/indicators', '/subjects/0/firstName', '/subjects/0/name']);
  const others = first.filter((one) => !one.needed).map(({ pointer }) => pointer);
  expect(others).toEqual(
    ['birthDate', 'address', 'ids', 'occupation'].map((field) => `/subjects/0/${field}`),
  );
  const refused = await send('POST', `/v1/compliance/filings/${made.id}/prepare`, {}, 422);
  expect(refused.fields.map(({ pointer }: Item) => pointer).toSorted()).toEqual(needed.toSorted());
  const corrected = {
    ...facts,
    subjects: [
      { ...facts.subjects[0], name: 'Wang', firstName: 'Xiaoming', birthDate: '1990-01-02' },
    ],
    indicators: ['STRUC'],
  };
  const edit = { facts: corrected, version: made.version };
  await send('PUT', `/v1/compliance/filings/${made.id}`, edit, 200);
  expect((await toDo(made.id)).filter((one) => one.needed)).toEqual([]);
  const ready = await send('POST', `/v1/compliance/filings/${made.id}/prepare`, {}, 200);
  expect(ready.document.validation).toBe(schemas === null ? 'unvalidated' : 'valid');
});

test('a CTR and a report about an entity take its profile too; one that was erased is nobody', async () => {
  const entity = await send('POST', '/v1/compliance/customers', {
    ...{ kind: 'entity', names: [{ text: 'Example Works AG', kind: 'primary' }] },
    registrationCountry: 'CH',
    identifiers: [
      { type: 'tax_id', country: 'CH', value: 'CHE-1' },
      { type: 'lei', country: null, value: '5493001KJTIIGC8Y1R12' },
    ],
  });
  const caseId = await caseAbout({ type: 'customer', id: entity.id });
  const ctr = await draft('ctr', caseId);
  expect(ctr.facts.persons).toEqual([
    {
      ...{ type: 'entity', name: 'Example Works AG', part: 'self' },
      ids: [
        { kind: 'foreign_tin', number: 'CHE-1', country: 'CH' },
        { kind: 'other', otherKind: 'LEI', number: '5493001KJTIIGC8Y1R12' },
      ],
    },
  ]);
  const gone = await send('POST', '/v1/compliance/customers', profile);
  await send('POST', `/v1/compliance/customers/${gone.id}/erasure`, {}, 200);
  const nobody = await draft('sar', await caseAbout({ type: 'customer', id: gone.id }));
  expect(nobody.facts.subjects).toEqual([]);
  expect(await toDo(nobody.id)).toContainEqual(
    expect.objectContaining({ pointer: '/subjects', needed: expect.any(Boolean) }),
  );
});

test('a name is taken apart without losing or repeating a word', () => {
  for (const [text, parts] of [
    ['Anna Muster', { firstName: 'Anna', name: 'Muster' }],
    ['MUSTER, Anna Maria', { firstName: 'Anna', middleName: 'Maria', name: 'MUSTER' }],
    ['Jan van der Berg', { firstName: 'Jan', name: 'van der Berg' }],
    ['Kim JONG UN', { firstName: 'Kim', name: 'JONG UN' }],
    ['Suharto', { name: 'Suharto' }],
  ] as const) {
    expect(partsOfName(text), text).toEqual(parts);
  }
  const word = fc.stringMatching(/^[A-Z]?[a-z]{1,6}$/);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), (words) => {
      const { name, firstName, middleName } = partsOfName(words.join(' '));
      const all = [firstName, middleName, name].flatMap((part) => part?.split(' ') ?? []);
      expect(all.toSorted()).toEqual(words.toSorted());
    }),
  );
});

test('a report that can be made has nothing needed, and one that can not has', () => {
  fc.assert(
    fc.property(fc.constantFrom('sar', 'ctr', 'goaml'), fc.nat(500), (kind, seed) => {
      const { facts, reporter } = sampleFiling(kind as FilingFacts['kind'], seed);
      expect(toDoOf(facts, reporter).filter(({ needed }) => needed)).toEqual([]);
      const broken = { ...facts, filingDate: '2026-02-30' } as FilingFacts;
      expect(toDoOf(broken, reporter)).toContainEqual(
        expect.objectContaining({ pointer: '/filingDate', needed: true }),
      );
      expect(toDoOf(facts, null)[0]).toMatchObject({ pointer: '/reporter', needed: true });
    }),
    { numRuns: 60 },
  );
});
