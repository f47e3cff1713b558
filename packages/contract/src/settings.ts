import { z } from 'zod';
import { emailText, personText, satsText, webUrl } from './fields.ts';
import { MAX_ORDER_EXPIRY_SECONDS, MIN_ORDER_EXPIRY_SECONDS } from './orders.ts';
import { MAX_CLAIM_SECONDS, MIN_CLAIM_SECONDS } from './refunds.ts';

/** More tiers than this are a mistake, not a policy. */
const MAX_CONFIRMATION_TIERS = 10;
/** Nothing on chain is watched beyond 100 blocks (design §7). */
const MAX_CONFIRMATIONS = 100;
/** Half of the amount: anything wider is no tolerance. */
const MAX_TOLERANCE_BPS = 5_000;
/** Each alert costs an e-mail to each; a larger circle has a mailing list. */
const MAX_ALERT_EMAILS = 10;

/** A refund of which the network takes more than nine tenths had better stay where it is. */
const MAX_FEE_BPS = 9_000;

const confirmations = z
  .int()
  .min(1)
  .max(MAX_CONFIRMATIONS)
  .meta({ description: 'Blocks, the one that holds the payment included' });

export const confirmationTierSchema = z
  .strictObject({
    belowSats: satsText.meta({ description: 'Holds for orders of less than this' }),
    confirmations,
  })
  .meta({ id: 'ConfirmationTier' });

/**
 * A store's settings but the rate rule, whose schema belongs to the rates module of the server.
 * Each field has its bounds here and its default in `defaultMerchantSettings`.
 */
export const merchantSettingsFields = {
  toleranceBelowBps: z
    .int()
    .min(0)
    .max(MAX_TOLERANCE_BPS)
    .meta({ description: 'Hundredths of a per cent that may be missing' }),
  toleranceAboveBps: z
    .int()
    .min(0)
    .max(MAX_TOLERANCE_BPS)
    .meta({ description: 'Hundredths of a per cent that may be too much' }),
  confirmationTiers: z
    .array(confirmationTierSchema)
    .max(MAX_CONFIRMATION_TIERS)
    .refine(isAscending, 'belowSats must grow from tier to tier'),
  confirmationsAbove: confirmations.meta({ description: 'Beyond the last tier' }),
  orderExpirySeconds: z.int().min(MIN_ORDER_EXPIRY_SECONDS).max(MAX_ORDER_EXPIRY_SECONDS),
  monitorAfterExpirySeconds: z
    .int()
    .min(3_600)
    .max(MAX_ORDER_EXPIRY_SECONDS)
    .meta({
      description:
        'How long after its expiry an order counts late payments by itself under latePolicy ' +
        'accept. Later ones are still recorded and told, and wait for your decision.',
    }),
  latePolicy: z.enum(['hold', 'accept']).meta({
    description: 'hold: a late payment waits for your decision (accept-late). accept: it counts.',
  }),
  maxAddressGap: z
    .int()
    .min(20)
    .max(100_000)
    .meta({ description: 'Unpaid addresses in a row before no new order can be made' }),
  addressPoolSize: z
    .int()
    .min(20)
    .max(10_000)
    .meta({ description: 'Addresses that are derived ahead' }),
  refundFeeFrom: z.enum(['merchant', 'customer']).meta({
    description: "Who pays the network's fee of a refund that does not say so itself",
  }),
  refundMaxFeeBps: z.int().min(1).max(MAX_FEE_BPS).meta({
    description:
      'Hundredths of a per cent of a refund that the network may take; beyond it the refund waits',
  }),
  refundClaimExpirySeconds: z.int().min(MIN_CLAIM_SECONDS).max(MAX_CLAIM_SECONDS).meta({
    description: 'How long a customer has to claim a refund that does not say so itself',
  }),
  lightning: z.boolean().meta({
    description: 'Offers Lightning on orders, as long as a Lightning node is connected',
  }),
  storeName: personText({ min: 1, max: 100 })
    .nullable()
    .meta({ description: "Shown to the payer; null: the merchant's name" }),
  logoUrl: webUrl.nullable(),
  color: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'write a colour such as "#f7931a"')
    .nullable(),
  explorerTxUrl: webUrl
    .refine((url) => url.includes('{txid}'), 'must contain {txid}')
    .nullable()
    .meta({ examples: ['https://mempool.space/tx/{txid}'] }),
  defaultLocale: z
    .enum(['en', 'zh-CN', 'zh-TW'])
    .meta({ description: "Of the payer's pages, where the browser asks for none of these" }),
  alertEmails: z
    .array(emailText)
    .max(MAX_ALERT_EMAILS)
    .refine(areDifferent, 'each address can stand here once')
    .meta({ description: 'Who is told of alerts by e-mail, in the language of defaultLocale' }),
} as const;

function areDifferent(addresses: readonly string[]): boolean {
  return new Set(addresses.map((address) => address.toLowerCase())).size === addresses.length;
}

function isAscending(tiers: readonly { belowSats: string }[]): boolean {
  // A tier whose number is malformed has its own error; it must not throw here.
  const bounds = tiers.map((tier) =>
    /^[0-9]{1,40}$/.test(tier.belowSats) ? BigInt(tier.belowSats) : 0n,
  );
  return bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] ?? 0n));
}

const settingsObject = z.strictObject(merchantSettingsFields);
export type MerchantSettingsBase = z.infer<typeof settingsObject>;

/** Design §7: 1 % both ways, 1/3/6/12 confirmations by amount, half an hour, a day after it. */
export const defaultMerchantSettings: MerchantSettingsBase = {
  toleranceBelowBps: 100,
  toleranceAboveBps: 100,
  confirmationTiers: [
    { belowSats: '1000000', confirmations: 1 },
    { belowSats: '100000000', confirmations: 3 },
    { belowSats: '1000000000', confirmations: 6 },
  ],
  confirmationsAbove: 12,
  orderExpirySeconds: 1_800,
  monitorAfterExpirySeconds: 86_400,
  latePolicy: 'hold',
  maxAddressGap: 10_000,
  addressPoolSize: 200,
  refundFeeFrom: 'merchant',
  refundMaxFeeBps: 2_500,
  refundClaimExpirySeconds: 2_592_000,
  lightning: true,
  storeName: null,
  logoUrl: null,
  color: null,
  explorerTxUrl: null,
  defaultLocale: 'en',
  alertEmails: [],
};
