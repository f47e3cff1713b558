import { z } from 'zod';
import { type JsonValue, personText, timestamp, uuidText, webUrl } from './fields.ts';
import { pageOf } from './pages.ts';

export const customerDocumentTypes = [
  'passport',
  'identity_card',
  'driving_licence',
  'residence_permit',
  'proof_of_address',
  'registration_extract',
  'ownership_chart',
  'source_of_funds',
  'other',
] as const;

/** What a document may be: as its own bytes say, never as its name does. */
export const customerDocumentMediaTypes = [
  'application/pdf',
  'image/jpeg',
  'image/png',
  'image/webp',
] as const;
export type CustomerDocumentMediaType = (typeof customerDocumentMediaTypes)[number];

/** A photograph or a scan of some pages. Larger files are not evidence but archives. */
export const MAX_DOCUMENT_BYTES = 5 * 1024 * 1024;
/** Four characters for three bytes. */
export const MAX_DOCUMENT_TEXT = Math.ceil(MAX_DOCUMENT_BYTES / 3) * 4;

export const addCustomerDocumentSchema = z
  .strictObject({
    type: z.enum(customerDocumentTypes),
    content: z
      .string()
      .min(4)
      .max(MAX_DOCUMENT_TEXT)
      .meta({
        description: `The file in base64: PDF, JPEG, PNG or WebP, at most ${MAX_DOCUMENT_BYTES} bytes`,
      }),
    expiresOn: z.iso.date().nullable().default(null).meta({ description: 'Its last day' }),
  })
  .meta({ id: 'AddCustomerDocument' });
export type AddCustomerDocument = z.output<typeof addCustomerDocumentSchema>;

export const customerDocumentSchema = z
  .strictObject({
    id: uuidText,
    customerId: uuidText,
    type: z.enum(customerDocumentTypes),
    mediaType: z.enum(customerDocumentMediaTypes),
    sizeBytes: z.int().min(1),
    sha256: z.string().meta({ description: 'Of the file, hexadecimal' }),
    expiresOn: z.iso.date().nullable(),
    uploadedBy: z.string(),
    uploadedAt: timestamp,
    retainedUntil: timestamp.nullable().meta({
      description: 'When it is destroyed with its customer; null while the relationship lasts',
    }),
  })
  .meta({ id: 'CustomerDocument' });
export type CustomerDocument = z.output<typeof customerDocumentSchema>;
export const customerDocumentsSchema = z
  .strictObject({ data: z.array(customerDocumentSchema) })
  .meta({ id: 'CustomerDocuments' });

export const customerHitSchema = z
  .strictObject({
    id: uuidText,
    customerId: uuidText,
    list: z.string(),
    entryId: z.string(),
    category: z.enum(['sanctions', 'pep', 'other']),
    listVersion: z.string(),
    score: z.string().meta({ description: '0 to 1, four decimals', examples: ['0.9150'] }),
    explanation: z
      .strictObject({
        asked: z.string().meta({ description: 'The name that was compared' }),
        listed: z.string(),
        parts: z.array(
          z
            .object({ kind: z.string(), points: z.int() })
            .catchall(z.custom<JsonValue>())
            .meta({ id: 'CustomerHitPart' }),
        ),
      })
      .meta({ id: 'CustomerHitExplanation', description: 'Points add up to the score' }),
    state: z.enum(['open', 'dismissed', 'confirmed']),
    foundAt: timestamp,
    goneAt: timestamp.nullable().meta({ description: 'When the list had it no more' }),
    decidedAt: timestamp.nullable(),
    decidedBy: z.string().nullable(),
    reason: z.string().nullable(),
    caseId: uuidText.nullable(),
  })
  .meta({ id: 'CustomerHit' });
export type CustomerHit = z.output<typeof customerHitSchema>;
export const customerHitPageSchema = pageOf(customerHitSchema).meta({ id: 'CustomerHitPage' });

export const decideCustomerHitSchema = z
  .strictObject({
    decision: z.enum(['dismissed', 'confirmed']).meta({
      description:
        'dismissed: somebody else; it does not come back until the entry or the customer changes. ' +
        'confirmed: the same; on a sanctions list the customer is blocked at once.',
    }),
    reason: personText({ min: 1, max: 2_000 }),
  })
  .meta({ id: 'DecideCustomerHit' });

export const customerVerificationStates = [
  'starting',
  'running',
  'proposed',
  'approved',
  'declined',
  'failed',
  'abandoned',
] as const;
export type CustomerVerificationState = (typeof customerVerificationStates)[number];

export const customerVerificationSchema = z
  .strictObject({
    id: uuidText,
    customerId: uuidText,
    method: z.enum(['manual', 'provider']),
    level: z.enum(['basic', 'standard', 'enhanced']),
    state: z.enum(customerVerificationStates).meta({
      id: 'CustomerVerificationState',
      description:
        'starting: being handed to the provider. running: the provider has it. proposed: waits for ' +
        'another person. approved: in force. declined: a person said no. failed: the provider said ' +
        'no. abandoned: nobody said anything; it says nothing about the customer.',
    }),
    reason: z.string().nullable(),
    documentIds: z.array(uuidText),
    link: z.string().nullable().meta({ description: "Where the customer goes, at the provider's" }),
    note: z.string().nullable(),
    proposedBy: z.string(),
    decidedBy: z.string().nullable(),
    createdAt: timestamp,
    endedAt: timestamp.nullable(),
  })
  .meta({ id: 'CustomerVerification' });
export type CustomerVerification = z.output<typeof customerVerificationSchema>;
export const customerVerificationsSchema = z
  .strictObject({ data: z.array(customerVerificationSchema) })
  .meta({ id: 'CustomerVerifications' });

export const startCustomerVerificationSchema = z
  .strictObject({ level: z.enum(['basic', 'standard', 'enhanced']) })
  .meta({ id: 'StartCustomerVerification' });

export const customerProviderInputSchema = z
  .strictObject({
    url: webUrl.meta({ description: 'Where the interface of docs/kyc.md is served' }),
    enabled: z.boolean(),
    apiKey: personText({ min: 1, max: 500 }).optional().meta({
      description: 'Sent as a bearer token; absent: as it was. Never shown',
    }),
  })
  .meta({ id: 'WriteCustomerProvider' });
export const customerProviderSchema = z
  .strictObject({
    url: z.string(),
    enabled: z.boolean(),
    callbackSecret: z.string().nullable().meta({
      description: 'Signs what the provider tells us; shown when it is made, later null',
    }),
    updatedAt: timestamp,
    updatedBy: z.string(),
  })
  .meta({ id: 'CustomerProvider' });
export type CustomerProvider = z.output<typeof customerProviderSchema>;

export const customerErasureRules = [
  'no_duty',
  'retention_over',
  'retention_period',
  'open_case',
  'open_hit',
  'blocked',
  'owns_customer',
  'open_order',
] as const;
export type CustomerErasureRule = (typeof customerErasureRules)[number];

export const customerErasureSchema = z
  .strictObject({
    id: uuidText,
    customerId: uuidText,
    cause: z.enum(['request', 'retention']),
    rule: z.enum(customerErasureRules).meta({
      id: 'CustomerErasureRule',
      description:
        'no_duty, retention_over: erased. retention_period: kept until dueAt. open_case, open_hit, ' +
        'blocked, owns_customer, open_order: kept until that has ended, and looked at again by dueAt.',
    }),
    dueAt: timestamp.nullable(),
    requestedBy: z.string(),
    requestedAt: timestamp,
    decidedAt: timestamp,
    doneAt: timestamp.nullable(),
  })
  .meta({ id: 'CustomerErasure' });
export type CustomerErasure = z.output<typeof customerErasureSchema>;
export const customerErasuresSchema = z
  .strictObject({ data: z.array(customerErasureSchema) })
  .meta({ id: 'CustomerErasures' });

export const customerLogEntrySchema = z
  .strictObject({
    id: uuidText,
    at: timestamp,
    actor: z.string(),
    action: z.string(),
    detail: z.record(z.string(), z.custom<JsonValue>()),
    note: z.string().nullable(),
  })
  .meta({ id: 'CustomerLogEntry' });
export type CustomerLogEntry = z.output<typeof customerLogEntrySchema>;
export const customerLogPageSchema = pageOf(customerLogEntrySchema).meta({ id: 'CustomerLogPage' });
