import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { CaseDecision, CaseListener } from '../cases/index.ts';
import { change, type Family, lockFamily, note, ownOf } from './family.ts';
import type { Hit, HitState } from './hit.ts';
import { decideHits, findHit, readHits } from './hit-store.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import type { OwnCustomer } from './store.ts';

export type HitDecision = Exclude<HitState, 'open'>;

/**
 * An officer says whether the customer is the one on the list. A confirmed hit on a list of sanctions
 * blocks the customer at once; one on a list of politically exposed persons raises the risk. The same
 * decision again changes nothing.
 * @throws {AppError} not_found, conflict where it was decided otherwise
 */
export async function decideHit(
  tx: Tx,
  deps: CustomerDeps,
  given: {
    hit: { merchantId: Uuid; id: Uuid };
    decision: HitDecision;
    reason: string;
    doing: Doing;
  },
): Promise<Hit> {
  const { decision, reason, doing } = given;
  const { merchantId } = given.hit;
  const found = await findHit(tx, given.hit);
  if (found === undefined) throw noSuchHit();
  const family = await lockFamily(tx, deps, { merchantId, id: found.customerId });
  const hit = await findHit(tx, given.hit);
  if (hit === undefined) throw noSuchHit();
  if (hit.state === decision) return hit;
  if (hit.state === 'confirmed') {
    throw new AppError('conflict', 'The hit was confirmed; a block is taken off by unblocking.');
  }
  await settle(tx, deps, family, { hits: [hit], decision, reason, doing });
  const after = await findHit(tx, given.hit);
  if (after === undefined) throw noSuchHit();
  return after;
}

async function settle(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  given: { hits: readonly Hit[]; decision: HitDecision; reason: string; doing: Doing },
): Promise<void> {
  const { hits, decision, reason, doing } = given;
  const customer = ownOf(family);
  const key = family.vault.keyOf(customer);
  await decideHits(tx, {
    merchantId: customer.merchantId,
    hits: hits.map(({ id }) => ({ id, sealedReason: key.seal(reason, `note:${id}`) })),
    state: decision,
    by: doing.by,
    atMs: doing.nowMs,
  });
  for (const { id, list, entryId, category } of hits) {
    const detail = { hitId: id, list, entryId, category };
    const noted = { action: `hit_${decision}`, detail, note: reason };
    await note(tx, deps, customer, { family, noted, doing });
  }
  if (decision !== 'confirmed') return;
  if (hits.some(({ category }) => category === 'pep')) {
    const noted = { action: 'pep_confirmed' };
    await change(tx, deps, family, { event: { type: 'pep_confirmed' }, noted, doing });
  }
  if (hits.some(({ category }) => category === 'sanctions')) {
    const event = { type: 'blocked', by: doing.by, because: 'sanctions' } as const;
    await change(tx, deps, family, { event, noted: { action: 'blocked' }, doing });
  }
}

/**
 * What the decision of a case means for its customer: dismissed or released, its open hits are
 * somebody else's; frozen, they are his, and he is blocked. A report alone changes nothing, so that
 * the customer learns nothing of it.
 */
export function createCustomerCaseListener(deps: CustomerDeps): CaseListener {
  return {
    async lock(tx, decision) {
      const { merchantId, subject } = decision;
      if (concerns(decision)) await lockFamily(tx, deps, { merchantId, id: subject.id });
    },
    async caseDecided(tx, { nowMs }, decisionOfCase) {
      if (!concerns(decisionOfCase)) return;
      const { merchantId, caseId, subject, outcome } = decisionOfCase;
      const own: OwnCustomer = { merchantId, id: subject.id };
      const family = await lockFamily(tx, deps, own);
      if (ownOf(family).erasedAtMs !== null) return;
      const doing = { by: `case:${caseId}`, nowMs };
      const hits = (await readHits(tx, own)).filter(({ state }) => state === 'open');
      const reason = `Decided with the case ${caseId}: ${outcome}.`;
      const decision = outcome === 'freeze' ? 'confirmed' : 'dismissed';
      if (hits.length > 0) await settle(tx, deps, family, { hits, decision, reason, doing });
      if (outcome !== 'freeze') return;
      const event = { type: 'blocked', by: doing.by, because: 'case' } as const;
      await change(tx, deps, family, { event, noted: { action: 'blocked' }, doing });
    },
  };
}

/** A report and what becomes of money change nothing about the customer. */
function concerns({ subject, outcome }: CaseDecision): boolean {
  return subject.type === 'customer' && outcome !== 'report' && outcome !== 'refund';
}

export function noSuchHit(): AppError {
  return new AppError('not_found', 'There is no such hit.');
}
