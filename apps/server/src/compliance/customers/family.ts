import type { CustomerProfile, CustomerSettings, JsonValue } from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  applyCustomerEvent,
  type Customer,
  type CustomerEvent,
  type CustomerRefusal,
  effectiveRisk,
} from './customer.ts';
import { assessRisk, type RiskFacts } from './level.ts';
import { insertLogEntry } from './log-store.ts';
import {
  beneficialOwners,
  blockedByOwners,
  depthOf,
  effectiveOwners,
  type Share,
} from './ownership.ts';
import { readFamilyShares } from './owner-store.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import { countriesOf, openProfile } from './profile.ts';
import { readCustomerSettings } from './settings.ts';
import { lockCustomers, type OwnCustomer, readCustomersById, updateCustomer } from './store.ts';
import { openVault, type Vault } from './vault.ts';
import { lockOwnership } from './vault-store.ts';

/** A customer with everybody it is connected with by ownership, locked: the risk of one is of all. */
export type Family = {
  readonly own: OwnCustomer;
  readonly vault: Vault;
  readonly settings: CustomerSettings;
  shares: readonly Share[];
  readonly members: Map<Uuid, Customer>;
};

/** @throws {AppError} not_found */
export async function lockFamily(
  tx: Tx,
  deps: CustomerDeps,
  own: OwnCustomer,
  others: readonly Uuid[] = [],
): Promise<Family> {
  const vault = await openVault(tx, deps, own.merchantId);
  await lockOwnership(tx, own.merchantId);
  return await gather(tx, { own, others, vault, read: lockCustomers });
}

/** The same for who only looks. @throws {AppError} not_found */
export async function readFamily(tx: Tx, deps: CustomerDeps, own: OwnCustomer): Promise<Family> {
  const vault = await openVault(tx, deps, own.merchantId);
  return await gather(tx, { own, others: [], vault, read: readCustomersById });
}

async function gather(
  tx: Tx,
  from: {
    own: OwnCustomer;
    others: readonly Uuid[];
    vault: Vault;
    read: typeof lockCustomers;
  },
): Promise<Family> {
  const { own, others, vault, read } = from;
  const { merchantId } = own;
  const wanted = [own.id, ...others];
  const shares = await readFamilyShares(tx, { merchantId, ids: wanted });
  const ids = [...new Set([...wanted, ...shares.flatMap((one) => [one.entityId, one.ownerId])])];
  const found = await read(tx, { merchantId, ids });
  const members = new Map(found.map((customer) => [customer.id, customer]));
  if (!members.has(own.id)) throw noSuchCustomer();
  return { own, vault, settings: await readCustomerSettings(tx, merchantId), shares, members };
}

export function ownOf(family: Family): Customer {
  const customer = family.members.get(family.own.id);
  assert(customer !== undefined, 'the customer that was locked is in its family');
  return customer;
}

/** @throws {AppError} conflict where it was erased */
export function profileIn(family: Family, customer: Customer): CustomerProfile {
  const key = family.vault.keyOf(customer);
  assert(customer.sealedProfile !== null, 'what has a key has a profile');
  return openProfile(key, customer.sealedProfile);
}

/** What is noted of a change: without anything that says who the customer is but in the note. */
export type Noted = {
  action: string;
  detail?: Record<string, JsonValue>;
  note?: string | undefined;
};

/**
 * Applies an event to the customer, writes it with its entry of the log, and then what it means for
 * the risk of everybody connected with it.
 * @throws {AppError} conflict
 */
export async function change(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  what: { event: CustomerEvent; noted: Noted; doing: Doing; also?: Partial<Customer> },
): Promise<Customer> {
  const { event, noted, doing, also = {} } = what;
  const step = applyCustomerEvent(ownOf(family), event, {
    rules: family.settings,
    nowMs: doing.nowMs,
  });
  if (!step.ok) throw refused(step.because);
  const customer = { ...step.customer, ...also };
  await write(tx, family, customer);
  if (step.changed) await note(tx, deps, customer, { family, noted, doing });
  await settleRisk(tx, deps, family, doing.nowMs);
  return ownOf(family);
}

async function write(tx: Tx, family: Family, customer: Customer): Promise<void> {
  await updateCustomer(tx, customer);
  family.members.set(customer.id, customer);
}

/** Notes something in the log of a customer's data, which only grows. */
export async function note(
  tx: Tx,
  deps: Pick<CustomerDeps, 'ids'>,
  customer: Pick<Customer, 'merchantId' | 'id' | 'sealedKey'>,
  { family, noted, doing }: { family: Pick<Family, 'vault'>; noted: Noted; doing: Doing },
): Promise<void> {
  const id = deps.ids.next();
  const sealedNote =
    noted.note === undefined ? null : family.vault.keyOf(customer).seal(noted.note, `note:${id}`);
  await insertLogEntry(tx, customer, {
    ...{ id, atMs: doing.nowMs, actor: doing.by, action: noted.action, sealedNote },
    detail: noted.detail ?? {},
  });
}

/** Weighs the risk of all members anew, owners before what they own, and writes what has changed. */
export async function settleRisk(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  nowMs: number,
): Promise<void> {
  const { members, shares, settings } = family;
  const doing = { by: 'system', nowMs };
  const blocked = new Set([...members.values()].filter((one) => one.block !== null).map(idOf));
  const byOwners = blockedByOwners(shares, blocked);
  const order = [...members.values()]
    .filter(({ erasedAtMs }) => erasedAtMs === null)
    .map(({ id }) => ({ id, depth: depthOf(id, shares) }))
    .sort((a, b) => a.depth - b.depth);
  for (const { id, depth } of order) {
    const before = members.get(id);
    assert(before !== undefined, 'a member of the family is there');
    const facts = factsOf(family, before, { depth, ownerBlocked: byOwners.has(id) });
    const event = {
      type: 'risk_assessed',
      ownerBlocked: byOwners.has(id),
      ...assessRisk(facts, settings),
    } as const;
    const step = applyCustomerEvent(before, event, { rules: settings, nowMs });
    if (!step.ok || !step.changed) continue;
    await write(tx, family, step.customer);
    const { risk, riskReasons } = step.customer;
    const detail = { risk, reasons: [...riskReasons] };
    await note(tx, deps, step.customer, {
      family,
      noted: { action: 'risk_assessed', detail },
      doing,
    });
    if (!before.ownerBlocked && step.customer.ownerBlocked) {
      await tellOwnerBlocked(tx, deps, step.customer, nowMs);
    }
  }
}

function factsOf(
  family: Family,
  customer: Customer,
  { depth, ownerBlocked }: { depth: number; ownerBlocked: boolean },
): RiskFacts {
  const { members, shares, settings } = family;
  const own = countriesOf(profileIn(family, customer));
  if (customer.kind === 'person') return { countries: own, pep: customer.pep, ownership: null };
  const isPerson = (id: Uuid) => members.get(id)?.kind === 'person';
  const { beneficialOwnerBps: thresholdBps } = settings;
  const behind = beneficialOwners(customer.id, shares, { thresholdBps, isPerson });
  const countries = behind.flatMap(({ id }) => {
    const member = members.get(id);
    return member === undefined || member.erasedAtMs !== null
      ? []
      : countriesOf(profileIn(family, member));
  });
  const isHigh = effectiveOwners(customer.id, shares).some(({ id }) => {
    const member = members.get(id);
    return member !== undefined && effectiveRisk(member) === 'high';
  });
  return {
    countries: [...new Set([...own, ...countries])],
    pep: customer.pep,
    ownership: {
      ...{ beneficialOwners: behind.length, depth, ownerBlocked },
      highestRisk: isHigh ? 'high' : null,
    },
  };
}

async function tellOwnerBlocked(
  tx: Tx,
  deps: CustomerDeps,
  { merchantId, id, version }: Customer,
  nowMs: number,
): Promise<void> {
  await deps.raiseAlert(
    tx,
    { ids: deps.ids, nowMs },
    {
      ...{ merchantId, source: 'customer', rule: 'blocked_owner', severity: 'high' },
      subject: { type: 'customer', id },
      summary: 'Half or more of this customer belongs to blocked parties.',
      facts: { customerId: id },
      dedupeKey: `customer-blocked-owner:${id}:${version}`,
    },
  );
}

function idOf({ id }: Customer): Uuid {
  return id;
}

export function noSuchCustomer(): AppError {
  return new AppError('not_found', 'There is no such customer.');
}

const SENTENCES: Readonly<Record<CustomerRefusal, string>> = {
  erased: 'The customer has been erased.',
  ended: 'The relationship with the customer has ended.',
  blocked: 'The customer is blocked.',
  rejected: 'The customer was rejected; reopen it first.',
  wrong_state: 'The state of the customer does not allow this.',
  expired: 'A document that the verification rests on has run out.',
};

export function refused(because: CustomerRefusal): AppError {
  return new AppError('conflict', SENTENCES[because]);
}
