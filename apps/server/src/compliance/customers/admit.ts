import type { CustomerLevel, CustomerSettings } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { reaches } from './level.ts';
import { amountOf } from './settings.ts';

/** Why an order may not be made for a customer, or without one. */
export type AdmitRefusal =
  | { readonly code: 'customer_required'; readonly level: CustomerLevel }
  | { readonly code: 'customer_not_accepted' }
  | { readonly code: 'customer_not_verified'; readonly level: CustomerLevel }
  | { readonly code: 'customer_limit_exceeded'; readonly hours: number };

export type Candidate = {
  readonly customerId: Uuid | null;
  /** In the smallest unit of the currency of the settings. */
  readonly worthMinor: bigint;
  /** As the customer is now; null where the order names none. */
  readonly customer: { readonly level: CustomerLevel; readonly isOpen: boolean } | null;
};

/** Whether a store's rules ask about the worth of its orders at all. */
export function asksForWorth({
  limits,
  requirements,
}: Pick<CustomerSettings, 'limits' | 'requirements'>): boolean {
  return limits.length + requirements.length > 0;
}

/** The level that an order of so much needs: of all requirements that it is above, the highest. */
export function requiredLevel(
  worthMinor: bigint,
  { requirements, currency }: Pick<CustomerSettings, 'requirements' | 'currency'>,
): CustomerLevel {
  let needed: CustomerLevel = 'none';
  for (const { aboveAmount, level } of requirements) {
    if (worthMinor > amountOf(aboveAmount, currency) && reaches(level, needed)) needed = level;
  }
  return needed;
}

/** The windows that limit a customer of a level, with the most that it may order in each. */
export function limitsOf(
  level: CustomerLevel,
  { limits, currency }: Pick<CustomerSettings, 'limits' | 'currency'>,
): { hours: number; mostMinor: bigint }[] {
  return limits
    .filter((limit) => limit.level === level)
    .map(({ hours, amount }) => ({ hours, mostMinor: amountOf(amount, currency) }));
}

/**
 * Whether an order may be made. A customer that is shut is refused in the same words whatever the
 * reason: whoever makes orders must not learn from it that somebody is on a list.
 * @param orderedMinor what the customer ordered within so many hours up to now, this order not included
 */
export function admitOrder(
  { worthMinor, customer }: Candidate,
  settings: CustomerSettings,
  orderedMinor: (hours: number) => bigint,
): AdmitRefusal | null {
  const needed = requiredLevel(worthMinor, settings);
  if (customer === null) {
    return needed === 'none' ? null : { code: 'customer_required', level: needed };
  }
  if (!customer.isOpen) return { code: 'customer_not_accepted' };
  if (!reaches(customer.level, needed)) return { code: 'customer_not_verified', level: needed };
  const exceeded = limitsOf(customer.level, settings).find(
    ({ hours, mostMinor }) => orderedMinor(hours) + worthMinor > mostMinor,
  );
  return exceeded === undefined ? null : { code: 'customer_limit_exceeded', hours: exceeded.hours };
}
