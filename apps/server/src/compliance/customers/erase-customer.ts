import type { Database, Tx } from '../../platform/db/index.ts';
import { erasedCustomer } from './customer.ts';
import { decideErasure, type Erasure, type ErasureFacts } from './erasure.ts';
import {
  deleteTraces,
  findOpenErasure,
  hasOpenOrder,
  markRedacted,
  ownsCustomer,
  readDueErasures,
  readUnredacted,
  wasVerified,
  writeErasure,
} from './erasure-store.ts';
import { change, type Family, lockFamily, note, ownOf, settleRisk } from './family.ts';
import { countOpenHits } from './hit-store.ts';
import { lastOrderAtMs } from './order-store.ts';
import { deleteOwnership, readFamilyShares } from './owner-store.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import { type OwnCustomer, updateCustomer } from './store.ts';
import { erased } from './vault.ts';

/**
 * The customer asks to be erased. It ends the relationship; then the rule decides: what no law asks
 * for goes at once, everything else when its time is over.
 * @throws {AppError} not_found, conflict where it is erased already
 */
export async function requestErasure(
  tx: Tx,
  deps: CustomerDeps,
  { own, doing }: { own: OwnCustomer; doing: Doing },
): Promise<Erasure> {
  const family = await lockFamily(tx, deps, own);
  if (ownOf(family).erasedAtMs !== null) throw erased();
  const noted = { action: 'erasure_requested' };
  await note(tx, deps, ownOf(family), { family, noted, doing });
  if (ownOf(family).endedAtMs === null) {
    const event = { type: 'ended', endedAtMs: doing.nowMs } as const;
    await change(tx, deps, family, { event, noted: { action: 'ended' }, doing });
  }
  return await resolveErasure(tx, deps, family, { cause: 'request', doing });
}

/**
 * Decides by the rule about a customer whose relationship has ended, and does what it says. Asked
 * again it decides again: an end that nobody asked for becomes a request when somebody does.
 */
export async function resolveErasure(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  { cause, doing }: { cause: Erasure['cause']; doing: Doing },
): Promise<Erasure> {
  const { nowMs } = doing;
  const { merchantId, id: customerId } = ownOf(family);
  const known = await findOpenErasure(tx, family.own);
  const isNewRequest = cause === 'request' && known?.cause !== 'request';
  const made = { requestedBy: doing.by, requestedAtMs: nowMs };
  const base =
    known === undefined
      ? { merchantId, id: deps.ids.next(), customerId, cause, ...made }
      : { ...known, ...(isNewRequest ? { cause, ...made } : {}) };
  const facts = await factsOf(tx, deps, family, base.cause, nowMs);
  const decision = decideErasure(facts, nowMs);
  const erasure: Erasure = {
    ...base,
    rule: decision.rule,
    decidedAtMs: nowMs,
    dueAtMs: decision.erase ? null : decision.dueAtMs,
    doneAtMs: decision.erase ? nowMs : null,
  };
  await writeErasure(tx, erasure);
  if (decision.erase) await erase(tx, deps, family, { rule: decision.rule, doing });
  return erasure;
}

async function factsOf(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  cause: Erasure['cause'],
  nowMs: number,
): Promise<ErasureFacts> {
  const customer = ownOf(family);
  const { merchantId, id } = customer;
  const which = { merchantId, customerId: id };
  const duty = await deps.caseDuty(tx, which);
  return {
    cause,
    endedAtMs: customer.endedAtMs ?? nowMs,
    lastOrderAtMs: await lastOrderAtMs(tx, which),
    lastCaseClosedAtMs: duty.lastClosedAtMs,
    wasVerified: await wasVerified(tx, family.own),
    hasOpenCase: duty.open,
    hasOpenOrder: await hasOpenOrder(tx, family.own, nowMs),
    openHits: (await countOpenHits(tx, { merchantId, ids: [id] })).get(id)?.all ?? 0,
    isBlocked: customer.block !== null,
    ownsCustomer: await ownsCustomer(tx, family.own),
    retentionMonths: family.settings.retentionMonths,
  };
}

/**
 * Destroys the customer's key and all that is sealed under it, and what the shop wrote about its
 * orders. The row itself, the log and orders stay: they say that there was somebody, not who. Texts of
 * cases and reports are taken out by the worker soon after (redactTexts).
 */
async function erase(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  { rule, doing }: { rule: string; doing: Doing },
): Promise<void> {
  const customer = ownOf(family);
  const noted = { action: 'erased', detail: { rule } };
  await note(tx, deps, customer, { family, noted, doing });
  await deleteTraces(tx, family.own);
  const { merchantId, id: customerId } = customer;
  await deps.forgetOrderTexts(tx, { merchantId, customerId });
  await deleteOwnership(tx, family.own);
  const after = erasedCustomer(customer, doing.nowMs);
  await updateCustomer(tx, after);
  family.members.set(after.id, after);
  const ids = [...family.members.keys()];
  family.shares = await readFamilyShares(tx, { merchantId: after.merchantId, ids });
  await settleRisk(tx, deps, family, doing.nowMs);
}

/**
 * Takes the texts out of cases and reports about customers that have been erased: the retention that
 * let them be erased is that of cases and reports too.
 */
async function redactTexts(
  database: Database,
  deps: CustomerDeps,
  { nowMs, signal }: { nowMs: number; signal: AbortSignal },
): Promise<boolean> {
  const due = await database.asSystem((tx) => readUnredacted(tx, BATCH));
  for (const { merchantId, id, customerId } of due) {
    if (signal.aborted) return false;
    await database.asSystem(async (tx) => {
      await deps.redactCases(tx, { merchantId, customerId, atMs: nowMs });
      await markRedacted(tx, { merchantId, id, atMs: nowMs });
    });
  }
  return due.length === BATCH;
}

/** Requests of one round; the next follows at once while there are more. */
const BATCH = 50;

/** Looks again at what is due. @returns whether there may be more */
export async function runErasures(
  database: Database,
  deps: CustomerDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const nowMs = deps.clock.nowMs();
  const due = await database.asSystem((tx) => readDueErasures(tx, { nowMs, limit: BATCH }));
  for (const { merchantId, customerId, cause } of due) {
    if (signal.aborted) return false;
    await database.asSystem(async (tx) => {
      const family = await lockFamily(tx, deps, { merchantId, id: customerId });
      if (ownOf(family).erasedAtMs !== null) return;
      await resolveErasure(tx, deps, family, { cause, doing: { by: 'system', nowMs } });
    });
  }
  const hasMore = await redactTexts(database, deps, { nowMs, signal });
  return hasMore || due.length === BATCH;
}
