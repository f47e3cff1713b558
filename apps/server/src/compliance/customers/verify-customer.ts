import type { VerifyCustomer } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { samePersonAs } from '../../tenancy/keys/index.ts';
import { applyCustomerEvent } from './customer.ts';
import { readDocumentsById } from './document-store.ts';
import { change, type Family, lockFamily, note, ownOf, profileIn, refused } from './family.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import { identityText } from './profile.ts';
import { demandScreened } from './screen-customer.ts';
import type { OwnCustomer } from './store.ts';
import { applyVerificationEvent, type Verification } from './verification.ts';
import {
  findOpenVerification,
  findVerification,
  insertVerification,
  type OwnVerification,
  updateVerification,
} from './verification-store.ts';

/**
 * A person says that the customer is who he says. At the levels basic and standard that is enough; for
 * enhanced it is a proposal that another person approves.
 * @throws {AppError} not_found, conflict, invalid_request
 */
export async function verifyManually(
  tx: Tx,
  deps: CustomerDeps,
  given: { own: OwnCustomer; input: VerifyCustomer; doing: Doing },
): Promise<Verification> {
  const { own, input, doing } = given;
  const family = await lockFamily(tx, deps, own);
  await demandPossible(tx, deps, family, doing.nowMs);
  const validUntilMs = await validUntil(tx, own, input.documentIds);
  const id = deps.ids.next();
  const customer = ownOf(family);
  const proposal: Verification = {
    ...newVerification(family, { id, doing, level: input.level }),
    ...{ method: 'manual', state: 'proposed', documentIds: input.documentIds, validUntilMs },
    sealedNote: family.vault.keyOf(customer).seal(input.reason, `note:${id}`),
  };
  const detail = { level: input.level, verificationId: id };
  if (input.level === 'enhanced') {
    await insertVerification(tx, proposal);
    const noted = { action: 'verification_proposed', detail };
    await note(tx, deps, customer, { family, noted, doing });
    return proposal;
  }
  const event = { type: 'approved', by: doing.by } as const;
  const step = applyVerificationEvent(proposal, event, { nowMs: doing.nowMs, decides: false });
  if (!step.ok) throw notPossible();
  await insertVerification(tx, step.verification);
  await putInForce(tx, deps, family, { verification: step.verification, doing });
  return step.verification;
}

/**
 * Begins a verification with the store's provider. It is written before anybody is asked; the worker
 * hands it over.
 * @throws {AppError} not_found, conflict
 */
export async function startWithProvider(
  tx: Tx,
  deps: CustomerDeps,
  given: { own: OwnCustomer; level: Verification['level']; doing: Doing },
): Promise<Verification> {
  const { own, level, doing } = given;
  const family = await lockFamily(tx, deps, own);
  const possible = applyCustomerEvent(
    ownOf(family),
    { type: 'verified', level, validUntilMs: null },
    { rules: family.settings, nowMs: doing.nowMs },
  );
  if (!possible.ok) throw refused(possible.because);
  await demandNoneOpen(tx, own);
  const id = deps.ids.next();
  const verification: Verification = {
    ...newVerification(family, { id, doing, level }),
    ...{ method: 'provider', state: 'starting', nextTryAtMs: doing.nowMs },
  };
  await insertVerification(tx, verification);
  const noted = { action: 'verification_started', detail: { level, verificationId: id } };
  await note(tx, deps, ownOf(family), { family, noted, doing });
  return verification;
}

/**
 * Approves or declines what waits for a person. For the level enhanced it has to be another person
 * than the one who proposed it.
 * @throws {AppError} not_found, conflict, forbidden
 */
export async function decideVerification(
  tx: Tx,
  deps: CustomerDeps,
  given: { own: OwnVerification; decision: 'approved' | 'declined'; reason: string; doing: Doing },
): Promise<Verification> {
  const { own, decision, doing } = given;
  const found = await findVerification(tx, own);
  if (found === undefined) throw noSuchVerification();
  const family = await lockFamily(tx, deps, { merchantId: own.merchantId, id: found.customerId });
  const before = await findVerification(tx, own);
  if (before === undefined) throw noSuchVerification();
  if (decision === 'approved' && before.state === 'proposed') {
    await demandOtherPerson(tx, before, doing.by);
    if (isOvertaken(family, before)) {
      throw new AppError('conflict', 'The customer was changed since; decline it and begin anew.');
    }
    await demandScreened(tx, deps, ownOf(family));
  }
  const event = { type: decision, by: doing.by } as const;
  const step = applyVerificationEvent(before, event, { nowMs: doing.nowMs, decides: false });
  if (!step.ok) throw notPossible();
  if (!step.changed) return before;
  await updateVerification(tx, step.verification);
  const detail = { verificationId: own.id, level: before.level };
  const noted = { action: `verification_${decision}`, detail, note: given.reason };
  await note(tx, deps, ownOf(family), { family, noted, doing });
  if (step.effect === 'verify') {
    await putInForce(tx, deps, family, { verification: step.verification, doing });
  }
  return step.verification;
}

/** Makes a verification what the customer is verified by. @throws {AppError} conflict */
export async function putInForce(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  { verification, doing }: { verification: Verification; doing: Doing },
): Promise<void> {
  const { level, validUntilMs, id } = verification;
  const event = { type: 'verified', level, validUntilMs } as const;
  const noted = { action: 'verified', detail: { level, verificationId: id } };
  await change(tx, deps, family, { event, noted, doing });
}

/** Whether what it was begun for is not what the customer says any more. */
export function isOvertaken(family: Family, verification: Verification): boolean {
  return Buffer.compare(verification.factsDigest, identityDigest(family)) !== 0;
}

function identityDigest(family: Family): Uint8Array {
  return family.vault.blind('identity', identityText(profileIn(family, ownOf(family))));
}

function newVerification(
  family: Family,
  given: { id: Uuid; doing: Doing; level: Verification['level'] },
): Omit<Verification, 'method' | 'state'> {
  const { merchantId, id: customerId } = ownOf(family);
  return {
    ...{ merchantId, id: given.id, customerId, level: given.level, reason: null },
    factsDigest: identityDigest(family),
    ...{ documentIds: [], reference: null, sealedLink: null, sealedNote: null },
    ...{ validUntilMs: null, attempts: 0, nextTryAtMs: null, proposedBy: given.doing.by },
    ...{ createdAtMs: given.doing.nowMs, decidedBy: null, endedAtMs: null },
  };
}

async function demandPossible(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  nowMs: number,
): Promise<void> {
  const customer = ownOf(family);
  const event = { type: 'verified', level: 'basic', validUntilMs: null } as const;
  const possible = applyCustomerEvent(customer, event, { rules: family.settings, nowMs });
  if (!possible.ok) throw refused(possible.because);
  await demandScreened(tx, deps, customer);
  await demandNoneOpen(tx, customer);
}

async function demandNoneOpen(tx: Tx, own: OwnCustomer): Promise<void> {
  const open = await findOpenVerification(tx, { merchantId: own.merchantId, id: own.id });
  if (open === undefined) return;
  throw new AppError('conflict', 'Another verification of this customer is open; decide it first.');
}

async function demandOtherPerson(tx: Tx, verification: Verification, by: string): Promise<void> {
  if (verification.level !== 'enhanced') return;
  const { proposedBy } = verification;
  if (!(await samePersonAs(tx, by, [proposedBy])).has(proposedBy)) return;
  throw new AppError('forbidden', 'Another person than the one who proposed it has to approve it.');
}

/** @throws {AppError} invalid_request */
async function validUntil(
  tx: Tx,
  own: OwnCustomer,
  documentIds: readonly Uuid[],
): Promise<number | null> {
  const documents = await readDocumentsById(tx, { ...own, ids: documentIds });
  if (documents.length !== new Set(documentIds).size) {
    throw new AppError('invalid_request', '/documentIds: the customer has no such document.', {
      fields: [{ pointer: '/documentIds', detail: 'not the id of a document of this customer' }],
    });
  }
  const ends = documents.flatMap(({ expiresAtMs }) => expiresAtMs ?? []);
  return ends.length === 0 ? null : Math.min(...ends);
}

export function noSuchVerification(): AppError {
  return new AppError('not_found', 'There is no such verification.');
}

function notPossible(): AppError {
  return new AppError('conflict', 'The verification has ended, or does not wait for a person.');
}
