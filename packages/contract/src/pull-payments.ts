import { z } from 'zod';
import {
  currencyCode,
  decimalText,
  personText,
  satsText,
  timestamp,
  timestampInput,
  uuidText,
} from './fields.ts';
import { lockedRateSchema } from './orders.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** Longer than any payment request of LNURL or a QR code as a data link. */
const MAX_LINK_LENGTH = 20_000;

export const pullPaymentPeriods = ['day', 'week', 'month'] as const;
export type PullPaymentPeriod = (typeof pullPaymentPeriods)[number];
export const pullPaymentStates = ['awaiting_approval', 'active', 'archived'] as const;
export type PullPaymentState = (typeof pullPaymentStates)[number];
export const drawStates = ['open', 'paid', 'failed'] as const;
export type DrawState = (typeof drawStates)[number];

const limitFields = {
  amount: decimalText.meta({
    description: 'What may be drawn in all, or in each period',
    examples: ['0.00500000'],
  }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'write a currency code such as "BTC", "SAT" or "EUR"')
    .meta({
      description:
        'BTC, SAT (whole satoshis) or an ISO 4217 code. Each draw then takes of the limit what it ' +
        "is worth at that moment, at the store's rate without its spread",
      examples: ['BTC'],
    }),
  period: z
    .enum(pullPaymentPeriods)
    .nullable()
    .optional()
    .meta({
      description:
        'The limit is fresh with each day, week (from Monday) or month, in UTC; absent: it is one ' +
        'limit for ever',
    }),
  expiresAt: timestampInput
    .nullable()
    .optional()
    .meta({ description: 'From then on nothing can be drawn' }),
};

const pullPaymentName = personText({ min: 1, max: 100 }).meta({
  description: 'Shown to whoever draws',
  examples: ['Expenses of March'],
});

export const pullPaymentLimitSchema = z
  .strictObject(limitFields)
  .meta({ id: 'PullPaymentLimit', description: 'What may be drawn' });
export type PullPaymentLimit = z.infer<typeof pullPaymentLimitSchema>;

export const createPullPaymentSchema = z
  .strictObject({
    name: pullPaymentName,
    description: personText({ max: 500 }).optional(),
    ...limitFields,
    startsAt: timestampInput.optional().meta({ description: 'By default now' }),
    minDrawSats: satsText.optional().meta({ description: 'Least of one draw; by default 1' }),
    maxDrawSats: satsText
      .optional()
      .meta({ description: 'Most of one draw; by default the limit' }),
    link: z
      .boolean()
      .default(true)
      .meta({ description: 'Whether there is a link to draw with; false: cards only' }),
  })
  .meta({ id: 'CreatePullPayment' });
export type CreatePullPayment = z.output<typeof createPullPaymentSchema>;
export type CreatePullPaymentInput = z.input<typeof createPullPaymentSchema>;

const moneyOfLimit = z.strictObject({ amount: decimalText, currency: currencyCode });

const approval = z.strictObject({ by: z.string(), at: timestamp });

export const pullPaymentSchema = z
  .strictObject({
    id: uuidText,
    merchantId: uuidText,
    name: z.string(),
    description: z.string().nullable(),
    state: z.enum(pullPaymentStates).meta({
      id: 'PullPaymentState',
      description:
        'awaiting_approval: the payout policy asks for more approvals of its limit. active: may be ' +
        'drawn from, within its time. archived: ended for good.',
    }),
    limit: moneyOfLimit.meta({ id: 'MoneyOfLimit' }),
    period: z.enum(pullPaymentPeriods).nullable(),
    used: moneyOfLimit.meta({
      id: 'MoneyUsed',
      description: 'Drawn in the present period, what is under way included',
    }),
    remaining: moneyOfLimit.meta({ id: 'MoneyRemaining' }),
    periodStart: timestamp,
    periodEnd: timestamp.nullable(),
    minDrawSats: satsText,
    maxDrawSats: satsText.nullable(),
    startsAt: timestamp,
    expiresAt: timestamp.nullable(),
    hasLink: z.boolean(),
    approvalsNeeded: z.int().min(0),
    approvals: z.array(approval).meta({ id: 'PullPaymentApprovals' }),
    createdBy: z.string(),
    createdAt: timestamp,
    archivedAt: timestamp.nullable(),
    updatedAt: timestamp,
  })
  .meta({ id: 'PullPayment' });
export type PullPayment = z.infer<typeof pullPaymentSchema>;
export const pullPaymentPageSchema = pageOf(pullPaymentSchema).meta({ id: 'PullPaymentPage' });

export const pullPaymentListQuerySchema = pageQuerySchema.extend({
  state: z.enum(pullPaymentStates).optional(),
});

const link = z.string().max(MAX_LINK_LENGTH);

/** Who has one of these can draw. They are shown once, when made. */
export const pullPaymentLinksSchema = z
  .strictObject({
    url: link.meta({ description: 'Page with what is left, a QR code and the draws so far' }),
    lnurl: link.meta({ description: 'For wallets (LUD-01), in capitals as for a QR code' }),
    lnurlw: link.meta({ description: 'The same without bech32 (LUD-17)' }),
    qrCode: link.meta({ description: 'The lnurl as a PNG data link' }),
  })
  .meta({ id: 'PullPaymentLinks' });
export type PullPaymentLinks = z.infer<typeof pullPaymentLinksSchema>;

export const createdPullPaymentSchema = z
  .strictObject({
    pullPayment: pullPaymentSchema,
    links: pullPaymentLinksSchema
      .nullable()
      .meta({ description: 'Shown this once; null: only cards draw' }),
  })
  .meta({ id: 'CreatedPullPayment' });
export type CreatedPullPayment = z.infer<typeof createdPullPaymentSchema>;

export const drawSchema = z
  .strictObject({
    id: uuidText,
    pullPaymentId: uuidText,
    cardId: uuidText.nullable(),
    state: z.enum(drawStates).meta({
      id: 'DrawState',
      description:
        'open: being paid, or nobody can say yet; it counts. paid: it counts. failed: it does not ' +
        'count any more.',
    }),
    reason: z.string().nullable().meta({ description: "Of a failed one, as the payout's" }),
    amountMsat: z.string().regex(/^[1-9][0-9]*$/),
    takes: moneyOfLimit.meta({ id: 'MoneyTaken', description: 'What it takes of the limit' }),
    rate: lockedRateSchema.nullable(),
    payoutId: uuidText,
    invoice: z.string().meta({ description: 'BOLT 11' }),
    createdAt: timestamp,
    finishedAt: timestamp.nullable(),
  })
  .meta({ id: 'Draw' });
export type Draw = z.infer<typeof drawSchema>;
export const drawPageSchema = pageOf(drawSchema).meta({ id: 'DrawPage' });
export const drawListQuerySchema = pageQuerySchema.extend({
  state: z.enum(drawStates).optional(),
  card_id: uuidText.optional(),
});

export const pullPaymentEventTypes = [
  /** Something was drawn: a payout is under way. */
  'pull_payment.drawn',
  'pull_payment.draw_paid',
  /** It could not be paid; what it took of the limit is free again. */
  'pull_payment.draw_failed',
] as const;
export type PullPaymentEventType = (typeof pullPaymentEventTypes)[number];

const sats = z.string().regex(/^(0|[1-9][0-9]*)$/);

/** The draw as it was right after the event; amounts are strings. */
export const pullPaymentEventDataSchema = z.object({
  pullPaymentId: z.uuid(),
  drawId: z.uuid(),
  cardId: z.uuid().nullable(),
  payoutId: z.uuid(),
  state: z.enum(drawStates),
  reason: z.string().nullable(),
  amountMsat: sats,
  /** One sentence for a person. */
  message: z.string(),
});
export type PullPaymentEventData = z.infer<typeof pullPaymentEventDataSchema>;
