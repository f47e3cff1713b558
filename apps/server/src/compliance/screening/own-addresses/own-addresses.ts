import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { normaliseAddress } from '../addresses/normalise.ts';
import { findOwnAddresses, type OwnAddress } from './own-address-store.ts';

/**
 * Which of these addresses are on the merchant's own list, in whatever spelling they are given.
 * @returns by the address as it was given
 */
export async function lookUpOwnAddresses(
  tx: Tx,
  { merchantId, addresses }: { merchantId: Uuid; addresses: readonly string[] },
): Promise<Map<string, OwnAddress>> {
  const plain = new Map(addresses.map((address) => [address, normaliseAddress(address)]));
  const wanted = [...new Set([...plain.values()].filter((address) => address !== null))];
  if (wanted.length === 0) return new Map();
  const found = await findOwnAddresses(tx, { merchantId, addresses: wanted });
  const byAddress = new Map(found.map((own) => [own.address, own]));
  const hits = new Map<string, OwnAddress>();
  for (const [given, address] of plain) {
    const own = address === null ? undefined : byAddress.get(address);
    if (own !== undefined) hits.set(given, own);
  }
  return hits;
}
