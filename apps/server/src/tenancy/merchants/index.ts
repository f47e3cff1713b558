import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Merchant } from './merchant.ts';
import { findMerchant } from './store.ts';

export { type CreateMerchantDeps, createMerchant } from './create-merchant.ts';
export type { CreatedMerchant, CreateMerchant, Merchant } from './merchant.ts';
export { addMerchantRoutes, type MerchantRouteDeps } from './routes.ts';
export { defaultSettings, type MerchantSettings } from './settings.ts';
export { MERCHANTS_CHANNEL } from './store.ts';

/**
 * Reads a merchant with its settings, complete and within their bounds.
 * @throws {AppError} not_found
 */
export async function readMerchant(tx: Tx, id: Uuid): Promise<Merchant> {
  const merchant = await findMerchant(tx, id);
  if (merchant === undefined) throw new AppError('not_found', 'There is no such merchant.');
  return merchant;
}
