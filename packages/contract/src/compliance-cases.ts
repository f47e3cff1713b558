import { z } from 'zod';
import { type JsonValue, personText, timestamp, uuidText } from './fields.ts';
import { pageOf } from './pages.ts';

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
