import type { Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { type AlertDeps, raiseAlert, resolveAlert } from '../../telling/notifications/index.ts';
import { type NodeFacts, reconcile, type Reconciliation } from './reconcile.ts';
import {
  insertReconciliation,
  readDue,
  readLatest,
  readSums,
  readSuspects,
  type StoredReconciliation,
  toJson,
  updateReconciliation,
} from './store.ts';

/** A store whose book has not moved is compared all the same, since its coins may have. */
const RECHECK_AFTER_MS = 10 * 60_000;
/** Stores that one run of the loop takes up; the next run goes on. */
const MAX_STORES_PER_RUN = 100;
/** What an alert is about: the account that must equal the coins. */
const SUBJECT = 'onchain.wallet';
/** Transactions that an alert names. */
const MAX_NAMED_BY_ALERT = 20;

export type ReconciliationDeps = AlertDeps;

/**
 * Compares one store's coins and book now and records what came of it, with the alert that a break
 * raises and its end resolves.
 * @param options.node what the node's own coins have shown; null when it was not asked
 * @param options.thorough compares every transaction, also when the sums agree
 */
export async function reconcileStore(
  tx: Tx,
  deps: ReconciliationDeps,
  merchantId: Uuid,
  options: { node: NodeFacts | null; thorough: boolean },
): Promise<StoredReconciliation> {
  const { node } = options;
  let facts = options.thorough
    ? await readSuspects(tx, merchantId)
    : await readSums(tx, merchantId);
  let result = reconcile({ ...facts, node });
  if (result.state === 'break' && facts.suspects === null) {
    facts = await readSuspects(tx, merchantId);
    result = reconcile({ ...facts, node });
  }
  return await record(tx, deps, { merchantId, result, sequence: facts.sequence, asked: options });
}

type Recorded = {
  merchantId: Uuid;
  result: Pick<Reconciliation, 'state' | 'node' | 'explained' | 'breaks' | 'reason'> &
    Partial<Reconciliation>;
  sequence: bigint;
  asked: { thorough: boolean };
};

async function record(
  tx: Tx,
  deps: ReconciliationDeps,
  { merchantId, result, sequence, asked }: Recorded,
): Promise<StoredReconciliation> {
  const nowMs = deps.clock.nowMs();
  const last = await readLatest(tx, merchantId);
  const differenceSats = result.differenceSats ?? null;
  const isSame =
    !asked.thorough &&
    last !== undefined &&
    last.state === result.state &&
    last.differenceSats === differenceSats &&
    last.reason === result.reason;
  const made: StoredReconciliation = {
    id: isSame ? last.id : deps.ids.next(),
    merchantId,
    state: result.state,
    node: result.node,
    ledgerSats: result.ledgerSats ?? null,
    coinSats: result.coinSats ?? null,
    explainedSats: result.explainedSats ?? null,
    differenceSats,
    explained: result.explained,
    breaks: result.breaks,
    reason: result.reason,
    sequence,
    createdAtMs: isSame ? last.createdAtMs : nowMs,
    checkedAtMs: nowMs,
  };
  if (isSame) await updateReconciliation(tx, made);
  else await insertReconciliation(tx, made);
  await tell(tx, deps, made);
  return made;
}

/** What can not be read ends no alert: nothing is known. */
async function tell(tx: Tx, deps: ReconciliationDeps, made: StoredReconciliation): Promise<void> {
  const { merchantId, state } = made;
  const kind = 'reconciliation_break' as const;
  if (state === 'ok') await resolveAlert(tx, deps, { merchantId, kind, subject: SUBJECT });
  if (state !== 'break') return;
  await raiseAlert(tx, deps, {
    merchantId,
    kind,
    subject: SUBJECT,
    severity: 'critical',
    facts: {
      ledgerSats: String(made.ledgerSats),
      chainSats: String(made.coinSats),
      differenceSats: String(made.differenceSats),
    },
    data: {
      reconciliationId: made.id,
      breaks: toJson(made.breaks.slice(0, MAX_NAMED_BY_ALERT)).map((each) =>
        Object.fromEntries(Object.entries(each).map(([name, value]) => [name, String(value)])),
      ),
    },
  });
}

/**
 * Compares the stores whose book has moved on since the last time, and every other one now and then.
 * A store that can not be read is recorded as such, and the others have their turn.
 */
export async function reconcileDue(
  database: Database,
  deps: ReconciliationDeps & { onResult?(state: Reconciliation['state']): void },
  signal: AbortSignal,
): Promise<void> {
  const checkedBeforeMs = deps.clock.nowMs() - RECHECK_AFTER_MS;
  const due = await database.asSystem((tx) =>
    readDue(tx, { checkedBeforeMs, limit: MAX_STORES_PER_RUN }),
  );
  for (const merchantId of due) {
    if (signal.aborted) return;
    const { state } = await reconcileOrSayWhy(database, deps, merchantId);
    deps.onResult?.(state);
  }
}

async function reconcileOrSayWhy(
  database: Database,
  deps: ReconciliationDeps,
  merchantId: Uuid,
): Promise<StoredReconciliation> {
  try {
    return await database.asSystem((tx) =>
      reconcileStore(tx, deps, merchantId, { node: null, thorough: false }),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const result = { state: 'unreadable', node: 'not_asked', explained: [], breaks: [] } as const;
    return await database.asSystem((tx) =>
      record(tx, deps, {
        merchantId,
        result: { ...result, reason },
        // No book has this sequence: it is tried again in the next run.
        sequence: -1n,
        asked: { thorough: false },
      }),
    );
  }
}
