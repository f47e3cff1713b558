import { defaultMerchantSettings, merchantSettingsFields } from '@quittance/contract';
import { z } from 'zod';
import { rateRuleSchema } from '../../receiving/rates/index.ts';

/** A store's settings as they are answered and stored; each field has its bounds here. */
export const merchantSettingsSchema = z
  .strictObject({ ...merchantSettingsFields, rateRule: rateRuleSchema })
  .meta({ id: 'MerchantSettings' });
export type MerchantSettings = z.output<typeof merchantSettingsSchema>;

/** What a merchant may send to change some of them; what is not named stays. */
export const merchantSettingsChangeSchema = merchantSettingsSchema
  .partial()
  .meta({ id: 'MerchantSettingsChange' });
export type MerchantSettingsChange = z.output<typeof merchantSettingsChangeSchema>;

export const defaultSettings: MerchantSettings = {
  ...defaultMerchantSettings,
  rateRule: rateRuleSchema.parse({}),
};

/** Puts a change over settings. A list or the rate rule is replaced as a whole, never mixed. */
export function changeSettings(
  settings: MerchantSettings,
  change: MerchantSettingsChange,
): MerchantSettings {
  const named = Object.entries(change).filter(([, value]) => value !== undefined);
  return merchantSettingsSchema.parse({ ...settings, ...Object.fromEntries(named) });
}

/**
 * Reads what the database holds. A setting that is newer than the row gets its default; one that
 * this program no longer knows is dropped.
 */
export function readStoredSettings(stored: Record<string, unknown>): MerchantSettings {
  const known = Object.keys(merchantSettingsSchema.shape).filter((name) => name in stored);
  const own = Object.fromEntries(known.map((name) => [name, stored[name]]));
  return merchantSettingsSchema.parse({ ...defaultSettings, ...own });
}
