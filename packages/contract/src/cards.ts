import { z } from 'zod';
import { personText, satsText, timestamp, uuidText } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';
import { pullPaymentLimitSchema, pullPaymentSchema } from './pull-payments.ts';

export const cardStates = ['new', 'active', 'frozen', 'wiped'] as const;
export type CardState = (typeof cardStates)[number];

const cardName = personText({ min: 1, max: 100 }).meta({ examples: ['Card of Till'] });
const perPaymentMaxSats = satsText
  .nullable()
  .optional()
  .meta({ description: 'Most of one payment; null: as the pull payment allows' });
const dailyLimitSats = satsText
  .nullable()
  .optional()
  .meta({ description: 'Most in one day (UTC); null: as the pull payment allows' });

/** The serial number that the chip's maker gave it: 7 bytes. */
export const cardUidText = z
  .string()
  .regex(/^[0-9a-f]{14}$/, 'write 14 lower-case hexadecimal digits')
  .meta({ description: 'Serial number of the chip, hexadecimal', examples: ['04a39493cc8680'] });

export const createCardSchema = z
  .strictObject({
    name: cardName,
    pullPaymentId: uuidText
      .optional()
      .meta({ description: 'What it draws from; several cards may share one' }),
    balance: pullPaymentLimitSchema
      .optional()
      .meta({ description: 'In place of pullPaymentId: a limit of its own' }),
    perPaymentMaxSats,
    dailyLimitSats,
    uid: cardUidText.optional().meta({ description: 'Only this chip can be programmed with it' }),
  })
  .meta({ id: 'CreateCard' });
export type CreateCard = z.infer<typeof createCardSchema>;

export const updateCardSchema = z
  .strictObject({
    name: cardName.optional(),
    frozen: z.boolean().optional().meta({ description: 'A frozen card pays nothing until thawed' }),
    perPaymentMaxSats,
    dailyLimitSats,
  })
  .meta({ id: 'UpdateCard' });
export type UpdateCard = z.infer<typeof updateCardSchema>;

export const cardSchema = z
  .strictObject({
    id: uuidText,
    merchantId: uuidText,
    name: z.string(),
    state: z.enum(cardStates).meta({
      id: 'CardState',
      description:
        'new: no chip has its keys yet. active: pays. frozen: refused until thawed. wiped: refused ' +
        'for ever; its keys are given out, so that the chip can be used anew.',
    }),
    pullPayment: pullPaymentSchema.meta({ description: 'What it draws from, with what is left' }),
    perPaymentMaxSats: satsText.nullable(),
    dailyLimitSats: satsText.nullable(),
    usedTodayMsat: z.string().regex(/^[0-9]+$/),
    lastCounter: z
      .int()
      .nullable()
      .meta({ description: "The chip's counter at its last tap; null: never tapped" }),
    createdBy: z.string(),
    createdAt: timestamp,
    programmedAt: timestamp.nullable(),
    lastTappedAt: timestamp.nullable(),
    wipedAt: timestamp.nullable(),
    updatedAt: timestamp,
  })
  .meta({ id: 'Card' });
export type Card = z.infer<typeof cardSchema>;
export const cardPageSchema = pageOf(cardSchema).meta({ id: 'CardPage' });
export const cardListQuerySchema = pageQuerySchema.extend({
  state: z.enum(cardStates).optional(),
});

/** How the chip gets its keys. Who has the link gets them: it is shown once. */
export const cardProgrammingSchema = z
  .strictObject({
    url: z.string().meta({ description: 'The programmer app asks here for the keys' }),
    deepLink: z.string().meta({ description: 'Opens the Boltcard NFC Programmer app' }),
    qrCode: z.string().meta({ description: 'The deep link as a PNG data link' }),
    expiresAt: timestamp,
  })
  .meta({ id: 'CardProgramming' });
export type CardProgramming = z.infer<typeof cardProgrammingSchema>;

export const createdCardSchema = z
  .strictObject({ card: cardSchema, programming: cardProgrammingSchema })
  .meta({ id: 'CreatedCard' });
export type CreatedCard = z.infer<typeof createdCardSchema>;

const key = z.string().regex(/^[0-9a-f]{32}$/);

/** The keys of a card that pays nothing any more, so that its chip can be emptied. */
export const wipedCardSchema = z
  .strictObject({
    card: cardSchema,
    keys: z
      .strictObject({ uid: cardUidText, k0: key, k1: key, k2: key, k3: key, k4: key })
      .nullable()
      .meta({ id: 'CardKeys', description: 'null: no chip was ever programmed with them' }),
    qrCode: z
      .string()
      .nullable()
      .meta({ description: 'For the programmer app, as a PNG data link' }),
  })
  .meta({ id: 'WipedCard' });
export type WipedCard = z.infer<typeof wipedCardSchema>;

export const cardEventTypes = [
  /** A genuine reading of the chip; a payment may follow. */
  'card.tapped',
  'card.paid',
  /** A tap or a payment was refused, or could not be paid; `reason` says why. */
  'card.refused',
] as const;
export type CardEventType = (typeof cardEventTypes)[number];

/** The card as it was right after the event; amounts are strings. */
export const cardEventDataSchema = z.object({
  cardId: z.uuid(),
  name: z.string(),
  pullPaymentId: z.uuid(),
  counter: z.int().nullable(),
  /** A stable code: of a refused tap, of a payment, or of the payout behind it. */
  reason: z.string().nullable(),
  amountMsat: z
    .string()
    .regex(/^[0-9]+$/)
    .nullable(),
  drawId: z.uuid().nullable(),
  payoutId: z.uuid().nullable(),
  /** One sentence for a person. */
  message: z.string(),
});
export type CardEventData = z.infer<typeof cardEventDataSchema>;
