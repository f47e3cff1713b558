import { z } from 'zod';
import { currencyCode, decimalText, timestamp } from './fields.ts';
import { countryText, customerLevels } from './customers.ts';

/** A life long; longer is no review. */
const MAX_REVIEW_MONTHS = 120;
/** The longest that a law known here asks for is ten years (Swiss AMLA art. 7). */
const MAX_RETENTION_MONTHS = 240;
const MAX_RULES = 10;

const months = z.int().min(1).max(MAX_REVIEW_MONTHS);
const verifiable = z.enum(['basic', 'standard', 'enhanced']);

const limit = z
  .strictObject({
    level: z.enum(customerLevels),
    hours: z.int().min(1).max(8_784).meta({ description: 'The window, in hours up to now' }),
    amount: decimalText.meta({ description: "Most of a customer's orders in it, in `currency`" }),
  })
  .meta({ id: 'CustomerLimit' });

const fields = {
  currency: currencyCode.meta({ description: 'In which limits and requirements are written' }),
  limits: z
    .array(limit)
    .max(MAX_RULES * 4)
    .meta({
      description: 'What a level allows. A level without a limit for some window has none in it',
    }),
  requirements: z
    .array(
      z
        .strictObject({ aboveAmount: decimalText, level: verifiable })
        .meta({ id: 'CustomerRequirement' }),
    )
    .max(MAX_RULES)
    .meta({
      description: 'Orders above so much need a customer of such a level. Empty: none does',
    }),
  beneficialOwnerBps: z
    .int()
    .min(1)
    .max(10_000)
    .meta({
      description:
        'From this share on a person counts as beneficial owner. 2500: 31 CFR 1010.230(d)(1); ' +
        'Regulation (EU) 2024/1624 art. 52 has the same',
    }),
  reviewMonths: z
    .strictObject({ low: months, medium: months, high: months })
    .meta({ id: 'CustomerReviewMonths', description: 'From one review to the next, by risk' }),
  reviewGraceDays: z.int().min(0).max(365).meta({
    description: 'A verification ends when its review is late by so many days',
  }),
  leastVerification: z
    .strictObject({ low: verifiable, medium: verifiable, high: verifiable })
    .meta({ id: 'CustomerLeastVerification', description: 'Less than this allows nothing' }),
  highRiskCountries: z.array(countryText).max(250),
  retentionMonths: z
    .int()
    .min(0)
    .max(MAX_RETENTION_MONTHS)
    .meta({
      description:
        'How long a customer is kept after the relationship has ended. 60: 31 CFR 1010.430(d), ' +
        'Regulation (EU) 2024/1624 art. 77(3)',
    }),
  providerDecides: z.boolean().meta({
    description:
      "Whether a provider's good result is in force at once, below the level enhanced; else a " +
      'person approves it',
  }),
};

export const customerSettingsInputSchema = z
  .strictObject(fields)
  .meta({ id: 'WriteCustomerSettings' });
export type CustomerSettings = z.output<typeof customerSettingsInputSchema>;
export const customerSettingsSchema = z
  .strictObject({
    ...fields,
    updatedAt: timestamp.nullable().meta({ description: 'null: these are the defaults' }),
    updatedBy: z.string().nullable(),
  })
  .meta({ id: 'CustomerSettings' });
export type CustomerSettingsJson = z.output<typeof customerSettingsSchema>;

/** Nothing is asked of anybody until a store says so. High-risk countries: FATF's call for action. */
export const defaultCustomerSettings: CustomerSettings = {
  currency: 'EUR',
  limits: [],
  requirements: [],
  beneficialOwnerBps: 2_500,
  reviewMonths: { low: 36, medium: 24, high: 12 },
  reviewGraceDays: 30,
  leastVerification: { low: 'basic', medium: 'standard', high: 'enhanced' },
  highRiskCountries: ['IR', 'KP', 'MM'],
  retentionMonths: 60,
  providerDecides: true,
};
