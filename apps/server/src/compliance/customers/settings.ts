import {
  type CustomerSettings,
  customerSettingsInputSchema,
  defaultCustomerSettings,
} from '@quittance/contract';
import { currencyDecimals, isCurrency, parseDecimal, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { isFiatCurrency } from '../../receiving/rates/index.ts';
import { findSettings } from './settings-store.ts';

/** A store without settings has the defaults, which ask nothing of anybody. */
export async function readCustomerSettings(tx: Tx, merchantId: Uuid): Promise<CustomerSettings> {
  const stored = await findSettings(tx, merchantId);
  return stored === undefined
    ? defaultCustomerSettings
    : customerSettingsInputSchema.parse(stored.settings);
}

/** @throws {AppError} unknown_currency, invalid_amount, invalid_request */
export function checkSettings(settings: CustomerSettings): void {
  if (!isCurrency(settings.currency) || !isFiatCurrency(settings.currency)) {
    throw new AppError('unknown_currency', 'Limits are written in a currency with a rate.', {
      fields: [{ pointer: '/currency', detail: 'use an ISO 4217 code such as "EUR"' }],
    });
  }
  settings.limits.forEach(({ amount }, at) => {
    amountOf(amount, settings.currency, `/limits/${at}/amount`);
  });
  settings.requirements.forEach(({ aboveAmount }, at) => {
    amountOf(aboveAmount, settings.currency, `/requirements/${at}/aboveAmount`);
  });
}

/** An amount of the settings in the smallest unit of their currency. */
export function amountOf(text: string, currency: string, pointer = ''): bigint {
  const decimals = isCurrency(currency) ? currencyDecimals(currency) : 0;
  const read = parseDecimal(text, decimals);
  if (read.ok) return read.value;
  throw new AppError('invalid_amount', `The amount can not be used: ${read.reason}.`, {
    fields: [{ pointer, detail: read.reason }],
  });
}
