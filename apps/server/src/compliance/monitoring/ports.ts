import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Mark } from './movement.ts';

/** What is known of addresses now: by lists, labels and the store itself. */
export type AddressFacts = { readonly marks: readonly Mark[]; readonly isService: boolean };

export type AddressBook = {
  /** @returns by the address as it was given; what nothing is known of is left out */
  lookUp(
    tx: Tx,
    about: { merchantId: Uuid; addresses: readonly string[] },
  ): Promise<Map<string, AddressFacts>>;
};

/**
 * What a customer has in common with others, as records of customers say now: names that are the same
 * for whoever shares it, and begin as `isKnownLink` (groups.ts) wants.
 */
export type KnownLinks = (
  tx: Tx,
  about: { merchantId: Uuid; customerId: Uuid },
) => Promise<readonly string[]>;

/** Where nothing is known of any address. */
export const emptyAddressBook: AddressBook = { lookUp: async () => new Map() };
