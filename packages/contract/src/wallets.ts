import { z } from 'zod';
import { personText, timestamp, uuidText } from './fields.ts';
import { pageOf } from './pages.ts';

/** A 15-of-15 multisig descriptor with origins takes about 2,300 characters. */
export const MAX_DESCRIPTOR_LENGTH = 4_000;

export const descriptorText = personText({ min: 1, max: MAX_DESCRIPTOR_LENGTH }).meta({
  description:
    'A public output descriptor (BIP380): wpkh, tr, sh(wpkh), wsh(sortedmulti); or an xpub, ypub ' +
    'or zpub. Never a private key: it is refused.',
  examples: ['wpkh(xpub…/<0;1>/*)'],
});

export const addWalletSchema = z
  .strictObject({ descriptor: descriptorText })
  .meta({ id: 'AddWallet' });
export type AddWallet = z.infer<typeof addWalletSchema>;

export const walletSchema = z
  .strictObject({
    id: uuidText,
    descriptor: z.string(),
    network: z.string(),
    active: z.boolean().meta({ description: 'New orders receive here' }),
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
