import { toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { beneficialOwners } from './ownership.ts';
import { readFamilyShares } from './owner-store.ts';
import { readCustomerSettings } from './settings.ts';
import { type OwnCustomer, readCustomersById, readLinkDigests } from './store.ts';

/** Of one customer, the surest first: a movement has room for so many (monitoring/groups.ts). */
export const MAX_KNOWN_LINKS = 8;

/**
 * What a customer has in common with others, by names that say nothing but "the same": beneficial
 * owners as `owner:<customer>`, of the owner himself too, and papers, telephone, e-mail, reference and
 * name with birth date as `profile:<keyed digest>`. Two customers with one such name belong together.
 */
export async function readKnownLinks(tx: Tx, own: OwnCustomer): Promise<string[]> {
  const digests = await readLinkDigests(tx, own, MAX_KNOWN_LINKS);
  const owners = await ownersInCommon(tx, own);
  return [
    ...owners.map((id) => `owner:${id}`),
    ...digests.map((digest) => `profile:${toHex(digest)}`),
  ].slice(0, MAX_KNOWN_LINKS);
}

/** The beneficial owners of an entity, or a person himself where he is one of any. */
async function ownersInCommon(tx: Tx, own: OwnCustomer): Promise<Uuid[]> {
  const { merchantId, id } = own;
  const shares = await readFamilyShares(tx, { merchantId, ids: [id] });
  if (shares.length === 0) return [];
  const { beneficialOwnerBps: thresholdBps } = await readCustomerSettings(tx, merchantId);
  const ids = [...new Set(shares.flatMap(({ entityId, ownerId }) => [entityId, ownerId]))];
  const members = await readCustomersById(tx, { merchantId, ids });
  const persons = new Set(members.filter(({ kind }) => kind === 'person').map((one) => one.id));
  const ownersOf = (entityId: Uuid) =>
    beneficialOwners(entityId, shares, { thresholdBps, isPerson: (each) => persons.has(each) }).map(
      (owner) => owner.id,
    );
  if (!persons.has(id)) return ownersOf(id);
  const entities = new Set(shares.map(({ entityId }) => entityId));
  return [...entities].some((entityId) => ownersOf(entityId).includes(id)) ? [id] : [];
}
