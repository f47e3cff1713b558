import type { Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { Hit, HitCategory, HitState } from './hit.ts';
import type { OwnCustomer } from './store.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  customer_id: Uuid;
  list: string;
  entry_id: string;
  category: HitCategory;
  entry_digest: Buffer;
  facts_digest: Buffer;
  list_version: string;
  points: number;
  sealed_parts: Buffer;
  state: HitState;
  alert_id: Uuid | null;
  case_id: Uuid | null;
  found_at: Date;
  gone_at: Date | null;
  decided_at: Date | null;
  decided_by: string | null;
  sealed_reason: Buffer | null;
};

const COLUMNS = `merchant_id, id, customer_id, list, entry_id, category, entry_digest, facts_digest,
  list_version, points, sealed_parts, state, alert_id, case_id, found_at, gone_at, decided_at,
  decided_by, sealed_reason`;

function hitOf(row: Row): Hit {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    customerId: row.customer_id,
    list: row.list,
    entryId: row.entry_id,
    category: row.category,
    entryDigest: row.entry_digest,
    factsDigest: row.facts_digest,
    listVersion: row.list_version,
    points: row.points,
    sealedParts: row.sealed_parts,
    state: row.state,
    alertId: row.alert_id,
    caseId: row.case_id,
    foundAtMs: row.found_at.getTime(),
    goneAtMs: row.gone_at?.getTime() ?? null,
    decidedAtMs: row.decided_at?.getTime() ?? null,
    decidedBy: row.decided_by,
    sealedReason: row.sealed_reason,
  };
}

export async function insertHit(tx: Tx, hit: Hit): Promise<void> {
  await tx.query(
    `INSERT INTO customer_hit (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            $13, $14, $15, $16, $17, $18, $19)`,
    [
      ...[hit.merchantId, hit.id, hit.customerId, hit.list, hit.entryId, hit.category],
      ...[hit.entryDigest, hit.factsDigest, hit.listVersion, hit.points, hit.sealedParts],
      ...[hit.state, hit.alertId, hit.caseId, new Date(hit.foundAtMs), dateOf(hit.goneAtMs)],
      ...[dateOf(hit.decidedAtMs), hit.decidedBy, hit.sealedReason],
    ],
  );
}

/** All hits of a customer; the caller holds the customer's lock. */
export async function readHits(tx: Tx, own: OwnCustomer): Promise<Hit[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer_hit WHERE merchant_id = $1 AND customer_id = $2 ORDER BY id`,
    [own.merchantId, own.id],
  );
  return rows.map(hitOf);
}

export async function readHitPage(
  tx: Tx,
  own: OwnCustomer,
  page: { startingAfter: Uuid | undefined; limit: number },
): Promise<Hit[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer_hit
      WHERE merchant_id = $1 AND customer_id = $2 AND ($3::uuid IS NULL OR id < $3)
      ORDER BY id DESC LIMIT $4`,
    [own.merchantId, own.id, page.startingAfter ?? null, page.limit],
  );
  return rows.map(hitOf);
}

export async function findHit(
  tx: Tx,
  which: { merchantId: Uuid; id: Uuid },
): Promise<Hit | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM customer_hit WHERE merchant_id = $1 AND id = $2`,
    [which.merchantId, which.id],
  );
  return row === undefined ? undefined : hitOf(row);
}

export async function markHitsGone(
  tx: Tx,
  which: { merchantId: Uuid; gone: readonly Uuid[]; back: readonly Uuid[]; atMs: number },
): Promise<void> {
  if (which.gone.length + which.back.length === 0) return;
  await tx.query(
    `UPDATE customer_hit SET gone_at = CASE WHEN id = ANY($2::uuid[]) THEN $4::timestamptz END
      WHERE merchant_id = $1 AND (id = ANY($2::uuid[]) OR id = ANY($3::uuid[]))`,
    [which.merchantId, which.gone, which.back, new Date(which.atMs)],
  );
}

export async function decideHits(
  tx: Tx,
  decided: {
    merchantId: Uuid;
    hits: readonly { id: Uuid; sealedReason: Uint8Array }[];
    state: Exclude<HitState, 'open'>;
    by: string;
    atMs: number;
  },
): Promise<void> {
  await tx.query(
    `UPDATE customer_hit h
        SET state = $2, decided_by = $3, decided_at = $4, sealed_reason = n.reason
       FROM unnest($5::uuid[], $6::bytea[]) AS n (id, reason)
      WHERE h.merchant_id = $1 AND h.id = n.id`,
    [
      decided.merchantId,
      decided.state,
      decided.by,
      new Date(decided.atMs),
      decided.hits.map(({ id }) => id),
      decided.hits.map(({ sealedReason }) => sealedReason),
    ],
  );
}

export type OpenHits = { all: number; sanctions: number };

/** Hits that nobody has decided and that the lists still have, by customer. */
export async function countOpenHits(
  tx: Tx,
  which: { merchantId: Uuid; ids: readonly Uuid[] },
): Promise<Map<Uuid, OpenHits>> {
  const rows = await tx.query<OpenHits & { customer_id: Uuid }>(
    `SELECT customer_id, count(*)::int AS "all",
            (count(*) FILTER (WHERE category = 'sanctions'))::int AS sanctions
       FROM customer_hit
      WHERE merchant_id = $1 AND customer_id = ANY($2::uuid[]) AND state = 'open'
        AND gone_at IS NULL
      GROUP BY customer_id`,
    [which.merchantId, which.ids],
  );
  return new Map(rows.map(({ customer_id: id, all, sanctions }) => [id, { all, sanctions }]));
}
