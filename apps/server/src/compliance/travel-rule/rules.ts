import type { TravelRules, TravelSettings } from '@quittance/contract';
import { currencyDecimals, isCurrency, parseDecimal } from '@quittance/kernel';

/**
 * What the law asks for, dated and with its source. Not legal advice: a store chooses its regime, or
 * writes its own.
 */
const REGIMES: Readonly<Record<'us' | 'eu', TravelRules>> = {
  us: {
    betweenProviders: { currency: 'USD', amount: '3000' },
    ownWalletProof: null,
    source: '31 CFR 1010.410(f), in force since 28 May 1996; for virtual currency FIN-2019-G001',
  },
  eu: {
    betweenProviders: { currency: 'EUR', amount: '0' },
    ownWalletProof: { currency: 'EUR', amount: '1000' },
    source: 'Regulation (EU) 2023/1113, articles 14 and 16, applied since 30 December 2024',
  },
};

export function rulesOf({ regime, custom }: TravelSettings): TravelRules {
  if (regime !== 'custom') return REGIMES[regime];
  return custom ?? REGIMES.eu;
}

export type Need = 'message' | 'proof' | 'declaration' | 'nothing';

/**
 * What a payout needs before it may be paid. Who gets it has to be said first; a value that nobody
 * knows counts as above every threshold, so that not knowing never opens the gate.
 * @param worth the payout's value in a currency, in smallest units, rounded up; null: not known
 */
export function needOf(
  rules: TravelRules,
  given: {
    counterparty: 'vasp' | 'self_hosted' | null;
    worth(currency: string): bigint | null;
  },
): Need {
  const { counterparty, worth } = given;
  const reaches = (threshold: TravelRules['betweenProviders'], orAbove: boolean): boolean => {
    if (threshold === null) return false;
    const { currency, amount } = threshold;
    const value = worth(currency);
    const limit = minorOf(currency, amount);
    if (value === null || limit === null) return true;
    return orAbove ? value >= limit : value > limit;
  };
  // 31 CFR 1010.410(f) begins with 3,000 itself; article 14(5) of the EU's speaks of exceeding 1,000.
  const isMessage = reaches(rules.betweenProviders, true);
  const isProof = reaches(rules.ownWalletProof, false);
  if (counterparty === 'vasp') return isMessage ? 'message' : 'nothing';
  if (counterparty === 'self_hosted') return isProof ? 'proof' : 'nothing';
  return isMessage || isProof ? 'declaration' : 'nothing';
}

function minorOf(currency: string, amount: string): bigint | null {
  if (!isCurrency(currency)) return null;
  const parsed = parseDecimal(amount, currencyDecimals(currency));
  return parsed.ok ? parsed.value : null;
}
