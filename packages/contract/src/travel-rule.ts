import { z } from 'zod';
import {
  decimalText,
  personText,
  satsText,
  timestamp,
  txidText,
  uuidText,
  webUrl,
} from './fields.ts';
import { ivms101Schema, ivmsPersonSchema } from './ivms101.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

export const travelRegimes = ['us', 'eu', 'custom'] as const;
export const travelStates = [
  'draft',
  'sent',
  'received',
  'approved',
  'rejected',
  'awaiting_proof',
  'proven',
  'confirmed',
  'cancelled',
] as const;
export type TravelState = (typeof travelStates)[number];

/** A Lightning invoice is an address too: MAX_BOLT11_LENGTH, in round figures. */
const MAX_ADDRESS = 8_000;
const MAX_REASON = 500;
const MAX_SIGNATURE = 4_000;

const threshold = z
  .strictObject({
    currency: z.string().regex(/^[A-Z]{3}$/),
    amount: decimalText,
  })
  .meta({ id: 'TravelThreshold', description: 'From this amount on' });

export const travelRulesSchema = z
  .strictObject({
    betweenProviders: threshold.nullable().meta({ description: 'null: no rule; 0: always' }),
    ownWalletProof: threshold.nullable().meta({ description: 'null: never' }),
    source: personText({ max: 300 }).meta({ description: 'The law that says so, and since when' }),
  })
  .meta({ id: 'TravelRules' });
export type TravelRules = z.infer<typeof travelRulesSchema>;

export const travelSettingsInputSchema = z
  .strictObject({
    enabled: z.boolean().meta({ description: 'Payouts wait for their message' }),
    regime: z.enum(travelRegimes),
    custom: travelRulesSchema.optional().meta({ description: 'For regime "custom"' }),
    vasp: ivmsPersonSchema.meta({ description: 'You, as IVMS101 has you: a legal person' }),
  })
  .meta({ id: 'TravelRuleSetup' });
export type TravelSettings = z.infer<typeof travelSettingsInputSchema>;

export const travelSettingsSchema = z
  .strictObject({
    settings: travelSettingsInputSchema.nullable(),
    rules: travelRulesSchema.nullable().meta({ description: 'What follows from the regime' }),
    inquiryUrl: z.string().nullable().meta({ description: 'Give it to providers who pay you' }),
    updatedAt: timestamp.nullable(),
    updatedBy: z.string().nullable(),
  })
  .meta({ id: 'TravelRuleSettings' });

export const travelTransferSchema = z
  .strictObject({
    id: uuidText,
    direction: z.enum(['out', 'in']),
    counterparty: z.enum(['vasp', 'self_hosted']),
    state: z.enum(travelStates).meta({ id: 'TravelState' }),
    payoutId: uuidText.nullable(),
    amountSats: satsText,
    address: z.string().nullable(),
    message: ivms101Schema.nullable(),
    requestId: z.string(),
    txid: z.string().nullable(),
    reason: z.string().nullable(),
    proofMessage: z.string().nullable().meta({
      description:
        'What the owner of a self-hosted wallet signs (BIP-322; over Lightning the paid node)',
    }),
    provenAt: timestamp.nullable(),
    decidedBy: z.string().nullable(),
    createdBy: z.string(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'TravelTransfer' });
export type TravelTransferJson = z.infer<typeof travelTransferSchema>;
export const travelTransferPageSchema = pageOf(travelTransferSchema).meta({
  id: 'TravelTransferPage',
});

export const travelListQuerySchema = pageQuerySchema.extend({
  state: z.enum(travelStates).optional(),
  payoutId: uuidText.optional(),
});

export const createTravelTransferSchema = z
  .strictObject({
    payoutId: uuidText,
    counterparty: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('vasp'),
        url: webUrl.meta({ description: "The other provider's travel address, as a web address" }),
        provider: ivmsPersonSchema.optional(),
        originator: ivmsPersonSchema
          .optional()
          .meta({ description: 'For whom you pay; by default yourself' }),
        beneficiary: ivmsPersonSchema,
      }),
      z.strictObject({ kind: z.literal('self_hosted') }),
    ]),
  })
  .meta({ id: 'CreateTravelTransfer' });
export type CreateTravelTransfer = z.infer<typeof createTravelTransferSchema>;

export const proveTravelSchema = z
  .strictObject({
    signature: z.string().min(1).max(MAX_SIGNATURE).meta({ description: 'BIP-322, base64' }),
  })
  .meta({ id: 'ProveTravelTransfer' });

export const decideTravelSchema = z
  .discriminatedUnion('accept', [
    z.strictObject({
      accept: z.literal(true),
      address: z.string().min(1).max(MAX_ADDRESS).meta({ description: 'Where it shall be paid' }),
    }),
    z.strictObject({
      accept: z.literal(false),
      reason: personText({ min: 1, max: MAX_REASON }),
    }),
  ])
  .meta({ id: 'DecideTravelTransfer' });

export const confirmTravelSchema = z
  .union([
    z.strictObject({ txid: txidText }),
    z.strictObject({ cancel: personText({ min: 1, max: MAX_REASON }) }),
  ])
  .meta({ id: 'ConfirmTravelTransfer' });

/** Verifies and converts a message without keeping it. */
export const verifyTravelMessageSchema = z
  .strictObject({
    message: z.record(z.string(), z.unknown()),
    convertTo: z.enum(['2020', '2023']).optional(),
  })
  .meta({ id: 'VerifyTravelMessage' });
export const verifiedTravelMessageSchema = z
  .strictObject({
    valid: z.boolean(),
    version: z.enum(['2020', '2023']).nullable(),
    findings: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })),
    message: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'VerifiedTravelMessage' });

/** The Travel Rule Protocol's own bodies (OpenVASP TRP 3): numbers arrive as their source text. */
export const trpInquirySchema = z
  .looseObject({
    asset: z.looseObject({
      slip0044: z.union([z.string(), z.int()]).optional(),
      dti: z.string().max(50).optional(),
    }),
    amount: z
      .union([z.string(), z.number()])
      .meta({ description: 'Bitcoin, as a decimal number', examples: [0.0015] }),
    callback: webUrl,
    IVMS101: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'TrpInquiry' });
export const trpVersionSchema = z.strictObject({ version: z.string() }).meta({ id: 'TrpVersion' });
export const trpResolutionSchema = z
  .union([
    z.looseObject({
      approved: z.looseObject({ address: z.string().min(1).max(MAX_ADDRESS), callback: webUrl }),
    }),
    z.looseObject({ rejected: personText({ max: MAX_REASON }) }),
    z.looseObject({ version: z.string().max(20) }),
  ])
  .meta({ id: 'TrpResolution' });
export type TrpResolution = z.infer<typeof trpResolutionSchema>;
export const trpConfirmationSchema = z
  .union([
    z.looseObject({ txid: z.string().regex(/^[0-9a-fA-F]{64}$/) }),
    z.looseObject({ canceled: personText({ max: MAX_REASON }) }),
  ])
  .meta({ id: 'TrpConfirmation' });
