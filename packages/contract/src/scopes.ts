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
] as const;

/** What the instance's administrator may: make merchants. Never together with a merchant's. */
export const instanceScope = 'instance:admin';

export const scopes = [...merchantScopes, instanceScope] as const;
export type MerchantScope = (typeof merchantScopes)[number];
export type Scope = (typeof scopes)[number];

export const scopeSchema = z.enum(scopes).meta({ id: 'Scope' });
export const merchantScopeSchema = z.enum(merchantScopes).meta({ id: 'MerchantScope' });

/** Tells whether `granted` covers `needed`: the same scope, or the write that includes the read. */
export function coversScope(granted: readonly Scope[], needed: Scope): boolean {
  if (granted.includes(needed)) return true;
  if (!needed.endsWith(':read')) return false;
  const write = `${needed.slice(0, -':read'.length)}:write`;
  return granted.some((scope) => scope === write);
}
