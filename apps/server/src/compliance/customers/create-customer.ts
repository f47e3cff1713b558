import type { CreateCustomer, CustomerProfile, UpdateCustomer } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { type Customer, newCustomer } from './customer.ts';
import { change, type Family, lockFamily, note, ownOf, profileIn, settleRisk } from './family.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import { changedProfile, indexOf, isMaterial, profileOf, sealProfile } from './profile.ts';
import { screenCustomer } from './screen-customer.ts';
import { insertCustomer, type OwnCustomer, replaceIndex } from './store.ts';
import { makeVault } from './vault.ts';

/**
 * Takes a customer in: sealed under a key of its own, screened at once where the lists are at hand.
 * @throws {AppError} invalid_request
 */
export async function createCustomer(
  tx: Tx,
  deps: CustomerDeps,
  { merchantId, input, doing }: { merchantId: Uuid; input: CreateCustomer; doing: Doing },
): Promise<Customer> {
  const profile = profileOf(input);
  const vault = await makeVault(tx, deps, merchantId);
  const id = deps.ids.next();
  const { key, sealedKey } = vault.newKey(id);
  const sealed = { sealedKey, sealedProfile: sealProfile(key, profile) };
  const own = { merchantId, id, kind: input.kind };
  const customer = newCustomer({ ...own, ...sealed, by: doing.by, nowMs: doing.nowMs });
  await insertCustomer(tx, customer);
  await replaceIndex(tx, customer, indexOf(vault, profile));
  const family = await lockFamily(tx, deps, { merchantId, id });
  await note(tx, deps, customer, { family, noted: { action: 'created' }, doing });
  await settleRisk(tx, deps, family, doing.nowMs);
  await screenCustomer(tx, deps, family, doing);
  return ownOf(family);
}

/**
 * Changes what is known of a customer. What a verification proves can not be changed under it: it is
 * pending again, and screened again.
 * @throws {AppError} not_found, conflict, invalid_request
 */
export async function updateCustomerProfile(
  tx: Tx,
  deps: CustomerDeps,
  { own, input, doing }: { own: OwnCustomer; input: UpdateCustomer; doing: Doing },
): Promise<Customer> {
  const family = await lockFamily(tx, deps, own);
  const before = ownOf(family);
  const known = profileIn(family, before);
  const profile = changedProfile(before.kind, known, input);
  await writeProfile(tx, deps, family, { profile, known, doing });
  await screenCustomer(tx, deps, family, doing);
  return ownOf(family);
}

async function writeProfile(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  { profile, known, doing }: { profile: CustomerProfile; known: CustomerProfile; doing: Doing },
): Promise<void> {
  const material = isMaterial(known, profile);
  const before = ownOf(family);
  const sealedProfile = sealProfile(family.vault.keyOf(before), profile);
  const noted = { action: 'profile_changed', detail: { material } };
  await change(tx, deps, family, {
    ...{ event: { type: 'changed', material }, noted, doing },
    also: { sealedProfile },
  });
  await replaceIndex(tx, before, indexOf(family.vault, profile));
}
