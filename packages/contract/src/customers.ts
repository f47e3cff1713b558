import { z } from 'zod';
import { emailText, personText, timestamp, timestampInput, uuidText } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

export const customerKinds = ['person', 'entity'] as const;
export type CustomerKind = (typeof customerKinds)[number];
export const customerStates = ['pending', 'verified', 'rejected', 'expired'] as const;
export type CustomerState = (typeof customerStates)[number];
/** Each includes the ones before it. */
export const customerLevels = ['none', 'basic', 'standard', 'enhanced'] as const;
export type CustomerLevel = (typeof customerLevels)[number];
export const customerRisks = ['low', 'medium', 'high'] as const;
export type CustomerRisk = (typeof customerRisks)[number];
export const customerRiskReasons = [
  'high_risk_country',
  'politically_exposed',
  'no_beneficial_owner_known',
  'deep_ownership',
  'high_risk_owner',
  'blocked_owner',
  'set_by_officer',
] as const;
export type CustomerRiskReason = (typeof customerRiskReasons)[number];
export const customerNameKinds = ['primary', 'alias', 'former', 'original'] as const;
export const customerIdentifierTypes = [
  'passport',
  'national_id',
  'driving_licence',
  'residence_permit',
  'tax_id',
  'registration_number',
  'lei',
  'other',
] as const;

/** People have several names, in several scripts; more than this is a mistake. */
const MAX_NAMES = 10;
const MAX_OTHERS = 10;
const MAX_LINES = 5;

export const countryText = z
  .string()
  .regex(/^[A-Z]{2}$/, 'write a country as ISO 3166-1 has it, such as "CH"')
  .meta({ description: 'ISO 3166-1 alpha-2', examples: ['CH'] });

const dayText = z.iso
  .date()
  .meta({ description: 'A day, as YYYY-MM-DD', examples: ['1985-05-20'] });

const nameFields = {
  text: personText({ min: 1, max: 300 }).meta({ examples: ['Дмитрий Сергеевич Иванов'] }),
  kind: z.enum(customerNameKinds),
};
const nameInput = z
  .strictObject(nameFields)
  .meta({ id: 'NewCustomerName', description: 'A name, in whatever script it is written' });
const addressFields = z
  .strictObject({
    kind: z.enum(['residence', 'registered', 'business', 'postal']),
    lines: z
      .array(personText({ min: 1, max: 200 }))
      .min(1)
      .max(MAX_LINES),
    city: personText({ min: 1, max: 200 }).nullable(),
    region: personText({ min: 1, max: 200 }).nullable(),
    postalCode: personText({ min: 1, max: 40 }).nullable(),
    country: countryText,
  })
  .meta({ id: 'CustomerAddress' });
const identifierFields = z
  .strictObject({
    type: z.enum(customerIdentifierTypes),
    country: countryText.nullable().meta({ description: 'Who gave it out' }),
    value: personText({ min: 1, max: 100 }),
  })
  .meta({ id: 'CustomerIdentifier' });

const restOfProfile = {
  birthDate: dayText.nullable().meta({ description: 'Of a person' }),
  birthPlace: personText({ min: 1, max: 200 }).nullable(),
  gender: z.enum(['male', 'female']).nullable(),
  nationalities: z.array(countryText).max(MAX_OTHERS).meta({ description: 'Of a person' }),
  registrationCountry: countryText.nullable().meta({ description: 'Of an entity' }),
  registrationDate: dayText.nullable().meta({ description: 'Of an entity' }),
  legalForm: personText({ min: 1, max: 100 }).nullable(),
  addresses: z.array(addressFields).max(MAX_OTHERS),
  identifiers: z.array(identifierFields).max(MAX_OTHERS),
  email: emailText.nullable(),
  phone: z
    .string()
    .regex(/^\+[0-9]{6,15}$/, 'write a telephone number as "+41791234567" (E.164)')
    .nullable(),
  reference: personText({ min: 1, max: 200 })
    .nullable()
    .meta({ description: "The shop's own name for the customer; can be looked for" }),
};

const names = z.array(nameInput).min(1).max(MAX_NAMES);

export const createCustomerSchema = z
  .strictObject({
    kind: z.enum(customerKinds),
    names,
    birthDate: restOfProfile.birthDate.default(null),
    birthPlace: restOfProfile.birthPlace.default(null),
    gender: restOfProfile.gender.default(null),
    nationalities: restOfProfile.nationalities.default([]),
    registrationCountry: restOfProfile.registrationCountry.default(null),
    registrationDate: restOfProfile.registrationDate.default(null),
    legalForm: restOfProfile.legalForm.default(null),
    addresses: restOfProfile.addresses.default([]),
    identifiers: restOfProfile.identifiers.default([]),
    email: restOfProfile.email.default(null),
    phone: restOfProfile.phone.default(null),
    reference: restOfProfile.reference.default(null),
  })
  .meta({ id: 'CreateCustomer' });
export type CreateCustomer = z.output<typeof createCustomerSchema>;

export const updateCustomerSchema = z
  .strictObject({
    names: names.optional(),
    birthDate: restOfProfile.birthDate.optional(),
    birthPlace: restOfProfile.birthPlace.optional(),
    gender: restOfProfile.gender.optional(),
    nationalities: restOfProfile.nationalities.optional(),
    registrationCountry: restOfProfile.registrationCountry.optional(),
    registrationDate: restOfProfile.registrationDate.optional(),
    legalForm: restOfProfile.legalForm.optional(),
    addresses: restOfProfile.addresses.optional(),
    identifiers: restOfProfile.identifiers.optional(),
    email: restOfProfile.email.optional(),
    phone: restOfProfile.phone.optional(),
    reference: restOfProfile.reference.optional(),
  })
  .meta({ id: 'UpdateCustomer' });
export type UpdateCustomer = z.output<typeof updateCustomerSchema>;

/** Who somebody is: what is kept sealed, as a whole. */
export const customerProfileSchema = z
  .strictObject({
    names: z.array(
      z
        .strictObject({
          ...nameFields,
          script: z
            .string()
            .meta({ description: 'ISO 15924, as the letters say', examples: ['Cyrl'] }),
        })
        .meta({ id: 'CustomerName' }),
    ),
    ...restOfProfile,
  })
  .meta({ id: 'CustomerProfile' });
export type CustomerProfile = z.output<typeof customerProfileSchema>;

export const customerSchema = z
  .strictObject({
    id: uuidText,
    merchantId: uuidText,
    kind: z.enum(customerKinds),
    state: z.enum(customerStates).meta({
      id: 'CustomerState',
      description:
        'pending: not verified, or changed since. verified: a verification is in force. expired: it ' +
        'was, until a document ran out or a review was not done. rejected: a person said no.',
    }),
    verifiedLevel: z.enum(customerLevels).meta({ description: 'What the verification proved' }),
    level: z.enum(customerLevels).meta({
      id: 'CustomerLevel',
      description:
        'What the customer may do now: the verified level, or none where the risk asks for more, ' +
        'where a hit on a sanctions list is undecided, or where the customer is blocked or has left.',
    }),
    verifiedAt: timestamp.nullable(),
    validUntil: timestamp
      .nullable()
      .meta({ description: 'When the first of the documents runs out' }),
    risk: z.enum(customerRisks).meta({ id: 'CustomerRisk' }),
    riskReasons: z.array(z.enum(customerRiskReasons)),
    politicallyExposed: z.boolean(),
    blockedAt: timestamp.nullable(),
    blockedBecause: z.enum(['sanctions', 'officer', 'case']).nullable(),
    blockedByOwners: z.boolean().meta({
      description: 'Half or more of it belongs to blocked parties (the 50 per cent rule of OFAC)',
    }),
    openHits: z.int().min(0).meta({ description: 'Hits of screening that nobody has decided' }),
    screenedAt: timestamp.nullable().meta({ description: 'null: not screened yet' }),
    reviewDueAt: timestamp.nullable(),
    endedAt: timestamp.nullable().meta({ description: 'When the relationship ended' }),
    erasedAt: timestamp.nullable().meta({ description: 'From then on there is no profile' }),
    profile: customerProfileSchema.nullable(),
    version: z.int().min(1),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Customer' });
export type Customer = z.output<typeof customerSchema>;
export const customerPageSchema = pageOf(customerSchema).meta({ id: 'CustomerPage' });

export const customerListQuerySchema = pageQuerySchema.extend({
  state: z.enum(customerStates).optional(),
  kind: z.enum(customerKinds).optional(),
});

export const findCustomersSchema = z
  .strictObject({
    reference: personText({ min: 1, max: 200 }).optional(),
    email: emailText.optional(),
    identifier: identifierFields.optional(),
    person: z
      .strictObject({ name: personText({ min: 1, max: 300 }), birthDate: dayText })
      .optional()
      .meta({ description: 'The whole name as it was entered, in any order of its words' }),
  })
  .refine((wish) => Object.keys(wish).length === 1, 'name one thing to look for')
  .meta({ id: 'FindCustomers', description: 'Finds exact matches only: what is kept is sealed' });
export type FindCustomers = z.output<typeof findCustomersSchema>;

export const foundCustomersSchema = z
  .strictObject({ data: z.array(customerSchema) })
  .meta({ id: 'FoundCustomers' });

/** More direct owners than this are a fund, whose managers are entered instead. */
export const MAX_OWNERS = 100;

export const customerOwnersInputSchema = z
  .strictObject({
    owners: z
      .array(
        z
          .strictObject({
            customerId: uuidText,
            shareBps: z.int().min(0).max(10_000).meta({ description: 'Hundredths of a per cent' }),
            controls: z
              .boolean()
              .default(false)
              .meta({ description: 'Decides in another way than by shares' }),
          })
          .meta({ id: 'NewCustomerOwner' }),
      )
      .max(MAX_OWNERS),
  })
  .meta({ id: 'WriteCustomerOwners', description: 'All direct owners: they replace those before' });
export type CustomerOwnersInput = z.output<typeof customerOwnersInputSchema>;

export const customerOwnersSchema = z
  .strictObject({
    owners: z.array(
      z
        .strictObject({ customerId: uuidText, shareBps: z.int(), controls: z.boolean() })
        .meta({ id: 'CustomerOwner' }),
    ),
    beneficialOwners: z
      .array(
        z
          .strictObject({
            customerId: uuidText,
            sharePercent: z.string().meta({
              description: 'Over all ways, rounded down to six decimals',
              examples: ['31.500000'],
            }),
            controls: z.boolean(),
          })
          .meta({ id: 'BeneficialOwner' }),
      )
      .meta({ description: 'Persons at or above the threshold, and those who control' }),
    thresholdBps: z.int(),
    unknownPercent: z.string().meta({ description: 'Of it nobody has said to whom it belongs' }),
  })
  .meta({ id: 'CustomerOwners' });
export type CustomerOwners = z.output<typeof customerOwnersSchema>;

const reason = personText({ min: 1, max: 2_000 }).meta({
  description: 'Why; kept sealed with the customer',
});
export const customerReasonSchema = z.strictObject({ reason }).meta({ id: 'CustomerReason' });

export const verifyCustomerSchema = z
  .strictObject({
    level: z.enum(['basic', 'standard', 'enhanced']),
    documentIds: z.array(uuidText).max(20).default([]).meta({
      description: 'What it rests on; the verification ends when the first of them runs out',
    }),
    reason,
  })
  .meta({ id: 'VerifyCustomer' });
export type VerifyCustomer = z.output<typeof verifyCustomerSchema>;

export const customerRiskInputSchema = z
  .strictObject({
    risk: z.enum(customerRisks).nullable().meta({ description: 'null: as the facts say' }),
    reason,
  })
  .meta({ id: 'SetCustomerRisk' });

export const endCustomerSchema = z
  .strictObject({ reason, at: timestampInput.optional().meta({ description: 'By default now' }) })
  .meta({ id: 'EndCustomer' });
