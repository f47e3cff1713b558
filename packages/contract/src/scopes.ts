import { z } from 'zod';

/**
 * What an API key of a merchant may be allowed. A `…:write` includes its `…:read`. Approving a
 * payout is apart from asking for one, so that two people can be needed.
 */
export const merchantScopes = [
  'orders:read',
  'orders:write',
  'refunds:read',
  'refunds:write',
  'wallets:read',
  'wallets:write',
  'settings:read',
  'settings:write',
  'webhooks:read',
  'webhooks:write',
  'events:read',
  'alerts:read',
  'alerts:write',
  'ledger:read',
  'payouts:read',
  'payouts:write',
  'payouts:approve',
  'lightning:read',
  'lightning:write',
  'keys:read',
  'keys:write',
  'audit:read',
  'compliance:read',
  'compliance:review',
  'compliance:decide',
] as const;

/** What the instance's administrator may: make merchants. Never together with a merchant's. */
export const instanceScope = 'instance:admin';

export const scopes = [...merchantScopes, instanceScope] as const;
export type MerchantScope = (typeof merchantScopes)[number];
export type Scope = (typeof scopes)[number];

export const scopeSchema = z.enum(scopes).meta({ id: 'Scope' });
export const merchantScopeSchema = z.enum(merchantScopes).meta({ id: 'MerchantScope' });

/**
 * Compliance has three roles, each with what the one before may: the auditor reads, the reviewer
 * works on cases and proposes, the officer decides.
 */
export const complianceScopes = [
  'compliance:read',
  'compliance:review',
  'compliance:decide',
] as const satisfies readonly MerchantScope[];
export type ComplianceScope = (typeof complianceScopes)[number];

export function isComplianceScope(scope: Scope): scope is ComplianceScope {
  return complianceScopes.some((each) => each === scope);
}

/**
 * What a store's first key may: everything of the store but compliance. Whoever runs the store is
 * whom a case may be about; its officers get keys of their own from the instance's administrator.
 */
export const firstKeyScopes: readonly MerchantScope[] = merchantScopes.filter(
  (scope) => !isComplianceScope(scope),
);

/**
 * Tells whether `granted` covers `needed`: the same scope, the write that includes the read, or a
 * higher role of compliance.
 */
export function coversScope(granted: readonly Scope[], needed: Scope): boolean {
  if (granted.includes(needed)) return true;
  if (isComplianceScope(needed)) {
    const higher = complianceScopes.slice(complianceScopes.indexOf(needed) + 1);
    return higher.some((scope) => granted.includes(scope));
  }
  if (!needed.endsWith(':read')) return false;
  const write = `${needed.slice(0, -':read'.length)}:write`;
  return granted.some((scope) => scope === write);
}
