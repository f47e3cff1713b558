import {
  type CustomerLevel,
  type CustomerRisk,
  type CustomerRiskReason,
  type CustomerSettings,
  customerLevels,
  customerRisks,
} from '@quittance/contract';
import { type Customer, effectiveRisk } from './customer.ts';

/** Whether a level includes another. */
export function reaches(level: CustomerLevel, needed: CustomerLevel): boolean {
  return customerLevels.indexOf(level) >= customerLevels.indexOf(needed);
}

/**
 * What a customer may do now. Whatever speaks against it makes it `none`: it is never lowered to
 * something in between, which would let a blocked customer go on a little.
 * @param openSanctionsHits hits on lists of sanctions that nobody has decided
 */
export function levelOf(
  customer: Customer,
  {
    openSanctionsHits,
    settings,
    nowMs,
  }: {
    openSanctionsHits: number;
    settings: Pick<CustomerSettings, 'leastVerification'>;
    nowMs: number;
  },
): CustomerLevel {
  if (customer.state !== 'verified' || isShut(customer)) return 'none';
  if (openSanctionsHits > 0) return 'none';
  // The loop that lets it expire may be late; the document is not good for a minute longer.
  if (customer.validUntilMs !== null && customer.validUntilMs <= nowMs) return 'none';
  const least = settings.leastVerification[effectiveRisk(customer)];
  return reaches(customer.verifiedLevel, least) ? customer.verifiedLevel : 'none';
}

/** Blocked by a person or by its owners, left, or erased: nothing can be done with it. */
export function isShut(
  customer: Pick<Customer, 'block' | 'ownerBlocked' | 'endedAtMs' | 'erasedAtMs'>,
): boolean {
  return (
    customer.block !== null ||
    customer.ownerBlocked ||
    customer.endedAtMs !== null ||
    customer.erasedAtMs !== null
  );
}

/** What the risk follows from. */
export type RiskFacts = {
  /** Nationalities, residence, registration, of the customer and its beneficial owners. */
  countries: readonly string[];
  pep: boolean;
  /** Only of entities. */
  ownership: {
    /** Persons at or above the threshold, or who control. */
    beneficialOwners: number;
    /** Entities between it and the persons behind it. */
    depth: number;
    /** The highest risk among all who own some of it. */
    highestRisk: CustomerRisk | null;
    ownerBlocked: boolean;
  } | null;
};

/** Chains longer than this are seldom built for the sake of simplicity. */
const DEEP_OWNERSHIP = 3;

/** The highest of what each fact says, with all facts that say something. */
export function assessRisk(
  facts: RiskFacts,
  settings: Pick<CustomerSettings, 'highRiskCountries'>,
): { risk: CustomerRisk; reasons: CustomerRiskReason[] } {
  const found: [CustomerRisk, CustomerRiskReason][] = [];
  if (facts.countries.some((country) => settings.highRiskCountries.includes(country))) {
    found.push(['high', 'high_risk_country']);
  }
  if (facts.pep) found.push(['high', 'politically_exposed']);
  if (facts.ownership !== null) {
    const { beneficialOwners, depth, highestRisk, ownerBlocked } = facts.ownership;
    if (beneficialOwners === 0) found.push(['medium', 'no_beneficial_owner_known']);
    if (depth >= DEEP_OWNERSHIP) found.push(['medium', 'deep_ownership']);
    if (highestRisk === 'high') found.push(['high', 'high_risk_owner']);
    if (ownerBlocked) found.push(['high', 'blocked_owner']);
  }
  const highest = Math.max(0, ...found.map(([risk]) => customerRisks.indexOf(risk)));
  return { risk: customerRisks[highest] ?? 'low', reasons: found.map(([, reason]) => reason) };
}
