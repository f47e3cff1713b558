import { z } from 'zod';
import { emailText, jsonObject, timestamp, uuidText } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/**
 * What can go wrong in a way that somebody has to look at. A kind is never renamed: programs choose
 * by it.
 */
export const alertKinds = [
  /** A payout has stood in one state for longer than it should. */
  'payout_stuck',
  /** Payouts of one processor fail again and again. */
  'payout_failing',
  /** A payout waits because the network's fee is above what the policy allows. */
  'fee_above_policy',
  /** The wallet that pays out has less than its threshold. */
  'hot_wallet_low',
  /** The coins on the chain and the ledger do not agree. */
  'reconciliation_break',
  /** The process that holds the keys does not answer. */
  'signer_unavailable',
  /** The Bitcoin node does not answer, or must not be followed. */
  'node_unavailable',
  /** A store's Lightning node holds another balance than the ledger says. */
  'lightning_balance_break',
  /** A store's Lightning node does not answer. */
  'lightning_node_unavailable',
  /** A Lightning node has paid something that no payout knows, or that counts as failed. */
  'lightning_payment_unexplained',
  /** A Lightning attempt that counted as failed was paid after all; it is booked. */
  'lightning_late_payment',
  /** A store's channels can send less than its threshold. */
  'lightning_outbound_low',
  /** Most of a store's Lightning attempts fail. */
  'lightning_payments_failing',
  /** Everything that pays out is held until the operator lets it go on. */
  'payouts_held',
  /** Payments wait for a risk decision that can not be made. */
  'risk_screening_stuck',
  /** A list for screening is older than it may be. */
  'screening_list_stale',
] as const;
export type AlertKind = (typeof alertKinds)[number];

/** From mild to grave. */
export const alertSeverities = ['info', 'warning', 'critical'] as const;
export type AlertSeverity = (typeof alertSeverities)[number];

/** Names of kinds; the list grows, so a reader takes kinds that it does not know. */
const alertKindText = z
  .string()
  .max(64)
  .regex(/^[a-z]+(_[a-z]+)*$/)
  .meta({ examples: ['payout_stuck'] });

export const alertSchema = z
  .strictObject({
    id: uuidText,
    kind: alertKindText,
    subject: z.string().meta({ description: 'What it is about: one alert is open for each' }),
    severity: z.enum(alertSeverities),
    title: z.string(),
    detail: z.string(),
    nextStep: z.string().meta({ description: 'What to do about it' }),
    data: jsonObject,
    openedAt: timestamp,
    lastSeenAt: timestamp,
    count: z.int().min(1).meta({ description: 'How often it was seen' }),
    acknowledgedAt: timestamp.nullable(),
    acknowledgedBy: z.string().nullable(),
    resolvedAt: timestamp.nullable().meta({ description: 'null while the alert is open' }),
  })
  .meta({ id: 'Alert' });
export type Alert = z.infer<typeof alertSchema>;

/** One e-mail to one address, and how far it came. */
export const alertEmailSchema = z
  .strictObject({
    recipient: emailText,
    cause: z.string().meta({ description: 'opened, reopened, escalated, reminder or resolved' }),
    state: z.enum(['pending', 'sent', 'failed']),
    attempts: z.int().min(0),
    nextAttemptAt: timestamp.nullable(),
    createdAt: timestamp,
    finishedAt: timestamp.nullable(),
    lastError: z.string().nullable(),
  })
  .meta({ id: 'AlertEmail' });
export type AlertEmail = z.infer<typeof alertEmailSchema>;

export const alertWithEmailsSchema = alertSchema
  .extend({ emails: z.array(alertEmailSchema).meta({ description: 'The newest 100, first' }) })
  .meta({ id: 'AlertWithEmails' });
export type AlertWithEmails = z.infer<typeof alertWithEmailsSchema>;

export const alertListQuerySchema = pageQuerySchema.extend({
  state: z.enum(['open', 'resolved']).optional(),
  kind: z.enum(alertKinds).optional(),
});
export const alertPageSchema = pageOf(alertSchema).meta({ id: 'AlertPage' });
