import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Customer } from './customer.ts';
import { type Family, note, ownOf, profileIn } from './family.ts';
import { compareHits, factsText, type Finding, screenProfile } from './hit.ts';
import { countOpenHits, insertHit, markHitsGone, readHits } from './hit-store.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import { updateCustomer } from './store.ts';

/** Lists change by the day. */
export const SCREEN_EVERY_MS = 86_400_000;
/** Where a store screens nobody, or no list is in force yet: how soon it is looked at again. */
export const LOOK_AGAIN_MS = 3_600_000;

/**
 * Screens a customer against the lists that are in force in this process, if its store has that done.
 * Without any list nothing is found out: the customer stays as it was, and is screened later.
 */
export async function screenCustomer(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  doing: Doing,
): Promise<void> {
  const customer = ownOf(family);
  if (customer.erasedAtMs !== null || customer.endedAtMs !== null) return;
  const { screener } = deps;
  // Without lists in this process the worker does it: it is due already.
  if (screener === undefined) return;
  const wanted = await deps.isScreened(tx, customer.merchantId);
  const profile = profileIn(family, customer);
  const { findings, versions } = wanted
    ? screenProfile(screener, customer.kind, profile)
    : { findings: [], versions: [] };
  if (versions.length === 0) {
    await put(tx, family, { ...customer, screenDueAtMs: doing.nowMs + LOOK_AGAIN_MS });
    return;
  }
  const factsDigest = family.vault.blind('facts', factsText(customer.kind, profile));
  const known = await readHits(tx, customer);
  const { fresh, gone, back } = compareHits(known, findings, factsDigest);
  const { merchantId } = customer;
  await markHitsGone(tx, { merchantId, gone, back, atMs: doing.nowMs });
  await put(tx, family, {
    ...customer,
    screenDueAtMs: doing.nowMs + SCREEN_EVERY_MS,
    screenedAtMs: doing.nowMs,
    screenedWith: versions,
  });
  for (const finding of fresh) {
    await tellHit(tx, deps, family, { finding, factsDigest, nowMs: doing.nowMs });
  }
  if (fresh.length + gone.length + back.length === 0) return;
  const detail = { fresh: fresh.length, gone: gone.length, back: back.length };
  const noted = { action: 'screened', detail };
  await note(tx, deps, customer, { family, noted, doing: { ...doing, by: 'system' } });
}

async function put(tx: Tx, family: Family, customer: Customer): Promise<void> {
  await updateCustomer(tx, customer);
  family.members.set(customer.id, customer);
}

const SEVERITY = { sanctions: 'high', pep: 'medium', other: 'medium' } as const;

/**
 * Records a hit and raises its alert. The alert's facts are kept for ever, so they name the entry of
 * the list and how the points come about, and nothing that the customer said of himself.
 */
async function tellHit(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  found: { finding: Finding; factsDigest: Uint8Array; nowMs: number },
): Promise<void> {
  const { finding, factsDigest, nowMs } = found;
  const customer = ownOf(family);
  const { merchantId, id: customerId } = customer;
  const id = deps.ids.next();
  const { list, entryId, category, entryDigest, listVersion, points } = finding;
  const parts = finding.parts.map(({ kind, points: each, likeness }) => ({
    ...{ kind, points: each },
    ...(likeness === undefined ? {} : { likeness }),
  }));
  const { alertId, caseId } = await deps.raiseAlert(
    tx,
    { ids: deps.ids, nowMs },
    {
      ...{ merchantId, source: 'screening', rule: `customer_${category}` },
      subject: { type: 'customer', id: customerId },
      severity: SEVERITY[category],
      summary: `A customer's name matches an entry of the list ${list}.`,
      facts: { customerId, hitId: id, list, listVersion, entryId, category, points, parts },
      dedupeKey: `customer-hit:${id}`,
    },
  );
  const { asked, listed } = finding;
  const explanation = { asked, listed, parts: finding.parts };
  const key = family.vault.keyOf(customer);
  await insertHit(tx, {
    ...{ merchantId, id, customerId, list, entryId, category, entryDigest, factsDigest },
    ...{ listVersion, points, state: 'open', alertId, caseId, foundAtMs: nowMs, goneAtMs: null },
    sealedParts: key.seal(JSON.stringify(explanation), `hit:${id}`),
    ...{ decidedAtMs: null, decidedBy: null, sealedReason: null },
  });
}

/**
 * Nobody is verified while a question about him is open.
 * @throws {AppError} conflict
 */
export async function demandScreened(
  tx: Tx,
  deps: CustomerDeps,
  customer: Customer,
): Promise<void> {
  if (!(await deps.isScreened(tx, customer.merchantId))) return;
  if (customer.screenedAtMs === null) {
    throw new AppError('conflict', 'The customer has not been screened yet.');
  }
  const { merchantId, id } = customer;
  const open = (await countOpenHits(tx, { merchantId, ids: [id] })).get(id)?.all ?? 0;
  if (open === 0) return;
  throw new AppError('conflict', 'Hits of screening are undecided; decide them first.');
}
