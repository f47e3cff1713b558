import { z } from 'zod';
import { satsText } from './fields.ts';
import { defaultLightningFeeCap, lightningFeeCapSchema } from './lightning-fees.ts';
import { lightningStrategySchema } from './lightning-strategies.ts';

/** Rules beyond this number are no policy. */
const MAX_APPROVAL_RULES = 10;
export const MAX_APPROVALS = 10;

export const approvalRulesSchema = z
  .array(
    z.strictObject({
      aboveSats: satsText.meta({ description: 'Holds for payouts of more than this' }),
      approvals: z.int().min(1).max(MAX_APPROVALS),
    }),
  )
  .max(MAX_APPROVAL_RULES)
  .meta({
    id: 'ApprovalRules',
    description: 'How many different keys have to approve; the most that any rule asks for',
    examples: [[{ aboveSats: '10000000', approvals: 2 }]],
  });

export const payoutPolicySchema = z
  .strictObject({
    approvalRules: approvalRulesSchema,
    creatorMayApprove: z
      .boolean()
      .meta({ description: 'Whether the key that made a payout may be one of its approvers' }),
    perPayoutMaxSats: satsText.nullable(),
    perDayMaxSats: satsText
      .nullable()
      .meta({ description: 'Approved within 24 hours, failed and cancelled ones not counted' }),
    stuckAfterMinutes: z
      .strictObject({
        awaiting_approval: z.int().min(1).max(525_600),
        approved: z.int().min(1).max(525_600),
        in_progress: z.int().min(1).max(525_600),
        broadcast: z.int().min(1).max(525_600),
        in_flight: z.int().min(1).max(525_600).default(10),
        unknown: z.int().min(1).max(525_600).default(5),
      })
      .meta({
        id: 'StuckAfter',
        description: 'An alert is raised when a payout stands still so long',
      }),
    lightning: z
      .strictObject({
        strategy: lightningStrategySchema
          .nullable()
          .meta({ description: 'Where neither payout nor processor has one; null: tiered' }),
        feeCap: lightningFeeCapSchema,
      })
      .meta({ id: 'PayoutPolicyLightning' }),
  })
  .meta({ id: 'PayoutPolicy' });
export type PayoutPolicy = z.infer<typeof payoutPolicySchema>;

/**
 * One approval for everything; a day for people, an hour for machines, six for the chain, minutes for
 * Lightning, where an attempt takes seconds.
 */
export const defaultPayoutPolicy: PayoutPolicy = {
  approvalRules: [],
  creatorMayApprove: true,
  perPayoutMaxSats: null,
  perDayMaxSats: null,
  stuckAfterMinutes: {
    awaiting_approval: 1_440,
    approved: 1_440,
    in_progress: 60,
    broadcast: 360,
    in_flight: 10,
    unknown: 5,
  },
  lightning: { strategy: null, feeCap: defaultLightningFeeCap },
};
