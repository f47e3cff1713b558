import { z } from 'zod';
import { personText, timestamp, timestampInput, uuidText } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** Bytes of one uploaded part of a file; larger files come in several. */
export const MAX_LIST_PART_BYTES = 8 * 1024 * 1024;
/** Parts of all files of one version: a gibibyte. */
export const MAX_LIST_PARTS = 128;

export const screeningListFormats = [
  'ofac-sdn-csv',
  'ofac-advanced-xml',
  'un-xml',
  'eu-csv',
  'ftm',
  'senzing',
  'tagpack',
  'addresses',
] as const;
export const screeningPurposes = ['sanctions', 'pep', 'attribution', 'other'] as const;
export const screeningVersionStates = [
  'uploading',
  'queued',
  'importing',
  'failed',
  'imported',
  'approved',
  'active',
  'retired',
  'rejected',
] as const;

/** A list's name in links and answers. */
export const screeningListName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/,
    'write a name of small letters, digits, dots and dashes, such as "ofac-sdn"',
  )
  .meta({ examples: ['ofac-sdn'] });

const purpose = z.enum(screeningPurposes).meta({
  description:
    'What it means to be listed, where the entry itself does not say it (attribution: tags of addresses)',
});

export const putScreeningListSchema = z
  .strictObject({
    title: personText({ min: 1, max: 200 }),
    purpose,
    maxAgeHours: z
      .int()
      .min(1)
      .max(87_600)
      .meta({ description: 'From this age of its active version on operators are told' }),
  })
  .meta({ id: 'PutScreeningList' });

const sha256Text = z.string().regex(/^[0-9a-f]{64}$/, 'write 64 lower-case hexadecimal digits');

export const screeningVersionRefSchema = z
  .strictObject({ list: z.string(), versionId: uuidText, digest: sha256Text })
  .meta({ id: 'ScreeningVersionRef', description: 'A version of a list that an answer rests on' });

const deltaLine = z.strictObject({
  source: z.string(),
  id: z.string(),
  name: z.string(),
  fields: z.array(z.string()).optional(),
});

export const screeningDeltaSchema = z
  .strictObject({
    comparedTo: uuidText.nullable().meta({ description: 'null: nothing was active' }),
    added: z.int().min(0),
    removed: z.int().min(0),
    changed: z.int().min(0),
    unchanged: z.int().min(0),
    sample: z
      .strictObject({
        added: z.array(deltaLine),
        removed: z.array(deltaLine),
        changed: z.array(deltaLine),
      })
      .meta({ id: 'ScreeningDeltaSample', description: 'The first 200 of each kind' }),
  })
  .meta({ id: 'ScreeningDelta', description: 'What a version changes against the active one' });

const finding = z.strictObject({
  file: z.string(),
  line: z.int().min(0).meta({ description: '0: of the entry, not of a line' }),
  message: z.string(),
});

const count = z.int().min(0).nullable();

const versionFields = {
  id: uuidText,
  list: z.string(),
  format: z.enum(screeningListFormats),
  state: z.enum(screeningVersionStates).meta({
    id: 'ScreeningVersionState',
    description:
      'uploading: files are coming. queued, importing: a worker reads them. failed: a file must not ' +
      'be used, see error. imported: waits to be signed off by a second person. approved: waits for ' +
      'its date. active: in force. retired: was active. rejected: will never be.',
  }),
  proposedBy: z.string(),
  createdAt: timestamp,
  error: z.string().nullable(),
  sources: z.array(z.strictObject({ file: z.string(), bytes: z.int().min(0), sha256: sha256Text })),
  digest: sha256Text.nullable().meta({ description: 'Of all entries' }),
  entryCount: count,
  nameCount: count,
  addressCount: count,
  findingCount: count,
  importedAt: timestamp.nullable(),
  signedOffBy: z.string().nullable(),
  signedOffAt: timestamp.nullable(),
  effectiveAt: timestamp.nullable(),
  activatedAt: timestamp.nullable(),
  retiredAt: timestamp.nullable(),
};

export const screeningVersionSummarySchema = z
  .strictObject(versionFields)
  .meta({ id: 'ScreeningVersionSummary' });
export type ScreeningVersionSummaryJson = z.output<typeof screeningVersionSummarySchema>;
export const screeningVersionPageSchema = pageOf(screeningVersionSummarySchema).meta({
  id: 'ScreeningVersionPage',
});

export const screeningVersionSchema = z
  .strictObject({
    ...versionFields,
    findings: z.array(finding).meta({ description: 'The first 500 of what could not be read' }),
    delta: screeningDeltaSchema
      .nullable()
      .meta({ description: 'null: not compared yet, or something else is active since' }),
  })
  .meta({ id: 'ScreeningVersion' });
export type ScreeningVersionJson = z.output<typeof screeningVersionSchema>;

export const screeningListSchema = z
  .strictObject({
    name: z.string(),
    title: z.string(),
    purpose,
    maxAgeHours: z.int().min(1),
    isStale: z.boolean(),
    createdAt: timestamp,
    active: screeningVersionSummarySchema.nullable(),
  })
  .meta({ id: 'ScreeningList' });
export type ScreeningListJson = z.output<typeof screeningListSchema>;

export const screeningListsSchema = z
  .strictObject({
    data: z.array(screeningListSchema),
    inUse: z.array(screeningVersionRefSchema).meta({
      id: 'ScreeningVersionsInUse',
      description:
        'What the process that answers screens by just now; after a switch it may be behind for seconds',
    }),
    rescreening: z
      .strictObject({
        epoch: z.string(),
        state: z.enum(['open', 'done', 'superseded']),
        screened: z.string(),
        startedAt: timestamp,
        finishedAt: timestamp.nullable(),
      })
      .nullable()
      .meta({ id: 'Rescreening', description: 'Of everybody, after the last switch' }),
  })
  .meta({ id: 'ScreeningLists' });

export const createScreeningVersionSchema = z
  .strictObject({ format: z.enum(screeningListFormats) })
  .meta({ id: 'CreateScreeningVersion' });

/** A file's name, which findings are told under. */
export const screeningFileName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/, 'write a plain file name')
  .meta({ examples: ['sdn.csv'] });

export const screeningPartQuerySchema = z.strictObject({
  part: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_LIST_PARTS - 1)
    .default(0)
    .meta({ description: 'Which part of the file, from 0; each at most 8 MiB' }),
});

export const screeningUploadSchema = z
  .strictObject({ file: z.string(), part: z.int().min(0), bytes: z.int().min(0) })
  .meta({ id: 'ScreeningUpload' });

export const signOffScreeningVersionSchema = z
  .strictObject({
    digest: sha256Text.meta({ description: 'Of the version whose report was read' }),
    effectiveAt: timestampInput.optional().meta({ description: 'By default now' }),
  })
  .meta({ id: 'SignOffScreeningVersion' });

const dayText = z.iso.date().meta({ examples: ['1970-05-01'] });

export const screenNameSchema = z
  .strictObject({
    name: personText({ min: 1, max: 400 }),
    kind: z.enum(['person', 'organisation', 'vessel']).nullable().default(null).meta({
      description: 'null: not known, so that all are looked through',
    }),
    birthDate: z.strictObject({ from: dayText, to: dayText }).optional().meta({
      id: 'BirthDateRange',
      description: 'Both days included; a year is its first and last',
    }),
    countries: z
      .array(z.string().regex(/^[A-Za-z]{2}$/, 'write an ISO 3166-1 code of two letters'))
      .max(20)
      .default([]),
    gender: z.enum(['male', 'female']).nullable().default(null),
    limit: z.int().min(1).max(50).default(10),
  })
  .meta({ id: 'ScreenName' });
export type ScreenNameInput = z.output<typeof screenNameSchema>;

const points = z.int().meta({ description: 'In ten-thousandths: 10000 is a full score' });

export const screeningScorePartSchema = z
  .strictObject({
    kind: z.string(),
    points,
    asked: z.string().optional(),
    listed: z.string().optional(),
    likeness: z.string().optional(),
  })
  .meta({ id: 'ScreeningScorePart', description: 'One reason; the points of all are the score' });

export const screeningHitSchema = z
  .strictObject({
    list: z.string(),
    versionId: uuidText,
    entryId: z.string(),
    purpose,
    name: z.string().meta({ description: 'The listed name that fits best' }),
    nameKind: z.string(),
    schema: z.string(),
    score: points,
    match: z.boolean().meta({ description: 'The score reaches the cut' }),
    parts: z.array(screeningScorePartSchema),
    names: z.array(z.string()),
    birthDates: z.array(z.strictObject({ from: z.string(), to: z.string() })),
    countries: z.array(z.string()),
    gender: z.enum(['male', 'female']).nullable(),
    topics: z.array(z.string()),
  })
  .meta({ id: 'ScreeningHit' });
export type ScreeningHitJson = z.output<typeof screeningHitSchema>;

export const screenedNameSchema = z
  .strictObject({
    hits: z.array(screeningHitSchema),
    cut: points,
    settingsVersion: z.int(),
    versions: z.array(screeningVersionRefSchema),
  })
  .meta({ id: 'ScreenedName' });

const addressText = z
  .string()
  .min(1)
  .max(200)
  .meta({ examples: ['bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq'] });
const assetText = z
  .string()
  .regex(/^[A-Za-z0-9]{2,10}$/, 'write a symbol such as BTC')
  .default('BTC');

export const screenAddressSchema = z
  .strictObject({ address: addressText, asset: assetText })
  .meta({ id: 'ScreenAddress' });

export const addressHitSchema = z
  .strictObject({
    list: z.string(),
    versionId: uuidText,
    entryId: z.string(),
    purpose,
    categories: z.array(z.string()),
    label: z.string().nullable(),
    topics: z.array(z.string()),
    asset: z.string(),
    address: z.string(),
    foreign: z
      .boolean()
      .meta({ description: 'The list calls it a Bitcoin address, and it is none' }),
  })
  .meta({ id: 'AddressHit' });

export const ownAddressVerdicts = ['block', 'allow'] as const;

export const addOwnAddressSchema = z
  .strictObject({
    address: addressText,
    asset: assetText,
    verdict: z.enum(ownAddressVerdicts),
    reason: personText({ min: 1, max: 500 }),
  })
  .meta({ id: 'AddOwnAddress' });

export const ownAddressSchema = z
  .strictObject({
    id: uuidText,
    address: z.string(),
    asset: z.string(),
    verdict: z.enum(ownAddressVerdicts),
    reason: z.string(),
    createdBy: z.string(),
    createdAt: timestamp,
    removedBy: z.string().nullable(),
    removedAt: timestamp.nullable(),
  })
  .meta({ id: 'OwnAddress', description: "An address on the store's own list" });
export type OwnAddressJson = z.output<typeof ownAddressSchema>;
export const ownAddressPageSchema = pageOf(ownAddressSchema).meta({ id: 'OwnAddressPage' });
export const ownAddressListQuerySchema = pageQuerySchema.extend({
  verdict: z.enum(ownAddressVerdicts).optional(),
});

export const screenedAddressSchema = z
  .strictObject({
    isAddress: z.boolean().meta({ description: 'false: it can be no address of any asset' }),
    hits: z.array(addressHitSchema),
    own: ownAddressSchema.nullable().meta({ description: "On the store's own list" }),
    versions: z.array(screeningVersionRefSchema),
  })
  .meta({ id: 'ScreenedAddress' });
