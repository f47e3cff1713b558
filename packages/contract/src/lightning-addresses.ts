import { z } from 'zod';
import { personText, satsText, timestamp, uuidText } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** Some wallets cut a longer one (LUD-12 leaves it to the service). */
const MAX_COMMENT_LENGTH = 500;

/** What LUD-16 allows before the "@", and no name that looks like something else. */
export const lightningAddressName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?$/,
    'write 1 to 64 of a-z, 0-9, "-", "_" and ".", with a letter or digit at both ends',
  )
  .meta({ examples: ['till'] });

const fields = {
  description: personText({ min: 1, max: 200 }).meta({
    description: 'What the payer reads in the wallet',
  }),
  minSats: satsText.meta({ description: 'Least of one payment' }),
  maxSats: satsText.meta({ description: 'Most of one payment' }),
  commentLength: z
    .int()
    .min(0)
    .max(MAX_COMMENT_LENGTH)
    .meta({ description: 'Characters that a payer may write to you (LUD-12); 0: none' }),
};

export const createLightningAddressSchema = z
  .strictObject({
    name: lightningAddressName,
    description: fields.description.optional(),
    minSats: fields.minSats.optional(),
    maxSats: fields.maxSats.optional(),
    commentLength: fields.commentLength.optional(),
  })
  .meta({ id: 'CreateLightningAddress' });
export type CreateLightningAddress = z.infer<typeof createLightningAddressSchema>;

export const updateLightningAddressSchema = z
  .strictObject({
    description: fields.description.optional(),
    minSats: fields.minSats.optional(),
    maxSats: fields.maxSats.optional(),
    commentLength: fields.commentLength.optional(),
    enabled: z.boolean().optional(),
  })
  .meta({ id: 'UpdateLightningAddress' });
export type UpdateLightningAddress = z.infer<typeof updateLightningAddressSchema>;

export const lightningAddressSchema = z
  .strictObject({
    id: uuidText,
    merchantId: uuidText,
    name: lightningAddressName,
    address: z.string().meta({ examples: ['till@pay.example'] }),
    lnurl: z.string().meta({ description: 'The same for a QR code (LUD-01)' }),
    ...fields,
    enabled: z.boolean().meta({
      description: 'A name that is switched off stays yours: nobody else can ever take it',
    }),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'LightningAddress' });
export type LightningAddressJson = z.infer<typeof lightningAddressSchema>;
export const lightningAddressPageSchema = pageOf(lightningAddressSchema).meta({
  id: 'LightningAddressPage',
});
export const lightningAddressListQuerySchema = pageQuerySchema;
