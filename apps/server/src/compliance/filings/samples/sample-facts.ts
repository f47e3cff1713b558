import {
  type CtrFacts,
  type CtrPerson,
  ctrDetailKinds,
  ctrParts,
  type FilingAddress,
  type FilingFacts,
  type FilingId,
  type FilingKind,
  type FilingReporter,
  filingIdKinds,
  filingInstitutions,
  filingRegulators,
  type FilingSubject,
  type GoamlFacts,
  type SarFacts,
} from '@quittance/contract';
import { unreachable } from '@quittance/kernel';
import { ACTIVITY_GROUP, isOtherActivity, TAX_KINDS } from '../fincen/codes.ts';
import { MAX_PART_LENGTH, MAX_PARTS } from '../fincen/narrative.ts';
import { type Dice, rollDice } from './dice.ts';
import { sampleAmount, sampleDay, sampleDigits, sampleText } from './sample-text.ts';

export type Sample = { readonly facts: FilingFacts; readonly reporter: FilingReporter };

const ACTIVITY_CODES = [...ACTIVITY_GROUP.keys()];
const COUNTRIES = ['US', 'CA', 'MX', 'DE', 'AE', 'JP', 'BR'] as const;
const INDICATORS = ['ACTRC', 'CRYMX', 'IUVC0', 'IUVC1', 'IUVC3', 'IUVC6'] as const;
/** Names for goAML, whose schema takes English letters only; accents are taken off by the builder. */
const LATIN_NAMES = [
  'Jane',
  "O'Brien",
  'Müller',
  'Al-Farsi',
  'St. John',
  'Łukasz',
  'X',
  'Émilie',
] as const;

/** One complete report with hostile texts in it: the same seed gives the same report. */
export function sampleFiling(kind: FilingKind, seed: number): Sample {
  const dice = rollDice(seed);
  const reporter = sampleReporter(dice);
  switch (kind) {
    case 'sar':
      return { facts: sampleSar(dice), reporter };
    case 'ctr':
      return { facts: sampleCtr(dice), reporter };
    case 'goaml':
      return { facts: sampleGoaml(dice), reporter };
    default:
      return unreachable(kind);
  }
}

function sampleReporter(dice: Dice): FilingReporter {
  const institution = dice.pick(filingInstitutions);
  const tinKind = dice.pick(['ein', 'ssn_itin', 'foreign_tin'] as const);
  return {
    name: sampleText(dice, 150),
    ...maybe(dice, () => ({ otherName: sampleText(dice, 150) })),
    tin: tinKind === 'foreign_tin' ? sampleText(dice, 25) : sampleDigits(dice, 9),
    tinKind,
    regulator: dice.pick(filingRegulators),
    institution,
    ...(institution === 'other' ? { institutionText: sampleText(dice, 50) } : {}),
    address: {
      street: sampleText(dice, 100),
      city: sampleText(dice, 50),
      state: dice.pick(['VA', 'CA', 'NY'] as const),
      postCode: dice.pick(['22102', '221023344', '22102-3344'] as const),
      country: 'US',
    },
    phone: `+1 (703) ${sampleDigits(dice, 7)}`,
    contactOffice: sampleText(dice, 150),
    contactPhone: sampleDigits(dice, 10),
    ...maybe(dice, () => ({ contactExtension: sampleDigits(dice, 1 + dice.index(6)) })),
    transmitterContact: sampleText(dice, 150),
    transmitterControlCode: `P${sampleDigits(dice, 7)}`,
    goaml: {
      entityId: 1 + dice.index(100_000),
      ...maybe(dice, () => ({ branch: sampleText(dice, 255) })),
      currency: dice.pick(['AED', 'EUR', 'CHF'] as const),
      firstName: dice.pick(LATIN_NAMES),
      lastName: dice.pick(LATIN_NAMES),
      ...maybe(dice, () => ({ email: 'mlro@bank.example' })),
    },
  };
}

function sampleSar(dice: Dice): SarFacts {
  const report = dice.pick(['initial', 'correction', 'continuing'] as const);
  const from = sampleDay(dice);
  const to = sampleDay(dice);
  const codes = new Set(Array.from({ length: 1 + dice.index(6) }, () => dice.pick(ACTIVITY_CODES)));
  const amount = dice.index(3);
  return {
    kind: 'sar',
    filingDate: sampleDay(dice),
    report,
    ...(report === 'initial' ? {} : { priorReportId: samplePriorId(dice) }),
    ...maybe(dice, () => ({ joint: true })),
    ...maybe(dice, () => ({ noteToFincen: sampleText(dice, 50) })),
    subjects: list(dice, 4, () => sampleSubject(dice)),
    activity: {
      from: from < to ? from : to,
      ...maybe(dice, () => ({ to: from < to ? to : from })),
      ...(amount === 0 ? {} : { amountUsd: amount === 1 ? null : sampleAmount(dice) }),
      ...(report === 'continuing' ? { cumulativeUsd: sampleAmount(dice) } : {}),
      kinds: [...codes].map((code) => ({
        code,
        ...(isOtherActivity(code) ? { otherText: sampleText(dice, 50) } : {}),
      })),
      ipAddresses: list(dice, 3, () => dice.pick(['203.0.113.7', '2001:db8::1'] as const)),
    },
    narrative: sampleNarrative(dice),
  };
}

/** Of all lengths; now and then as long as it may be, to the character. */
function sampleNarrative(dice: Dice): string {
  const most = MAX_PARTS * MAX_PART_LENGTH;
  if (dice.chance(0.1)) return '𝔄'.repeat(most);
  // Parts end between words, so a text just below the limit may need a part more.
  return sampleText(dice, dice.chance(0.5) ? 2_000 : most - 600);
}

function sampleCtr(dice: Dice): CtrFacts {
  const report = dice.pick(['initial', 'correction'] as const);
  return {
    kind: 'ctr',
    filingDate: sampleDay(dice),
    report,
    ...(report === 'initial' ? {} : { priorReportId: samplePriorId(dice) }),
    transactionDate: sampleDay(dice),
    aggregated: dice.chance(0.5),
    armoredCar: dice.chance(0.2),
    atm: dice.chance(0.2),
    persons: [sampleCtrPerson(dice), ...list(dice, 3, () => sampleCtrPerson(dice))],
    details: [sampleDetail(dice), ...list(dice, 5, () => sampleDetail(dice))],
  };
}

function sampleDetail(dice: Dice): CtrFacts['details'][number] {
  const kind = dice.pick(ctrDetailKinds);
  return {
    kind,
    amount: sampleAmount(dice),
    ...(kind.startsWith('foreign') ? { country: dice.pick(COUNTRIES) } : {}),
    ...(kind.startsWith('other') ? { otherText: sampleText(dice, 50) } : {}),
  };
}

function sampleCtrPerson(dice: Dice): CtrPerson {
  const { accounts: _, role: __, relationship: ___, urls: ____, ...party } = sampleSubject(dice);
  const one = <Item>(items: Item[] | undefined) => (items ?? []).slice(0, 1);
  return {
    ...party,
    otherNames: one(party.otherNames),
    phones: one(party.phones),
    emails: one(party.emails),
    ids: (party.ids ?? []).slice(0, 2),
    part: dice.pick(ctrParts),
    ...maybe(dice, () => ({ cashInUsd: sampleAmount(dice) })),
    ...maybe(dice, () => ({ cashOutUsd: sampleAmount(dice) })),
    ...maybe(dice, () => ({ multiple: true })),
    accountsIn: list(dice, 3, () => sampleText(dice, 40)),
    accountsOut: list(dice, 3, () => sampleText(dice, 40)),
  };
}

function sampleSubject(dice: Dice): FilingSubject {
  const type = dice.pick(['individual', 'entity', 'unknown'] as const);
  if (type === 'unknown' && dice.chance(0.5)) return { type };
  const isPerson = type === 'individual';
  return {
    type,
    ...maybe(dice, () => ({ name: sampleText(dice, 150) })),
    ...(isPerson ? maybe(dice, () => ({ firstName: sampleText(dice, 35) })) : {}),
    ...(isPerson ? maybe(dice, () => ({ middleName: sampleText(dice, 35) })) : {}),
    ...(isPerson ? maybe(dice, () => ({ birthDate: sampleBirth(dice) })) : {}),
    ...(isPerson ? maybe(dice, () => ({ gender: dice.pick(['male', 'female'] as const) })) : {}),
    otherNames: list(dice, 3, () => sampleText(dice, 150)),
    ...maybe(dice, () => ({ address: sampleAddress(dice) })),
    phones: list(dice, 2, () => `+${sampleDigits(dice, 1 + dice.index(15))}`),
    emails: list(dice, 2, () => sampleText(dice, 100)),
    urls: list(dice, 2, () => sampleText(dice, 517)),
    ids: sampleIds(dice),
    ...maybe(dice, () => ({ occupation: sampleText(dice, 50) })),
    ...maybe(dice, () => ({ naicsCode: sampleDigits(dice, 6) })),
    accounts: list(dice, 3, () => sampleText(dice, 40)),
    ...maybe(dice, () => ({ role: dice.pick(['sender', 'receiver', 'both'] as const) })),
    ...maybe(dice, () => ({ relationship: dice.pick(['customer', 'none'] as const) })),
  };
}

function sampleIds(dice: Dice): FilingId[] {
  const papers = filingIdKinds.filter((kind) => !TAX_KINDS.has(kind));
  const taxes = filingIdKinds.filter((kind) => TAX_KINDS.has(kind));
  const paper = (): FilingId => {
    const kind = dice.pick(papers);
    return {
      kind,
      number: sampleText(dice, 25),
      country: dice.pick(COUNTRIES),
      ...(kind === 'other' ? { otherKind: sampleText(dice, 50) } : {}),
    };
  };
  const tax = (): FilingId => {
    const kind = dice.pick(taxes);
    const number = kind === 'foreign_tin' ? sampleText(dice, 25) : sampleDigits(dice, 9);
    return { kind, number };
  };
  return [...(dice.chance(0.5) ? [tax()] : []), ...(dice.chance(0.5) ? [paper()] : [])];
}

function sampleAddress(dice: Dice): FilingAddress {
  const country = dice.pick(COUNTRIES);
  const postCode = country === 'US' ? sampleDigits(dice, dice.pick([5, 9] as const)) : 'M5V 3L9';
  return {
    ...maybe(dice, () => ({ street: sampleText(dice, 100) })),
    ...maybe(dice, () => ({ city: sampleText(dice, 50) })),
    ...maybe(dice, () => ({ state: dice.pick(['VA', 'ON', 'BC'] as const) })),
    ...maybe(dice, () => ({ postCode })),
    country,
  };
}

function sampleGoaml(dice: Dice): GoamlFacts {
  const name = () => dice.pick(LATIN_NAMES);
  const subjects = [0, ...list(dice, 3, () => 0)].map((): FilingSubject => {
    const { birthDate: _, emails: __, ...subject } = sampleSubject(dice);
    if (subject.type === 'unknown') return { type: 'unknown' };
    return {
      ...subject,
      name: name(),
      ...(subject.type === 'individual' ? { firstName: name(), middleName: name() } : {}),
      ...maybe(dice, () => ({ birthDate: sampleDay(dice) })),
      otherNames: (subject.otherNames ?? []).map(() => sampleText(dice, 100)),
      ...(subject.address === undefined
        ? {}
        : { address: { ...subject.address, postCode: '22102' } }),
      emails: list(dice, 2, () => 'someone@mail.example'),
    };
  });
  const side = () => ({
    ...(dice.chance(0.5) ? { subject: dice.index(subjects.length) } : {}),
    wallet: `bc1q${sampleDigits(dice, 38)}`,
    ...maybe(dice, () => ({ country: dice.pick(COUNTRIES) })),
  });
  const count = dice.index(4);
  return {
    kind: 'goaml',
    reportCode: count > 0 ? 'STR' : 'SAR',
    filingDate: sampleDay(dice),
    reference: sampleText(dice, 255),
    ...maybe(dice, () => ({ fiuReference: sampleText(dice, 255) })),
    subjects,
    transactions: Array.from({ length: count }, (_, at) => ({
      number: `${at + 1}-${sampleDigits(dice, 30)}`,
      date: sampleDay(dice),
      amount: sampleAmount(dice),
      description: sampleText(dice, 1_000),
      ...maybe(dice, () => ({ location: sampleText(dice, 255) })),
      from: side(),
      to: side(),
    })),
    indicators: [dice.pick(INDICATORS)],
    ...maybe(dice, () => ({ action: sampleText(dice, 500) })),
    narrative: sampleText(dice, 8_000),
  };
}

/** FinCEN's first BSA IDs begin with 31; zeros: not known. */
function samplePriorId(dice: Dice): string {
  return dice.chance(0.3) ? '0'.repeat(14) : `31${sampleDigits(dice, 12)}`;
}

function sampleBirth(dice: Dice): string {
  const day = sampleDay(dice);
  return dice.pick([day, `${day.slice(0, 7)}-00`, `${day.slice(0, 4)}-00-00`] as const);
}

function list<Item>(dice: Dice, most: number, make: () => Item): Item[] {
  return Array.from({ length: dice.index(most + 1) }, make);
}

function maybe<Part extends object>(dice: Dice, make: () => Part): Part | Record<never, never> {
  return dice.chance(0.6) ? make() : {};
}
