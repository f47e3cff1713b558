import { z } from 'zod';
import { decimalText, personText } from './fields.ts';

/** A draft may be longer than an authority takes: the checks say so with the place. */
const MAX_TEXT = 500;
/** Six parts of 4,000: one more than a narrative may have, so that "too long" is told, not cut. */
export const MAX_NARRATIVE_DRAFT = 24_000;
const MAX_SUBJECTS = 200;
const MAX_PER_PARTY = 99;
const MAX_TRANSACTIONS = 200;

const text = personText({ max: MAX_TEXT });
const country = z
  .string()
  .regex(/^[A-Z]{2}$/, 'write a country as two letters such as "US"')
  .meta({ description: 'ISO 3166-1 alpha-2', examples: ['US'] });
const day = z
  .string()
  .regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/, 'write a day as 2026-01-31')
  .meta({ description: 'Day (ISO 8601)', examples: ['2026-01-31'] });

export const filingAddressSchema = z
  .strictObject({
    street: text.optional(),
    city: text.optional(),
    state: text.optional().meta({ description: 'Code of the state in US, CA, MX; else free' }),
    postCode: text.optional(),
    country: country.optional(),
  })
  .meta({ id: 'FilingAddress', description: 'What is left out is filed as unknown' });
export type FilingAddress = z.infer<typeof filingAddressSchema>;

export const filingIdKinds = [
  'ssn_itin',
  'ein',
  'foreign_tin',
  'drivers_license',
  'passport',
  'alien_registration',
  'other',
] as const;
export type FilingIdKind = (typeof filingIdKinds)[number];

export const filingIdSchema = z
  .strictObject({
    kind: z.enum(filingIdKinds),
    number: text,
    country: country.optional().meta({ description: 'That issued it' }),
    state: text.optional(),
    otherKind: text.optional().meta({ description: 'For kind "other": what it is' }),
  })
  .meta({ id: 'FilingIdentification' });
export type FilingId = z.infer<typeof filingIdSchema>;

const partyFields = {
  type: z.enum(['individual', 'entity', 'unknown']),
  name: text.optional().meta({ description: "Family name of a person, or an entity's name" }),
  firstName: text.optional(),
  middleName: text.optional(),
  suffix: text.optional(),
  otherNames: z.array(text).max(MAX_PER_PARTY).optional(),
  birthDate: day.optional().meta({ description: 'Month and day may be 00 where not known' }),
  gender: z.enum(['male', 'female']).optional(),
  address: filingAddressSchema.optional(),
  phones: z.array(text).max(MAX_PER_PARTY).optional(),
  emails: z.array(text).max(MAX_PER_PARTY).optional(),
  urls: z.array(text).max(MAX_PER_PARTY).optional(),
  ids: z.array(filingIdSchema).max(MAX_PER_PARTY).optional(),
  occupation: text.optional(),
  naicsCode: text.optional(),
};

export const filingSubjectSchema = z
  .strictObject({
    ...partyFields,
    accounts: z
      .array(text)
      .max(MAX_PER_PARTY)
      .optional()
      .meta({ description: 'Numbers at the reporting institution; not crypto addresses' }),
    role: z.enum(['sender', 'receiver', 'both']).optional(),
    relationship: z.enum(['customer', 'none']).optional(),
  })
  .meta({ id: 'FilingSubject' });
export type FilingSubject = z.infer<typeof filingSubjectSchema>;

const report = {
  filingDate: day,
  report: z.enum(['initial', 'correction']),
  priorReportId: text
    .optional()
    .meta({ description: 'BSA ID of the report that is corrected or continued (14 digits)' }),
};

export const sarFactsSchema = z
  .strictObject({
    kind: z.literal('sar'),
    ...report,
    report: z.enum(['initial', 'correction', 'continuing']),
    joint: z.boolean().optional(),
    noteToFincen: text.optional(),
    subjects: z.array(filingSubjectSchema).max(MAX_SUBJECTS),
    activity: z
      .strictObject({
        from: day,
        to: day.optional(),
        amountUsd: decimalText
          .nullable()
          .optional()
          .meta({ description: 'Total; null: no amount is involved; absent: unknown' }),
        cumulativeUsd: decimalText.optional().meta({ description: 'Of continuing activity' }),
        kinds: z
          .array(z.strictObject({ code: z.int(), otherText: text.optional() }))
          .max(MAX_PER_PARTY)
          .meta({ description: "FinCEN's codes such as 821; docs/filings.md has the list" }),
        ipAddresses: z.array(text).max(MAX_PER_PARTY).optional(),
      })
      .meta({ id: 'SarActivity' }),
    narrative: personText({ max: MAX_NARRATIVE_DRAFT }).meta({
      description: 'At most 20,000 characters; addresses and transaction ids belong here',
    }),
  })
  .meta({ id: 'SarFacts' });
export type SarFacts = z.infer<typeof sarFactsSchema>;

export const ctrParts = ['self', 'for_another', 'on_behalf_of', 'common_carrier'] as const;
export const ctrDetailKinds = [
  'deposit',
  'payment',
  'wire_out',
  'instrument_purchase',
  'exchange_in',
  'prepaid_in',
  'other_in',
  'foreign_in',
  'withdrawal',
  'advance',
  'wire_in',
  'instrument_cashed',
  'exchange_out',
  'prepaid_out',
  'other_out',
  'foreign_out',
] as const;
export type CtrDetailKind = (typeof ctrDetailKinds)[number];

export const ctrPersonSchema = z
  .strictObject({
    ...partyFields,
    part: z.enum(ctrParts),
    cashInUsd: decimalText.optional(),
    cashOutUsd: decimalText.optional(),
    multiple: z.boolean().optional(),
    accountsIn: z.array(text).max(MAX_PER_PARTY).optional(),
    accountsOut: z.array(text).max(MAX_PER_PARTY).optional(),
  })
  .meta({ id: 'CtrPerson' });
export type CtrPerson = z.infer<typeof ctrPersonSchema>;

export const ctrFactsSchema = z
  .strictObject({
    kind: z.literal('ctr'),
    ...report,
    transactionDate: day,
    aggregated: z.boolean().optional(),
    armoredCar: z.boolean().optional(),
    atm: z.boolean().optional(),
    mailDeposit: z.boolean().optional(),
    nightDeposit: z.boolean().optional(),
    sharedBranching: z.boolean().optional(),
    persons: z.array(ctrPersonSchema).max(MAX_SUBJECTS),
    details: z
      .array(
        z.strictObject({
          kind: z.enum(ctrDetailKinds),
          amount: decimalText.meta({ description: 'US dollars; foreign_…: that currency' }),
          country: country.optional().meta({ description: 'Of foreign currency' }),
          otherText: text.optional(),
        }),
      )
      .max(MAX_PER_PARTY),
  })
  .meta({ id: 'CtrFacts' });
export type CtrFacts = z.infer<typeof ctrFactsSchema>;

/** Where bitcoin came from or went to: a person, and the address as its account. */
const goamlSide = z
  .strictObject({
    wallet: text.optional().meta({ description: 'Bitcoin address' }),
    subject: z.int().min(0).optional().meta({ description: 'Position in subjects' }),
    country: country.optional(),
  })
  .meta({ id: 'GoamlSide' });

export const goamlFactsSchema = z
  .strictObject({
    kind: z.literal('goaml'),
    reportCode: text.meta({ description: 'Of your FIU, such as STR or SAR' }),
    filingDate: day,
    reference: text.meta({ description: 'Your own number of this report' }),
    fiuReference: text.optional(),
    subjects: z.array(filingSubjectSchema).max(MAX_SUBJECTS),
    transactions: z
      .array(
        z.strictObject({
          number: text,
          date: day,
          amount: decimalText.meta({ description: "In the authority's currency" }),
          description: personText({ max: 8_000 }),
          location: text.optional(),
          from: goamlSide,
          to: goamlSide,
        }),
      )
      .max(MAX_TRANSACTIONS),
    indicators: z.array(text).max(MAX_PER_PARTY),
    action: personText({ max: 8_000 }).optional(),
    narrative: personText({ max: MAX_NARRATIVE_DRAFT }),
  })
  .meta({ id: 'GoamlFacts' });
export type GoamlFacts = z.infer<typeof goamlFactsSchema>;

export const filingFactsSchema = z.discriminatedUnion('kind', [
  sarFactsSchema,
  ctrFactsSchema,
  goamlFactsSchema,
]);
export type FilingFacts = z.infer<typeof filingFactsSchema>;
export const filingKinds = ['sar', 'ctr', 'goaml'] as const;
export type FilingKind = (typeof filingKinds)[number];

export const filingRegulators = [
  'irs',
  'federal_reserve',
  'fdic',
  'ncua',
  'occ',
  'sec',
  'cftc',
  'none',
] as const;
export const filingInstitutions = ['msb', 'depository', 'securities', 'casino', 'other'] as const;

/** Who files: printed into every report. */
export const filingReporterSchema = z
  .strictObject({
    name: text,
    otherName: text.optional(),
    tin: text.meta({ description: 'Tax number of the institution; nine digits in the US' }),
    tinKind: z.enum(['ein', 'ssn_itin', 'foreign_tin']),
    regulator: z.enum(filingRegulators),
    institution: z.enum(filingInstitutions),
    institutionText: text.optional(),
    address: filingAddressSchema,
    phone: text,
    contactOffice: text,
    contactPhone: text,
    contactExtension: text.optional(),
    transmitterContact: text,
    transmitterControlCode: text.meta({ description: "FinCEN's code of the transmitter" }),
    goaml: z
      .strictObject({
        entityId: z.int().min(1).meta({ description: 'That your FIU gave you' }),
        branch: text.optional(),
        currency: z.string().regex(/^[A-Z]{3}$/),
        firstName: text,
        lastName: text,
        email: text.optional(),
        occupation: text.optional(),
      })
      .nullable()
      .optional(),
  })
  .meta({ id: 'FilingReporter' });
export type FilingReporter = z.infer<typeof filingReporterSchema>;
