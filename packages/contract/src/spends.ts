import { z } from 'zod';
import { decimalText, satsText, timestamp, txidText, uuidText } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

export const spendStates = [
  'planned',
  'signed',
  'broadcast',
  'confirmed',
  'final',
  'failed',
] as const;
export const spendStateSchema = z.enum(spendStates).meta({
  id: 'SpendState',
  description:
    'planned: coins are reserved. signed: the transaction is stored. broadcast: a node has taken ' +
    'it. confirmed: in a block. final: 100 blocks deep. failed: it was not and will not be paid.',
});

export const spendVersionSchema = z
  .strictObject({
    version: z.int().min(1),
    state: z.enum(['planned', 'signed', 'broadcast', 'rejected', 'replaced']),
    purpose: z.enum(['pay', 'cancel']).meta({ description: 'cancel returns all to the wallet' }),
    counts: z.boolean().meta({ description: 'In a block, or the newest that a node took' }),
    txid: txidText.nullable(),
    inputs: z.int().min(1),
    feeSats: satsText,
    vsize: z.int().min(1),
    feeRateSatPerVb: decimalText,
    changeSats: satsText.nullable(),
    exposed: z.boolean().meta({
      description: 'Others may have it: only the chain can say that it will never be mined',
    }),
    refusal: z.string().nullable().meta({ description: 'Why a node refused it, in its words' }),
  })
  .meta({ id: 'SpendVersion' });

export const spendSchema = z
  .strictObject({
    id: uuidText,
    walletId: uuidText,
    kind: z.enum(['payouts', 'consolidation', 'child']),
    origin: z.enum(['processor_auto', 'manual']),
    state: spendStateSchema,
    explanation: z.string().meta({ description: 'Where it is and what comes next, in words' }),
    reason: z.string().nullable().meta({ description: 'Why it waits or has failed; stable' }),
    detail: z
      .string()
      .nullable()
      .meta({ description: 'The node’s or the signer’s own words, where they looked at it' }),
    txid: txidText.nullable(),
    feeSats: satsText,
    height: z.int().min(0).nullable(),
    payouts: z.array(
      z.strictObject({
        payoutId: uuidText,
        amountSats: satsText,
        feeFrom: z.enum(['sender', 'recipient']),
        feeShareSats: satsText,
      }),
    ),
    versions: z.array(spendVersionSchema),
    createdAt: timestamp,
  })
  .meta({ id: 'Spend' });
export type SpendJson = z.infer<typeof spendSchema>;
export const spendPageSchema = pageOf(spendSchema).meta({ id: 'SpendPage' });

export const spendListQuerySchema = pageQuerySchema.extend({
  state: spendStateSchema.optional(),
  wallet_id: uuidText.optional(),
});

const MAX_TARGET_BLOCKS = 1_008;
/** What a person may say about the fee. */
const feeWish = {
  feeRateSatPerVb: decimalText
    .optional()
    .meta({ description: 'Exactly this rate, with up to three decimals', examples: ['12.5'] }),
  targetBlocks: z
    .int()
    .min(1)
    .max(MAX_TARGET_BLOCKS)
    .optional()
    .meta({ description: 'What it takes to be mined in so many blocks. Default 2' }),
};
export const feeWishSchema = z.strictObject(feeWish).nullish().meta({ id: 'FeeWish' });
export type FeeWish = NonNullable<z.infer<typeof feeWishSchema>>;

const MAX_CONSOLIDATED = 400;
export const consolidateSchema = z
  .strictObject({
    ...feeWish,
    maxCoins: z.int().min(2).max(MAX_CONSOLIDATED).default(100),
  })
  .meta({ id: 'Consolidate' });

export const liftPaymentSchema = z
  .strictObject({
    ...feeWish,
    coin: z
      .string()
      .regex(/^[0-9a-f]{64}:(0|[1-9][0-9]{0,8})$/, 'write txid:vout')
      .meta({ description: 'An unconfirmed coin of the wallet: txid:vout' }),
  })
  .meta({ id: 'LiftPayment' });

/**
 * The largest PSBT that comes or goes. A hundred coins whose previous transactions have 80 kB each,
 * as exchanges' batches do, or 1,400 of 6 kB, about as many as a standard transaction can spend.
 */
export const MAX_PSBT_BYTES = 8 * 1024 * 1024;
/** The same in base64. */
export const MAX_PSBT_TEXT = Math.ceil(MAX_PSBT_BYTES / 3) * 4;
export const psbtText = z
  .string()
  .min(1)
  .max(MAX_PSBT_TEXT)
  .meta({ description: 'PSBT (BIP174), base64' });
export const spendPsbtSchema = z
  .strictObject({ version: z.int().min(1), psbt: psbtText })
  .meta({ id: 'SpendPsbt' });

export const qrDensities = ['low', 'medium', 'high'] as const;
export type QrDensity = (typeof qrDensities)[number];
export const spendPsbtQrQuerySchema = z.strictObject({
  density: z.enum(qrDensities).default('medium').meta({
    description: 'How much each code holds: low for small cameras, high for fewer codes',
  }),
  images: z.enum(['svg']).optional().meta({ description: 'Draw the codes as well' }),
});
/** The most that the numbering of BBQr allows. */
const MAX_QR_PARTS = 1_295;
/** What the largest QR code holds in letters and digits. */
const MAX_QR_CHARACTERS = 4_296;
/** A camera sees a part more than once: each of them four times. */
const MAX_SCANNED_PARTS = 4 * MAX_QR_PARTS;
const qrPart = z.string().min(1).max(MAX_QR_CHARACTERS);
export const spendPsbtQrSchema = z
  .strictObject({
    version: z.int().min(1),
    parts: z.array(qrPart).max(MAX_QR_PARTS).meta({ description: 'The texts of the codes' }),
    images: z.array(z.string()).optional().meta({ description: 'The codes as SVG' }),
  })
  .meta({ id: 'SpendPsbtQr' });
export type SpendPsbtQr = z.infer<typeof spendPsbtQrSchema>;

export const signedPsbtSchema = z
  .strictObject({
    psbt: psbtText.optional(),
    parts: z.array(qrPart).min(1).max(MAX_SCANNED_PARTS).optional().meta({
      description: 'The texts of scanned BBQr codes, in any order, also more than once',
    }),
  })
  .refine(({ psbt, parts }) => (psbt === undefined) !== (parts === undefined), {
    message: 'give either psbt or parts',
  })
  .meta({ id: 'SignedPsbt' });
export type SignedPsbt = z.infer<typeof signedPsbtSchema>;
export const importedPsbtSchema = z
  .strictObject({
    added: z.int().min(0).meta({ description: 'Signatures that were new' }),
    isComplete: z.boolean().meta({ description: 'It has all signatures and is sent' }),
    spend: spendSchema,
  })
  .meta({ id: 'ImportedPsbt' });
export type ImportedPsbt = z.infer<typeof importedPsbtSchema>;
export type SpendPsbt = z.infer<typeof spendPsbtSchema>;

export const feeEstimatesSchema = z
  .strictObject({
    data: z.array(
      z.strictObject({
        targetBlocks: z.int().min(1),
        feeRateSatPerVb: decimalText,
        source: z.enum(['node', 'mempool', 'blocks', 'fixed']).meta({
          description:
            'node: its own estimate. mempool: what fills the wanted blocks now. blocks: the last ' +
            'ones. fixed: a private chain',
        }),
        estimatedAt: timestamp,
      }),
    ),
    floorSatPerVb: decimalText.meta({ description: 'The least that the node takes now' }),
  })
  .meta({ id: 'FeeEstimates' });
export type FeeEstimates = z.infer<typeof feeEstimatesSchema>;
