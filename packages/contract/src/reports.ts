import { z } from 'zod';
import {
  currencyCode,
  satsText,
  signedIntegerText,
  timestamp,
  timestampInput,
  uuidText,
} from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

const signedAmount = z
  .string()
  .regex(/^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/)
  .meta({ description: "In the order's currency, at the order's rate", examples: ['-12.50'] });

/** What moved in the book for one order within a time; each figure is a sum of ledger transfers. */
export const orderReportLineSchema = z
  .strictObject({
    orderId: uuidText,
    externalId: z.string().nullable(),
    createdAt: timestamp,
    currency: currencyCode,
    receivedSats: signedIntegerText.meta({ description: 'Confirmed, less what left the chain' }),
    heldSats: signedIntegerText.meta({ description: 'Of it: counts for no order (late, short)' }),
    settledSats: signedIntegerText.meta({
      description: 'Applied to the order, less what was refunded of it: zero once it is refunded',
    }),
    refundedSats: signedIntegerText.meta({ description: 'Of what was received, paid back' }),
    paidBackSats: signedIntegerText.meta({
      description: 'What was paid for it: differs by deductions and by rates of the day',
    }),
    feeSats: satsText.meta({ description: 'Network fees that you bore for its refunds' }),
    netSats: signedIntegerText.meta({ description: 'Received less paid back less fees' }),
    settledAmount: signedAmount,
    refundedAmount: signedAmount,
    netAmount: signedAmount,
  })
  .meta({ id: 'OrderReportLine' });
export type OrderReportLine = z.infer<typeof orderReportLineSchema>;

export const orderReportTotalsSchema = z
  .strictObject({
    orders: z.int().min(0),
    receivedSats: signedIntegerText,
    heldSats: signedIntegerText,
    settledSats: signedIntegerText,
    refundedSats: signedIntegerText,
    paidBackSats: signedIntegerText,
    feeSats: signedIntegerText,
    netSats: signedIntegerText,
  })
  .meta({ id: 'OrderReportTotals', description: 'Of the whole time, not of the page' });
export type OrderReportTotals = z.infer<typeof orderReportTotalsSchema>;

const period = {
  from: timestampInput.meta({ description: 'Recorded in the book at this time or later' }),
  to: timestampInput.meta({ description: 'Recorded before this time; at most 366 days later' }),
};

export const orderReportQuerySchema = pageQuerySchema.extend(period);
export const orderReportFileQuerySchema = z.strictObject(period);
export const orderReportSchema = pageOf(orderReportLineSchema)
  .extend({ from: timestamp, to: timestamp, totals: orderReportTotalsSchema })
  .meta({ id: 'OrderReport' });
export type OrderReport = z.infer<typeof orderReportSchema>;
