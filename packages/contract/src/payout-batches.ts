import { z } from 'zod';
import { personText, satsText, timestamp, uuidText } from './fields.ts';
import { pageOf } from './pages.ts';
import { MAX_DESTINATION_LENGTH } from './payouts.ts';

/** More lines than this would hold a transaction open for too long. */
export const MAX_BATCH_LINES = 10_000;
/** The text of a file, before JSON escapes. */
export const MAX_BATCH_CHARACTERS = 2_097_152;
const MAX_CELL_LENGTH = 500;

const cell = z.string().max(MAX_CELL_LENGTH);

/** A line as it was written: what is wrong with it is said line by line, not by refusing all. */
export const payoutBatchLineInputSchema = z.strictObject({
  destination: z.string().max(MAX_DESTINATION_LENGTH),
  amount: cell.meta({ description: 'Empty for a Lightning invoice that has one' }),
  currency: cell.optional().meta({ description: 'By default BTC' }),
  feeFrom: cell.optional().meta({ description: 'sender (by default) or recipient' }),
  externalId: cell.optional(),
  description: cell.optional(),
});
export type PayoutBatchLineInput = z.infer<typeof payoutBatchLineInputSchema>;

export const createPayoutBatchSchema = z
  .strictObject({
    csv: z
      .string()
      .min(1)
      .max(MAX_BATCH_CHARACTERS)
      .optional()
      .meta({
        description:
          'A CSV file (RFC 4180) with a header line: destination, amount and, where wanted, ' +
          'currency, fee_from, external_id, description',
        examples: ['destination,amount,currency\nbc1q…,0.0025,BTC\n'],
      }),
    payouts: z
      .array(payoutBatchLineInputSchema)
      .min(1)
      .max(MAX_BATCH_LINES)
      .optional()
      .meta({ description: 'The same lines as JSON, instead of `csv`' }),
    name: personText({ min: 1, max: 200 }).optional(),
    walletId: uuidText.optional(),
    dryRun: z
      .boolean()
      .optional()
      .meta({ description: 'Only says what is right and wrong; nothing is kept' }),
  })
  .refine((batch) => (batch.csv === undefined) !== (batch.payouts === undefined), {
    path: ['csv'],
    message: 'send either csv or payouts',
  })
  .meta({ id: 'CreatePayoutBatch' });
export type CreatePayoutBatch = z.infer<typeof createPayoutBatchSchema>;

export const payoutBatchLineSchema = z
  .strictObject({
    line: z
      .int()
      .min(1)
      .meta({ description: 'Of the file; the header is line 1. Of JSON: from 1' }),
    ok: z.boolean(),
    problems: z.array(z.strictObject({ field: z.string(), code: z.string(), message: z.string() })),
    destination: z.string(),
    amountSats: satsText.nullable(),
    externalId: z.string().nullable(),
    duplicateOf: z
      .int()
      .nullable()
      .meta({ description: 'An earlier line with the same destination and amount' }),
  })
  .meta({ id: 'PayoutBatchLine' });
export type PayoutBatchLine = z.infer<typeof payoutBatchLineSchema>;

export const payoutBatchSchema = z
  .strictObject({
    id: uuidText.nullable().meta({ description: 'null for a dry run' }),
    name: z.string().nullable(),
    state: z.enum(['checked', 'accepted']),
    lines: z.int().min(0),
    validLines: z.int().min(0),
    duplicateLines: z.int().min(0),
    totalSats: satsText.meta({ description: 'Of the valid lines' }),
    acceptableUntil: timestamp
      .nullable()
      .meta({ description: 'Rates are locked until then; afterwards upload it again' }),
    createdAt: timestamp,
    acceptedAt: timestamp.nullable(),
  })
  .meta({ id: 'PayoutBatch' });
export type PayoutBatch = z.infer<typeof payoutBatchSchema>;

export const payoutBatchVerdictSchema = payoutBatchSchema
  .extend({ verdict: z.array(payoutBatchLineSchema) })
  .meta({ id: 'PayoutBatchVerdict' });
export type PayoutBatchVerdict = z.infer<typeof payoutBatchVerdictSchema>;

export const payoutBatchPageSchema = pageOf(payoutBatchSchema).meta({ id: 'PayoutBatchPage' });

export const acceptPayoutBatchSchema = z
  .strictObject({
    acceptValid: z
      .boolean()
      .optional()
      .meta({ description: 'Take the valid lines although others are wrong' }),
    acceptDuplicates: z
      .boolean()
      .optional()
      .meta({ description: 'Take lines that repeat an earlier one, too' }),
  })
  .nullish();
export type AcceptPayoutBatch = z.infer<typeof acceptPayoutBatchSchema>;
