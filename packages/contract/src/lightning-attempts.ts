import { z } from 'zod';
import { msatsText, timestamp, uuidText } from './fields.ts';
import { lightningFailureClassSchema } from './lightning.ts';
import { pageOf } from './pages.ts';

/** One try of a payout over Lightning, and why it came to what it came. */
export const lightningAttemptSchema = z
  .strictObject({
    id: uuidText,
    payoutId: uuidText,
    number: z.int().min(1),
    state: z.enum(['open', 'succeeded', 'failed']),
    origin: z.enum(['processor_auto', 'manual']),
    processorId: uuidText.nullable(),
    nodeId: z.string().nullable().meta({ description: 'Public key of the node that was to pay' }),
    invoice: z.string().nullable().meta({ description: 'null: none was got' }),
    paymentHash: z.string().nullable(),
    invoiceExpiresAt: timestamp.nullable(),
    amountMsat: msatsText,
    maxFeeMsat: msatsText,
    feeMsat: msatsText.nullable(),
    preimage: z.string().nullable(),
    sends: z.int().min(0).meta({ description: '0: it was refused before it was sent' }),
    lastAnswer: z
      .enum(['in_flight', 'not_found', 'unknown'])
      .nullable()
      .meta({ description: 'What the node said last while the outcome was open' }),
    failure: z
      .strictObject({
        failureClass: lightningFailureClassSchema,
        retryable: z.boolean(),
        code: z.string().meta({ description: "The node's or service's own code" }),
        detail: z.string(),
        at: z.string().nullable().meta({ description: 'Channel, node or service that failed' }),
        message: z.string().meta({ description: 'For you: what it is and what to do' }),
        recipientMessage: z.string().meta({ description: 'What the recipient may be told' }),
      })
      .nullable()
      .meta({ id: 'LightningAttemptFailure' }),
    startedAt: timestamp,
    endedAt: timestamp.nullable(),
  })
  .meta({ id: 'LightningAttempt' });
export type LightningAttempt = z.infer<typeof lightningAttemptSchema>;

export const lightningAttemptPageSchema = pageOf(lightningAttemptSchema).meta({
  id: 'LightningAttemptPage',
});
