import { z } from 'zod';
import { personText, satsText, timestamp, txidText, uuidText } from './fields.ts';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, pageOf } from './pages.ts';

/** A 15-of-15 multisig descriptor with origins takes about 2,300 characters. */
export const MAX_DESCRIPTOR_LENGTH = 4_000;

export const descriptorText = personText({ min: 1, max: MAX_DESCRIPTOR_LENGTH }).meta({
  description:
    'A public output descriptor (BIP380): wpkh, tr, sh(wpkh), wsh(sortedmulti); or an xpub, ypub ' +
    'or zpub. Never a private key: it is refused.',
  examples: ['wpkh(xpub…/<0;1>/*)'],
});

export const walletUses = ['receiving', 'payouts'] as const;

export const walletUseSchema = z.enum(walletUses).meta({
  description:
    'receiving: new orders are paid to it from now on. payouts: it is paid from and funded, and ' +
    'never handed out to orders',
});

export const signerWalletText = personText({ min: 1, max: 100 }).meta({
  description: 'Name of the wallet in the signer process, which holds its keys',
});

export const addWalletSchema = z
  .strictObject({
    descriptor: descriptorText,
    use: walletUseSchema.default('receiving'),
    signerWallet: signerWalletText
      .nullable()
      .optional()
      .meta({
        description:
          'Must exist in the signer with the same descriptor. null: transactions are signed ' +
          'elsewhere (PSBT). Absent: as it was for a wallet that the store had before',
      }),
  })
  .meta({ id: 'AddWallet' });
export type AddWallet = z.input<typeof addWalletSchema>;

export const walletSchema = z
  .strictObject({
    id: uuidText,
    descriptor: z.string(),
    network: z.string(),
    active: z.boolean().meta({ description: 'New orders receive here' }),
    use: walletUseSchema,
    signerWallet: z.string().nullable(),
    createdAt: timestamp,
    nextIndex: z.int().min(0).meta({ description: 'Index of the next address to hand out' }),
    derivedThrough: z.int().min(-1).meta({ description: 'Last index that is derived ahead' }),
    highestPaidIndex: z.int().min(-1),
    gap: z
      .strictObject({
        current: z.int().min(0).meta({ description: 'Unpaid addresses in a row, up to now' }),
        bound: z.int().min(0).meta({ description: 'At this many no new order can be made' }),
        walletGapLimit: z
          .int()
          .min(0)
          .meta({
            description:
              'Set the gap limit of your own wallet software to at least this, or it may not show ' +
              'all your money',
          }),
      })
      .meta({ id: 'AddressGap' }),
  })
  .meta({ id: 'Wallet' });
export type Wallet = z.infer<typeof walletSchema>;

export const walletPageSchema = pageOf(walletSchema).meta({ id: 'WalletPage' });

export const depositAddressSchema = z
  .strictObject({
    walletId: uuidText,
    address: z.string(),
    index: z.int().min(0),
  })
  .meta({ id: 'DepositAddress' });
export type DepositAddress = z.infer<typeof depositAddressSchema>;

export const walletBalanceSchema = z
  .strictObject({
    walletId: uuidText,
    confirmedSats: satsText.meta({ description: 'In blocks and unspent' }),
    unconfirmedSats: satsText.meta({ description: 'In the mempool and unspent' }),
    reservedSats: satsText.meta({ description: 'Of both: held by transactions under way' }),
    spendableSats: satsText.meta({
      description: 'What a payout could use now: with a confirmation, or change of our own',
    }),
    height: z.int().min(0).nullable().meta({ description: 'Height that the sums are as of' }),
  })
  .meta({ id: 'WalletBalance' });
export type WalletBalance = z.infer<typeof walletBalanceSchema>;

export const coinSchema = z
  .strictObject({
    id: z.string().meta({ description: 'txid:vout' }),
    txid: txidText,
    vout: z.int().min(0),
    valueSats: satsText,
    address: z.string(),
    branch: z.int().min(0).max(1).meta({ description: '0 receives, 1 takes change' }),
    index: z.int().min(0),
    orderId: uuidText.nullable(),
    height: z.int().min(0).nullable().meta({ description: 'null while in the mempool' }),
    coinbase: z.boolean(),
    reserved: z.boolean().meta({ description: 'Held by a transaction under way' }),
    frozen: z.boolean().meta({ description: 'Never selected (label with spendable false)' }),
    label: z.string().nullable(),
  })
  .meta({ id: 'Coin' });
export type Coin = z.infer<typeof coinSchema>;

export const coinPageSchema = pageOf(coinSchema).meta({ id: 'CoinPage' });

export const coinListQuerySchema = z.strictObject({
  starting_after: z
    .string()
    .regex(/^[0-9a-f]{64}:(0|[1-9][0-9]{0,8})$/, 'write txid:vout')
    .optional()
    .meta({ description: 'Id (txid:vout) of the last coin of the page before' }),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE),
});

/** As much as one request may carry; a wallet's labels may come in several. */
const MAX_LABELS_TEXT = 200_000;

export const walletLabelsSchema = z
  .strictObject({
    labels: z
      .string()
      .max(MAX_LABELS_TEXT)
      .meta({ description: 'JSON lines of BIP329, one label a line' }),
  })
  .meta({ id: 'WalletLabels' });

export const exportedLabelsSchema = z
  .strictObject({ labels: z.string().meta({ description: 'JSON lines of BIP329' }) })
  .meta({ id: 'ExportedLabels' });

export const importedLabelsSchema = z
  .strictObject({
    imported: z.int().min(0),
    refused: z.array(z.strictObject({ line: z.int().min(1), reason: z.string() })),
  })
  .meta({ id: 'ImportedLabels' });

export const walletHoldSchema = z
  .strictObject({
    walletId: uuidText,
    heldAt: timestamp,
    reason: z.string().meta({ description: 'Why, for a person' }),
  })
  .meta({ id: 'WalletHold', description: 'Nothing is paid from this wallet' });
export type WalletHold = z.infer<typeof walletHoldSchema>;

export const walletHoldPageSchema = pageOf(walletHoldSchema).meta({ id: 'WalletHoldPage' });
