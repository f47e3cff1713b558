import {
  createdApiKeySchema,
  descriptorText,
  merchantFields,
  merchantNameText,
  pageOf,
  walletSchema,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { z } from 'zod';
import {
  type MerchantSettings,
  merchantSettingsChangeSchema,
  merchantSettingsSchema,
} from './settings.ts';

/** A merchant as the rest of the server sees it. */
export type Merchant = {
  id: Uuid;
  name: string;
  settings: MerchantSettings;
  createdAt: Date;
  updatedAt: Date;
};

export const merchantSchema = z
  .strictObject({ ...merchantFields, settings: merchantSettingsSchema })
  .meta({ id: 'Merchant' });
export type MerchantJson = z.output<typeof merchantSchema>;

export const merchantPageSchema = pageOf(merchantSchema).meta({ id: 'MerchantPage' });

export const createMerchantSchema = z
  .strictObject({
    name: merchantNameText,
    settings: merchantSettingsChangeSchema
      .optional()
      .meta({ description: 'What is not named gets its default' }),
    descriptor: descriptorText.optional(),
  })
  .meta({ id: 'CreateMerchant' });
export type CreateMerchant = z.output<typeof createMerchantSchema>;

export const createdMerchantSchema = z
  .strictObject({
    merchant: merchantSchema,
    apiKey: createdApiKeySchema,
    wallet: walletSchema.nullable(),
  })
  .meta({ id: 'CreatedMerchant' });
export type CreatedMerchant = z.output<typeof createdMerchantSchema>;

export const updateMerchantSchema = z
  .strictObject({
    name: merchantNameText.optional(),
    settings: merchantSettingsChangeSchema.optional(),
  })
  .refine(
    (change) => change.name !== undefined || change.settings !== undefined,
    'name at least one field to change',
  )
  .meta({ id: 'UpdateMerchant' });
export type UpdateMerchant = z.output<typeof updateMerchantSchema>;

export function toMerchantJson(merchant: Merchant): MerchantJson {
  return {
    id: merchant.id,
    name: merchant.name,
    settings: merchant.settings,
    createdAt: merchant.createdAt.toISOString(),
    updatedAt: merchant.updatedAt.toISOString(),
  };
}
