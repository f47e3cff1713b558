import { z } from 'zod';
import {
  type JsonValue,
  jsonObject,
  personText,
  timestamp,
  timestampInput,
  uuidText,
} from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** Who raised an alert; manual: a person. */
export const complianceAlertSources = [
  'risk',
  'screening',
  'monitoring',
  'customer',
  'manual',
] as const;
export type ComplianceAlertSource = (typeof complianceAlertSources)[number];

export const complianceSeverities = ['low', 'medium', 'high'] as const;
export type ComplianceSeverity = (typeof complianceSeverities)[number];

export const caseSubjectTypes = ['payment', 'order', 'payout', 'customer', 'party'] as const;
export type CaseSubjectType = (typeof caseSubjectTypes)[number];

/** reopened is as open: nobody works on it yet. */
export const caseStates = ['open', 'in_review', 'decision_proposed', 'closed', 'reopened'] as const;
export type CaseState = (typeof caseStates)[number];

export const caseOutcomes = ['release', 'refund', 'freeze', 'dismiss', 'report'] as const;
export type CaseOutcome = (typeof caseOutcomes)[number];

/** How a case stands to the last day for a report; met: none is needed any more. */
export const caseDues = ['met', 'later', 'soon', 'overdue'] as const;

const MAX_SUMMARY = 500;
/** About three pages: more belongs into evidence. */
const MAX_COMMENT = 10_000;
const MAX_REASON = 4_000;
const MAX_TITLE = 200;
const MAX_RULE = 100;
/** Ids of parties can be addresses or names. */
const MAX_SUBJECT_ID = 200;

export const caseSubjectSchema = z
  .strictObject({
    type: z.enum(caseSubjectTypes),
    id: personText({ min: 1, max: MAX_SUBJECT_ID }),
  })
  .meta({ id: 'CaseSubject', description: 'Whom or what a case is about' });
export type CaseSubject = z.output<typeof caseSubjectSchema>;

export const complianceAlertSchema = z
  .strictObject({
    id: uuidText,
    caseId: uuidText,
    source: z.enum(complianceAlertSources),
    rule: z.string().meta({ description: 'The rule that says so', examples: ['structuring'] }),
    subject: caseSubjectSchema,
    severity: z.enum(complianceSeverities),
    summary: z.string(),
    facts: z.custom<JsonValue>().meta({ description: 'What the rule saw' }),
    raisedAt: timestamp,
  })
  .meta({ id: 'ComplianceAlert' });
export type ComplianceAlert = z.output<typeof complianceAlertSchema>;
export const complianceAlertPageSchema = pageOf(complianceAlertSchema).meta({
  id: 'ComplianceAlertPage',
});

export const complianceAlertListQuerySchema = pageQuerySchema.extend({
  case_id: uuidText.optional(),
  source: z.enum(complianceAlertSources).optional(),
  rule: personText({ min: 1, max: MAX_RULE }).optional(),
  severity: z.enum(complianceSeverities).optional(),
});

/** What a person noticed. */
export const createComplianceAlertSchema = z
  .strictObject({
    subject: caseSubjectSchema,
    severity: z.enum(complianceSeverities),
    summary: personText({ min: 1, max: MAX_SUMMARY }),
    facts: jsonObject.optional().meta({ description: 'What is known, kept as evidence' }),
  })
  .meta({ id: 'CreateComplianceAlert' });

const actor = z.string().meta({ description: 'Who it is', examples: ['key:0199aa40-…', 'system'] });

export const caseProposalSchema = z
  .strictObject({
    id: uuidText,
    outcome: z.enum(caseOutcomes),
    reason: z.string(),
    by: actor,
    at: timestamp,
  })
  .meta({ id: 'CaseProposal', description: 'A decision that waits for a second person' });

export const complianceCaseSchema = z
  .strictObject({
    id: uuidText,
    subject: caseSubjectSchema,
    state: z.enum(caseStates),
    severity: z.enum(complianceSeverities).meta({ description: 'Of its gravest alert' }),
    summary: z.string().meta({ description: 'Of the alert that opened it' }),
    openedAt: timestamp,
    detectedAt: timestamp.meta({ description: 'When the clock for a report began' }),
    suspectKnownAt: timestamp.nullable(),
    reportDueAt: timestamp.meta({ description: 'The last moment for a report' }),
    due: z.enum(caseDues),
    reportedAt: timestamp.nullable(),
    reportDecision: z
      .strictObject({ proposedBy: actor, decidedBy: actor, at: timestamp })
      .nullable()
      .meta({
        description:
          'Who decided that a report is to be made; it stays when the rest is decided afterwards',
      }),
    assignee: actor.nullable(),
    proposal: caseProposalSchema.nullable(),
    outcome: z.enum(caseOutcomes).nullable(),
    proposedBy: actor.nullable(),
    decidedBy: actor.nullable(),
    closedAt: timestamp.nullable(),
    previousCaseId: uuidText.nullable().meta({ description: 'The case of the subject before' }),
    reopenings: z.int(),
    alertCount: z.int(),
    updatedAt: timestamp,
  })
  .meta({ id: 'ComplianceCase' });
export type ComplianceCase = z.output<typeof complianceCaseSchema>;
export const complianceCasePageSchema = pageOf(complianceCaseSchema).meta({
  id: 'ComplianceCasePage',
});

export const complianceCaseListQuerySchema = pageQuerySchema.extend({
  state: z.enum(caseStates).optional(),
  severity: z.enum(complianceSeverities).optional(),
  assignee: uuidText.optional().meta({ description: 'Id of the API key that works on it' }),
  subject_type: z.enum(caseSubjectTypes).optional(),
  subject_id: personText({ min: 1, max: MAX_SUBJECT_ID }).optional(),
  due: z
    .enum(['soon', 'overdue'])
    .optional()
    .meta({ description: 'soon: those whose last day is near or over. overdue: it is over' }),
});

/** 32 bytes. */
const hashText = z.string().regex(/^[0-9a-f]{64}$/);

export const caseLogEntrySchema = z
  .strictObject({
    id: uuidText,
    sequence: z.int().meta({ description: '1, 2, 3, … without a gap' }),
    at: timestamp,
    actor,
    kind: z.string().meta({ examples: ['alert_joined', 'decided'] }),
    content: z.custom<JsonValue>().meta({ description: 'What happened; null: erased' }),
    contentSha256: hashText.meta({ description: 'SHA-256 of the content as canonical JSON' }),
    prevHash: hashText,
    hash: hashText.meta({ description: 'Seals the entry and all before it' }),
  })
  .meta({ id: 'CaseLogEntry' });
export type CaseLogEntry = z.output<typeof caseLogEntrySchema>;
export const caseLogPageSchema = pageOf(caseLogEntrySchema).meta({ id: 'CaseLogPage' });

export const assignCaseSchema = z
  .strictObject({
    keyId: uuidText.nullable().meta({
      description: 'A key of the store with `compliance:review`; null: nobody',
    }),
  })
  .meta({ id: 'AssignCase' });
export const commentCaseSchema = z
  .strictObject({ text: personText({ min: 1, max: MAX_COMMENT }) })
  .meta({ id: 'CommentCase' });
export const addCaseEvidenceSchema = z
  .strictObject({ title: personText({ min: 1, max: MAX_TITLE }), data: jsonObject })
  .meta({ id: 'AddCaseEvidence' });
const reason = personText({ min: 1, max: MAX_REASON });
export const setCaseClockSchema = z
  .strictObject({
    detectedAt: timestampInput,
    suspectKnownAt: timestampInput.nullable().meta({ description: 'null: nobody is suspected' }),
    reason,
  })
  .meta({ id: 'SetCaseClock' });
export const proposeCaseDecisionSchema = z
  .strictObject({ outcome: z.enum(caseOutcomes), reason })
  .meta({ id: 'ProposeCaseDecision' });
export const approveCaseDecisionSchema = z
  .strictObject({
    proposalId: uuidText.meta({ description: 'The proposal that was looked at' }),
    outcome: z.enum(caseOutcomes).meta({ description: 'Its outcome, once more' }),
  })
  .meta({ id: 'ApproveCaseDecision' });
export const rejectCaseDecisionSchema = z
  .strictObject({ proposalId: uuidText, reason })
  .meta({ id: 'RejectCaseDecision' });
export const reopenCaseSchema = z.strictObject({ reason }).meta({ id: 'ReopenCase' });

export const caseFaultKinds = [
  'missing',
  'broken_link',
  'wrong_hash',
  'wrong_content',
  'wrong_head',
  'wrong_state',
] as const;
export type CaseFaultKind = (typeof caseFaultKinds)[number];

export const caseVerificationSchema = z
  .strictObject({
    caseId: uuidText,
    ok: z.boolean(),
    entries: z.int(),
    erased: z.int().meta({ description: 'Entries whose content was erased after the retention' }),
    headHash: hashText,
    fault: z
      .strictObject({
        kind: z.enum(caseFaultKinds),
        sequence: z.int().meta({ description: 'The first entry that is not as it was written' }),
      })
      .nullable(),
  })
  .meta({ id: 'CaseVerification' });
export type CaseVerification = z.output<typeof caseVerificationSchema>;

export const casesVerificationSchema = z
  .strictObject({
    ok: z.boolean(),
    cases: z.int(),
    entries: z.int(),
    digest: hashText.meta({
      description:
        'SHA-256 over the last hashes of all cases. Noted elsewhere, it tells later whether a whole ' +
        'case or the end of a log has vanished',
    }),
    faults: z.array(caseVerificationSchema).meta({ description: 'The first 100' }),
  })
  .meta({ id: 'CasesVerification' });
export type CasesVerification = z.output<typeof casesVerificationSchema>;

export const caseStatisticsQuerySchema = z.strictObject({
  from: timestampInput.optional().meta({ description: 'Absent: 90 days before `to`' }),
  to: timestampInput.optional().meta({ description: 'Not included; absent: now' }),
});

const count = z.int();
const share = z.number().min(0).max(1).nullable().meta({ description: 'null: of nothing' });

export const caseStatisticsSchema = z
  .strictObject({
    from: timestamp,
    to: timestamp,
    open: z.strictObject({
      total: count,
      byState: z.record(z.enum(caseStates), count),
      bySeverity: z.record(z.enum(complianceSeverities), count),
      byAge: z.strictObject({
        under7Days: count,
        under30Days: count,
        under60Days: count,
        over60Days: count,
      }),
      oldestOpenedAt: timestamp.nullable(),
      dueSoon: count,
      overdue: count,
    }),
    closed: z
      .strictObject({
        total: count,
        byOutcome: z.record(z.enum(caseOutcomes), z.strictObject({ count, share })),
        falsePositiveRate: share,
        secondsToDecision: z
          .strictObject({ median: count, p90: count, longest: count })
          .nullable()
          .meta({ description: 'From opening to the decision' }),
      })
      .meta({ description: 'Cases that were closed in the time, and still are' }),
    rules: z
      .array(
        z.strictObject({
          source: z.enum(complianceAlertSources),
          rule: z.string(),
          alerts: count.meta({ description: 'Raised in the time' }),
          open: count.meta({ description: 'Of those, in cases that are not closed' }),
          falsePositives: count.meta({
            description: 'Of those, in cases that were dismissed or released',
          }),
          falsePositiveRate: share.meta({ description: 'Among those in closed cases' }),
        }),
      )
      .meta({ description: 'The most frequent first, no more than 200' }),
  })
  .meta({ id: 'CaseStatistics' });
export type CaseStatistics = z.output<typeof caseStatisticsSchema>;
