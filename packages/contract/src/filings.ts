import { z } from 'zod';
import { personText, timestamp, uuidText } from './fields.ts';
import { filingFactsSchema, filingKinds, filingReporterSchema } from './filing-facts.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

export const filingStates = [
  'draft',
  'prepared',
  'approved',
  'submitted',
  'acknowledged',
  'rejected',
  'withdrawn',
] as const;
export type FilingState = (typeof filingStates)[number];
/** How a filing stands to its last day; met: it was submitted, or needs to be no more. */
export const filingDues = ['met', 'later', 'soon', 'overdue', 'unknown'] as const;
export type FilingDue = (typeof filingDues)[number];

/** An authority's answer as a file: a batch's has some kB for each report. */
const MAX_ACKNOWLEDGEMENT = 1_000_000;
const MAX_REASON = 2_000;
const MAX_REFERENCE = 200;
const MAX_ERRORS = 1_000;

const actor = z.string().meta({ examples: ['key:0199aa40-…'] });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const filingErrorSchema = z
  .strictObject({
    code: personText({ max: 50 }),
    level: z.enum(['warning', 'error']),
    place: personText({ max: 4_000 }),
    text: personText({ max: 1_000 }),
  })
  .meta({ id: 'FilingError', description: 'What the authority says is wrong' });
export type FilingError = z.infer<typeof filingErrorSchema>;

export const filingSchema = z
  .strictObject({
    id: uuidText,
    kind: z.enum(filingKinds),
    caseId: uuidText.nullable(),
    correctsId: uuidText.nullable(),
    state: z.enum(filingStates).meta({
      id: 'FilingState',
      description:
        'draft: facts are being written. prepared: the document is made and checked. approved: by ' +
        'another person than those who wrote it. submitted: it has left, and never changes again. ' +
        'acknowledged, rejected: the answer of the authority. withdrawn: will not be filed.',
    }),
    facts: filingFactsSchema,
    dueAt: timestamp.nullable(),
    due: z.enum(filingDues),
    document: z
      .strictObject({
        sha256,
        bytes: z.int(),
        validation: z.enum(['valid', 'unvalidated']),
        validationDetail: z.string().nullable(),
        total: z.string(),
      })
      .nullable()
      .meta({ id: 'FilingDocument' }),
    authors: z.array(actor),
    approvedBy: actor.nullable(),
    approvedAt: timestamp.nullable(),
    submittedBy: actor.nullable(),
    submittedAt: timestamp.nullable(),
    submissionReference: z.string().nullable(),
    authorityId: z
      .string()
      .nullable()
      .meta({ description: "FinCEN's BSA ID, or the FIU's number" }),
    answeredAt: timestamp.nullable(),
    errors: z.array(filingErrorSchema),
    createdBy: actor,
    createdAt: timestamp,
    updatedAt: timestamp,
    version: z.int(),
  })
  .meta({ id: 'Filing' });
export type FilingJson = z.infer<typeof filingSchema>;
export const filingPageSchema = pageOf(filingSchema).meta({ id: 'FilingPage' });

export const filingListQuerySchema = pageQuerySchema.extend({
  state: z.enum(filingStates).optional(),
  kind: z.enum(filingKinds).optional(),
  caseId: uuidText.optional(),
});

export const createFilingSchema = z
  .strictObject({
    kind: z.enum(filingKinds),
    caseId: uuidText.optional().meta({ description: 'Its evidence becomes the draft' }),
    facts: filingFactsSchema.optional().meta({ description: 'By default made from the case' }),
  })
  .meta({ id: 'CreateFiling' });

export const editFilingSchema = z
  .strictObject({
    facts: filingFactsSchema,
    version: z.int().meta({ description: 'Of the filing that was edited: another one is refused' }),
  })
  .meta({ id: 'EditFiling' });

export const returnFilingSchema = z
  .strictObject({ reason: personText({ min: 1, max: MAX_REASON }) })
  .meta({ id: 'ReturnFiling' });

export const approveFilingSchema = z
  .strictObject({
    documentSha256: sha256.meta({ description: 'Of the document that you have read' }),
    acceptUnvalidated: z
      .boolean()
      .optional()
      .meta({ description: 'Needed where no schema was there to check it against' }),
  })
  .meta({ id: 'ApproveFiling' });

export const submitFilingSchema = z
  .strictObject({
    reference: personText({ max: MAX_REFERENCE })
      .optional()
      .meta({ description: 'Tracking number that the authority gave the upload' }),
  })
  .meta({ id: 'SubmitFiling' });

export const answerFilingSchema = z
  .union([
    z.strictObject({
      xml: z
        .string()
        .min(1)
        .max(MAX_ACKNOWLEDGEMENT)
        .meta({ description: "FinCEN's acknowledgement file (…ACKED)" }),
    }),
    z.strictObject({
      status: z.enum(['accepted', 'rejected']),
      authorityId: personText({ max: MAX_REFERENCE }).optional(),
      errors: z.array(filingErrorSchema).max(MAX_ERRORS).optional(),
    }),
  ])
  .meta({ id: 'AnswerFiling', description: "The authority's answer" });

export const filingEventSchema = z
  .strictObject({
    sequence: z.int(),
    at: timestamp,
    actor,
    action: z.string(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'FilingEvent' });
export const filingLogSchema = z
  .strictObject({ data: z.array(filingEventSchema) })
  .meta({ id: 'FilingLog' });

export const filingToDoItemSchema = z
  .strictObject({
    pointer: z.string().meta({ description: 'Place in the facts (JSON pointer)' }),
    detail: z.string(),
    needed: z.boolean().meta({
      description:
        'true: without it no document is made. false: filed as unknown, or to be checked',
    }),
  })
  .meta({ id: 'FilingToDoItem' });
export type FilingToDoItem = z.infer<typeof filingToDoItemSchema>;
export const filingToDoSchema = z
  .strictObject({ data: z.array(filingToDoItemSchema) })
  .meta({ id: 'FilingToDo', description: 'What is left to do before a report is filed' });

export const filingReporterAnswerSchema = z
  .strictObject({
    reporter: filingReporterSchema.nullable(),
    updatedAt: timestamp.nullable(),
    updatedBy: actor.nullable(),
  })
  .meta({ id: 'FilingReporterAnswer' });
