import type { CustomerOwnersInput, CustomerRisk } from '@quittance/contract';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { samePersonAs } from '../../tenancy/keys/index.ts';
import type { Customer } from './customer.ts';
import { resolveErasure } from './erase-customer.ts';
import { change, lockFamily, note, ownOf, settleRisk } from './family.ts';
import { checkOwners, type OwnershipRefusal } from './ownership.ts';
import { readFamilyShares, replaceOwners } from './owner-store.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import type { OwnCustomer } from './store.ts';

type Given = { own: OwnCustomer; reason: string; doing: Doing };

/** @throws {AppError} not_found, conflict */
export async function rejectCustomer(tx: Tx, deps: CustomerDeps, given: Given): Promise<Customer> {
  const family = await lockFamily(tx, deps, given.own);
  const noted = { action: 'rejected', note: given.reason };
  return await change(tx, deps, family, { event: { type: 'rejected' }, noted, doing: given.doing });
}

/** @throws {AppError} not_found, conflict */
export async function reopenCustomer(tx: Tx, deps: CustomerDeps, given: Given): Promise<Customer> {
  const family = await lockFamily(tx, deps, given.own);
  const noted = { action: 'reopened', note: given.reason };
  return await change(tx, deps, family, { event: { type: 'reopened' }, noted, doing: given.doing });
}

/** A periodic review: what is known is still so. @throws {AppError} not_found, conflict */
export async function reviewCustomer(tx: Tx, deps: CustomerDeps, given: Given): Promise<Customer> {
  const family = await lockFamily(tx, deps, given.own);
  const noted = { action: 'reviewed', note: given.reason };
  return await change(tx, deps, family, { event: { type: 'reviewed' }, noted, doing: given.doing });
}

/** @throws {AppError} not_found, conflict */
export async function blockCustomer(tx: Tx, deps: CustomerDeps, given: Given): Promise<Customer> {
  const family = await lockFamily(tx, deps, given.own);
  const event = { type: 'blocked', by: given.doing.by, because: 'officer' } as const;
  const noted = { action: 'blocked', note: given.reason };
  return await change(tx, deps, family, { event, noted, doing: given.doing });
}

/**
 * Takes a block off. Who put it on may not: it takes two persons to let somebody through.
 * @throws {AppError} not_found, forbidden
 */
export async function unblockCustomer(tx: Tx, deps: CustomerDeps, given: Given): Promise<Customer> {
  const family = await lockFamily(tx, deps, given.own);
  const { block } = ownOf(family);
  if (block !== null && (await samePersonAs(tx, given.doing.by, [block.by])).has(block.by)) {
    throw new AppError('forbidden', 'Another person than the one who blocked has to unblock.');
  }
  const noted = { action: 'unblocked', note: given.reason };
  const event = { type: 'unblocked' } as const;
  return await change(tx, deps, family, { event, noted, doing: given.doing });
}

/** @throws {AppError} not_found, invalid_request where it would end in the future */
export async function endCustomer(
  tx: Tx,
  deps: CustomerDeps,
  given: Given & { atMs: number },
): Promise<Customer> {
  if (given.atMs > given.doing.nowMs) {
    throw new AppError('invalid_request', '/at: a relationship ends now or has ended before.', {
      fields: [{ pointer: '/at', detail: 'must not be in the future' }],
    });
  }
  const family = await lockFamily(tx, deps, given.own);
  const { createdAtMs } = ownOf(family);
  const event = { type: 'ended', endedAtMs: Math.max(createdAtMs, given.atMs) } as const;
  const noted = { action: 'ended', note: given.reason };
  await change(tx, deps, family, { event, noted, doing: given.doing });
  await resolveErasure(tx, deps, family, { cause: 'retention', doing: given.doing });
  return ownOf(family);
}

/** @throws {AppError} not_found */
export async function setRisk(
  tx: Tx,
  deps: CustomerDeps,
  given: Given & { risk: CustomerRisk | null },
): Promise<Customer> {
  const family = await lockFamily(tx, deps, given.own);
  const event = { type: 'risk_set', override: given.risk } as const;
  const noted = { action: 'risk_set', detail: { risk: given.risk }, note: given.reason };
  return await change(tx, deps, family, { event, noted, doing: given.doing });
}

/**
 * Says who owns an entity. It takes the place of what was said before, whole or not at all.
 * @throws {AppError} not_found, conflict, invalid_request
 */
export async function setOwners(
  tx: Tx,
  deps: CustomerDeps,
  given: { own: OwnCustomer; owners: CustomerOwnersInput['owners']; doing: Doing },
): Promise<Customer> {
  const { own, doing } = given;
  const owners = given.owners.map(({ customerId, ...rest }) => ({ ownerId: customerId, ...rest }));
  const family = await lockFamily(
    tx,
    deps,
    own,
    owners.map(({ ownerId }) => ownerId),
  );
  const customer = ownOf(family);
  if (customer.kind !== 'entity') throw new AppError('conflict', 'A person belongs to nobody.');
  if (customer.erasedAtMs !== null || customer.endedAtMs !== null) {
    throw new AppError('conflict', 'The relationship with the customer has ended.');
  }
  owners.forEach(({ ownerId }, at) => {
    const owner = family.members.get(ownerId);
    if (owner !== undefined && owner.erasedAtMs === null) return;
    throw wrongOwner(`/owners/${at}/customerId`, 'not the id of one of your customers');
  });
  const because = checkOwners(own.id, owners, family.shares);
  if (because !== null) throw wrongOwner('/owners', SENTENCES[because]);
  await replaceOwners(tx, own, owners, { by: doing.by, atMs: doing.nowMs });
  family.shares = await readFamilyShares(tx, {
    merchantId: own.merchantId,
    ids: [...family.members.keys()],
  });
  const detail = { owners: owners.map((owner) => ({ ...owner })) };
  await note(tx, deps, customer, { family, noted: { action: 'owners_set', detail }, doing });
  await settleRisk(tx, deps, family, doing.nowMs);
  return ownOf(family);
}

const SENTENCES: Readonly<Record<OwnershipRefusal, string>> = {
  owns_itself: 'nobody owns itself',
  named_twice: 'each owner is named once',
  more_than_whole: 'the shares are more than the whole',
  circle: 'ownership would go round in a circle',
  too_deep: 'the chain of owners is too long',
  too_many: 'too many parties are connected with this entity',
};

function wrongOwner(pointer: string, detail: string): AppError {
  return new AppError('invalid_request', `${pointer}: ${detail}.`, {
    fields: [{ pointer, detail }],
  });
}
