import { z } from 'zod';
import { decimalText, satsText, timestamp, timestampInput, uuidText } from './fields.ts';
import { pageQuerySchema } from './pages.ts';

/** What a compliance report counts; each figure is the sum of its rows and nothing else. */
export const complianceFigures = [
  'payments',
  'payments_fiat',
  'payments_without_fiat',
  'payments_without_customer',
  'payments_high_risk',
  'payments_blocked',
  'customers_paying',
  'payouts',
  'customers_new',
  'kyc_pending',
  'kyc_verified',
  'kyc_rejected',
  'kyc_expired',
  'alerts',
  'alerts_high_risk',
  'cases_opened',
  'cases_closed',
  'cases_overdue',
  'sars_filed',
  'ctrs_filed',
  'goaml_filed',
  'blocked_cases',
  'blocked_customers',
] as const;
export type ComplianceFigureName = (typeof complianceFigures)[number];

export const complianceFigureSchema = z
  .strictObject({
    figure: z.enum(complianceFigures),
    currency: z.string().nullable(),
    count: z.int(),
    sats: satsText.nullable().meta({ description: 'Sum; null where no bitcoin is counted' }),
    averageSats: satsText.nullable(),
    amount: decimalText.nullable().meta({ description: "Sum at each order's own rate" }),
    averageAmount: decimalText.nullable(),
    rows: z.string().meta({ description: 'Where the rows behind it are listed' }),
  })
  .meta({ id: 'ComplianceFigure' });
export type ComplianceFigure = z.infer<typeof complianceFigureSchema>;

const period = {
  from: timestampInput.meta({ description: 'At this time or later' }),
  to: timestampInput.meta({ description: 'Before this time; at most 366 days later' }),
};

export const complianceReportQuerySchema = z.strictObject(period);
export const complianceRowsQuerySchema = pageQuerySchema.extend({
  ...period,
  figure: z.enum(complianceFigures),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional(),
});

export const complianceReportSchema = z
  .strictObject({
    from: timestamp,
    to: timestamp,
    generatedAt: timestamp,
    figures: z.array(complianceFigureSchema),
    notes: z.array(z.string()).meta({ description: 'What the figures mean' }),
  })
  .meta({ id: 'ComplianceReport' });
export type ComplianceReport = z.infer<typeof complianceReportSchema>;

export const complianceRowSchema = z
  .strictObject({
    kind: z.enum(['payment', 'payout', 'customer', 'alert', 'case', 'filing']),
    id: uuidText,
    at: timestamp,
    sats: satsText.nullable(),
    currency: z.string().nullable(),
    amount: decimalText.nullable(),
  })
  .meta({ id: 'ComplianceRow' });
export const complianceRowPageSchema = z
  .strictObject({ data: z.array(complianceRowSchema), has_more: z.boolean() })
  .meta({ id: 'ComplianceRowPage' });
