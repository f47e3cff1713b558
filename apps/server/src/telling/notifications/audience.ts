import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Locale } from './texts/index.ts';

/** Who hears of an alert by e-mail. */
export type Audience = {
  /** The store's name; null: the alert is the instance's. */
  store: string | null;
  locale: Locale;
  emails: readonly string[];
};

/** @param merchantId null: the instance's own audience */
export type ReadAudience = (tx: Tx, merchantId: Uuid | null) => Promise<Audience>;

type MerchantAudience = {
  name: string;
  settings: { storeName: string | null; defaultLocale: Locale; alertEmails: readonly string[] };
};

/**
 * How audiences are read: a merchant's from its settings, the instance's from the configuration.
 * @param from.operatorEmails undefined where no mail server is configured: then nobody is e-mailed,
 *   and nothing piles up that would be sent on the day on which one is
 */
export function audienceReader(from: {
  readMerchant: (tx: Tx, id: Uuid) => Promise<MerchantAudience>;
  operatorEmails: readonly string[] | undefined;
}): ReadAudience {
  const { readMerchant, operatorEmails } = from;
  return async (tx, merchantId) => {
    if (merchantId === null) return { store: null, locale: 'en', emails: operatorEmails ?? [] };
    const { name, settings } = await readMerchant(tx, merchantId);
    return {
      store: settings.storeName ?? name,
      locale: settings.defaultLocale,
      emails: operatorEmails === undefined ? [] : settings.alertEmails,
    };
  };
}
