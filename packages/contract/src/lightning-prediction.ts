import { z } from 'zod';
import { satsText, timestamp } from './fields.ts';

/** A node id in hexadecimal, or a Lightning address (LUD-16: an e-mail address without the post). */
const predictedDestination = z
  .string()
  .min(1)
  .max(320)
  .regex(/^([0-9a-f]{66}|[a-z0-9._+-]+@[a-z0-9.-]+(:[0-9]{1,5})?)$/, {
    error: 'write a node id or a Lightning address, in lower case',
  });
const share = z.number().min(0).max(1);

export const lightningPredictionQuerySchema = z.strictObject({
  destination: predictedDestination
    .optional()
    .meta({ description: 'Whom to pay; without it only the calibration is answered' }),
  amountSats: satsText.optional(),
});
export type LightningPredictionQuery = z.infer<typeof lightningPredictionQuerySchema>;

/** How much history an estimate stands on. */
export const lightningConfidences = ['none', 'low', 'medium', 'high'] as const;

export const lightningEstimateSchema = z
  .strictObject({
    destination: z.string(),
    amountMsat: satsText.meta({ description: 'Whole millisatoshis, as text' }),
    probability: share.meta({ description: 'That an attempt now succeeds' }),
    confidence: z.enum(lightningConfidences),
    recentAttempts: z
      .number()
      .min(0)
      .meta({ description: 'To this recipient; older ones count less' }),
    afterFailure: z
      .strictObject({ failureClass: z.string(), secondsAgo: z.int().min(0) })
      .nullable()
      .meta({ description: 'What the last attempt there met, while it still matters' }),
    feeBudgetMsat: satsText.nullable().meta({
      description: 'What such payments have cost, with room; null without enough history',
    }),
    worthTryingAt: timestamp
      .nullable()
      .meta({ description: 'After a failure: when another attempt is worth it' }),
    sentence: z.string().meta({ description: 'For a person' }),
    at: timestamp,
  })
  .meta({
    id: 'LightningEstimate',
    description: 'An estimate from recorded attempts. It forbids nothing.',
  });
export type LightningEstimate = z.infer<typeof lightningEstimateSchema>;

export const lightningCalibrationSchema = z
  .strictObject({
    attempts: z.int().min(0),
    from: timestamp.nullable(),
    to: timestamp.nullable(),
    successRate: share.nullable(),
    brierScore: share
      .nullable()
      .meta({ description: 'Mean squared error: 0 is perfect, 0.25 is a coin' }),
    baseRateBrierScore: share
      .nullable()
      .meta({ description: 'Of somebody who always says how often attempts succeeded so far' }),
    calibrationError: share
      .nullable()
      .meta({ description: 'Mean distance between what was said and what came' }),
    reliability: z.array(
      z.strictObject({
        from: share,
        to: share,
        attempts: z.int().min(1),
        predicted: share,
        observed: share,
      }),
    ),
    sentence: z.string(),
  })
  .meta({
    id: 'LightningCalibration',
    description:
      'How good the estimates have been: each recorded attempt, predicted from those before it.',
  });
export type LightningCalibration = z.infer<typeof lightningCalibrationSchema>;

export const lightningPredictionSchema = z
  .strictObject({
    estimate: lightningEstimateSchema.nullable(),
    calibration: lightningCalibrationSchema,
  })
  .meta({ id: 'LightningPrediction' });
export type LightningPrediction = z.infer<typeof lightningPredictionSchema>;
