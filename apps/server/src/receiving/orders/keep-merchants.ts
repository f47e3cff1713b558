import { isCurrency, type Uuid } from '@quittance/kernel';
import { AppError } from '../../platform/errors.ts';
import {
  type FiatCurrency,
  isFiatCurrency,
  type Quote,
  type Rates,
  satsToFiat,
} from '../rates/index.ts';
import type { OrderCreatorDeps, OrderingMerchant } from './create-orders.ts';
import { type OrderToAdmit, withoutCustomers } from './customers.ts';
import type { OrderDraft } from './draft.ts';

/** A change of settings is announced; an announcement that was lost is made up for by this time. */
const SETTINGS_AGE_MS = 1_000;
/** Stores whose settings are kept at hand. */
const MAX_KEPT_MERCHANTS = 10_000;

/** A store with what its rules about customers need to know of an order. */
export type KeptMerchant = OrderingMerchant & { currencyOfRules: FiatCurrency | null };

export async function quoteFor(
  currency: string,
  merchant: OrderingMerchant,
  rates: Pick<Rates, 'quote'>,
): Promise<Quote | null> {
  if (!isCurrency(currency) || !isFiatCurrency(currency)) return null;
  return rates.quote(currency, merchant.settings.rateRule);
}

/** What an order is worth to the store's rules: its price, or else what is due at the rate of now. */
export async function worthOf(
  draft: OrderDraft,
  merchant: KeptMerchant,
  rates: Pick<Rates, 'quote'>,
): Promise<OrderToAdmit['worth']> {
  const currency = merchant.currencyOfRules;
  if (currency === null) return null;
  if (draft.priceCurrency === currency) return { currency, minor: draft.priceMinor };
  const quote = await rates.quote(currency, merchant.settings.rateRule);
  return { currency, minor: satsToFiat(draft.dueSats, quote) };
}

export function keepMerchants(deps: OrderCreatorDeps) {
  const kept = new Map<string, { merchant: KeptMerchant; readAtMs: number }>();
  async function merchantOf(id: Uuid): Promise<KeptMerchant> {
    const nowMs = deps.clock.nowMs();
    const known = kept.get(id);
    if (known !== undefined && Math.abs(nowMs - known.readAtMs) < SETTINGS_AGE_MS) {
      return known.merchant;
    }
    const merchant = await deps.database.asTenant(id, async (tx) => {
      const found = await deps.readMerchant(tx, id);
      if (found === undefined) return undefined;
      return {
        ...found,
        currencyOfRules: await (deps.customers ?? withoutCustomers).currencyOfRules(tx, id),
      };
    });
    if (merchant === undefined) throw new AppError('not_found', 'There is no such merchant.');
    if (kept.size >= MAX_KEPT_MERCHANTS) kept.clear();
    kept.set(id, { merchant, readAtMs: nowMs });
    return merchant;
  }
  return {
    merchantOf,
    forget(id?: string) {
      if (id === undefined) kept.clear();
      else kept.delete(id);
    },
  };
}
