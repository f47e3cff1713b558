import type { CustomerKind, CustomerProfile } from '@quittance/contract';
import type { Tx } from '../../platform/db/index.ts';
import { openProfile } from './profile.ts';
import { type OwnCustomer, readCustomer } from './store.ts';
import { findVault, type VaultDeps } from './vault.ts';

/** Who a customer is, for who writes a report about it. */
export type KnownCustomer = { readonly kind: CustomerKind; readonly profile: CustomerProfile };

/** Opens a customer's profile; null: there is no such customer, or it has been erased. */
export async function readCustomerProfile(
  tx: Tx,
  deps: VaultDeps,
  own: OwnCustomer,
): Promise<KnownCustomer | null> {
  const customer = await readCustomer(tx, own);
  if (customer === undefined || customer.sealedProfile === null) return null;
  const vault = await findVault(tx, deps, own.merchantId);
  if (vault === undefined) return null;
  const { kind, sealedProfile } = customer;
  return { kind, profile: openProfile(vault.keyOf(customer), sealedProfile) };
}
