import { z } from 'zod';

/**
 * IVMS101, interVASP Messaging Standard, in the form of 2020 (originatorPersons) and of 2023
 * (originatorPerson, payloadMetadata). Objects keep what they do not know: a message is passed on
 * as it came. Lengths are those of the standard (§5).
 */
const short = z.string().min(1).max(16);
const middle = z.string().min(1).max(50);
const line = z.string().min(1).max(70);
const long = z.string().min(1).max(100);
const country = z.string().regex(/^[A-Z]{2}$/, 'write a country as two letters (ISO 3166-1)');
const day = z.string().regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/, 'write a day as 1990-01-31');
/** Lists of the standard are short; nobody sends a thousand names. */
const MAX_ITEMS = 50;

export const naturalNameTypes = ['ALIA', 'BIRT', 'MAID', 'LEGL', 'MISC'] as const;
export const legalNameTypes = ['LEGL', 'SHRT', 'TRAD'] as const;
export const nationalIdTypes = [
  'ARNU',
  'CCPT',
  'RAID',
  'DRLC',
  'FIIN',
  'TXID',
  'SOCS',
  'IDCD',
  'LEIX',
  'MISC',
] as const;

const naturalNameId = z.looseObject({
  primaryIdentifier: long,
  secondaryIdentifier: long.optional(),
  nameIdentifierType: z.enum(naturalNameTypes).optional(),
  naturalPersonNameIdentifierType: z.enum(naturalNameTypes).optional(),
});
const legalNameId = z.looseObject({
  legalPersonName: long,
  legalPersonNameIdentifierType: z.enum(legalNameTypes),
});

export const ivmsAddressSchema = z.looseObject({
  addressType: z.enum(['HOME', 'BIZZ', 'GEOG']),
  department: middle.optional(),
  subDepartment: line.optional(),
  streetName: line.optional(),
  buildingNumber: short.optional(),
  buildingName: z.string().min(1).max(35).optional(),
  floor: line.optional(),
  postBox: short.optional(),
  room: line.optional(),
  postCode: short.optional(),
  townName: z.string().min(1).max(35).optional(),
  townLocationName: z.string().min(1).max(35).optional(),
  districtName: z.string().min(1).max(35).optional(),
  countrySubDivision: z.string().min(1).max(35).optional(),
  addressLine: z.array(line).max(7).optional(),
  country,
});
export type IvmsAddress = z.infer<typeof ivmsAddressSchema>;

const nationalIdentification = z.looseObject({
  nationalIdentifier: z.string().min(1).max(72),
  nationalIdentifierType: z.enum(nationalIdTypes),
  countryOfIssue: country.optional(),
  registrationAuthority: z
    .string()
    .regex(/^RA[0-9]{6}$/, 'a code of the GLEIF list such as RA777777')
    .optional(),
});

const naturalPerson = z.looseObject({
  name: z.looseObject({
    nameIdentifier: z.array(naturalNameId).min(1).max(MAX_ITEMS),
    localNameIdentifier: z.array(naturalNameId).max(MAX_ITEMS).optional(),
    phoneticNameIdentifier: z.array(naturalNameId).max(MAX_ITEMS).optional(),
  }),
  geographicAddress: z.array(ivmsAddressSchema).max(MAX_ITEMS).optional(),
  nationalIdentification: nationalIdentification.optional(),
  customerIdentification: middle.optional(),
  dateAndPlaceOfBirth: z.looseObject({ dateOfBirth: day, placeOfBirth: line }).optional(),
  countryOfResidence: country.optional(),
});

const legalPerson = z.looseObject({
  name: z.looseObject({
    nameIdentifier: z.array(legalNameId).min(1).max(MAX_ITEMS),
    localNameIdentifier: z.array(legalNameId).max(MAX_ITEMS).optional(),
    phoneticNameIdentifier: z.array(legalNameId).max(MAX_ITEMS).optional(),
  }),
  geographicAddress: z.array(ivmsAddressSchema).max(MAX_ITEMS).optional(),
  customerNumber: middle.optional(),
  customerIdentification: middle.optional(),
  nationalIdentification: nationalIdentification.optional(),
  countryOfRegistration: country.optional(),
});

export const ivmsPersonSchema = z.looseObject({
  naturalPerson: naturalPerson.optional(),
  legalPerson: legalPerson.optional(),
});
export type IvmsPerson = z.infer<typeof ivmsPersonSchema>;

const persons = z.array(ivmsPersonSchema).min(1).max(MAX_ITEMS);
const accounts = z.array(long).max(MAX_ITEMS).optional();

export const ivms101Schema = z
  .looseObject({
    originator: z.looseObject({
      originatorPersons: persons.optional(),
      originatorPerson: persons.optional(),
      accountNumber: accounts,
    }),
    beneficiary: z.looseObject({
      beneficiaryPersons: persons.optional(),
      beneficiaryPerson: persons.optional(),
      accountNumber: accounts,
    }),
    originatingVASP: z.looseObject({ originatingVASP: ivmsPersonSchema }).optional(),
    beneficiaryVASP: z.looseObject({ beneficiaryVASP: ivmsPersonSchema.optional() }).optional(),
    transferPath: z
      .looseObject({
        transferPath: z
          .array(
            z.looseObject({
              intermediaryVASP: ivmsPersonSchema,
              sequence: z.union([z.int(), z.string().regex(/^[0-9]{1,9}$/)]),
            }),
          )
          .max(MAX_ITEMS),
      })
      .optional(),
    payloadMetadata: z
      .looseObject({
        transliterationMethod: z.array(z.string().min(1).max(4)).max(MAX_ITEMS).optional(),
        payloadVersion: z.string().max(20).optional(),
      })
      .optional(),
  })
  .meta({ id: 'Ivms101', description: 'Identity payload of the interVASP Messaging Standard' });
export type Ivms101 = z.infer<typeof ivms101Schema>;
