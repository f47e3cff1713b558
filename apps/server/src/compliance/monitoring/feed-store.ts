import type { Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';

export type RebuildReason = 'configuration' | 'correction';

/** How far a store's record is read. */
export type Feed = {
  readonly merchantId: Uuid;
  readonly running: boolean;
  readonly startedAtMs: number;
  readonly eventId: Uuid | null;
  readonly lastSeq: number;
  readonly lastAtMs: number | null;
  readonly processedSeq: number;
  readonly mutedThrough: number;
  readonly rebuildReason: RebuildReason | null;
  readonly configId: Uuid | null;
  readonly unvalued: number;
};

type Row = {
  merchant_id: Uuid;
  running: boolean;
  started_at: Date;
  event_id: Uuid | null;
  last_seq: bigint;
  last_at: Date | null;
  processed_seq: bigint;
  muted_through: bigint;
  rebuild_reason: RebuildReason | null;
  config_id: Uuid | null;
  unvalued: bigint;
};

const COLUMNS = `merchant_id, running, started_at, event_id, last_seq, last_at, processed_seq,
  muted_through, rebuild_reason, config_id, unvalued`;

function feedOf(row: Row): Feed {
  return {
    merchantId: row.merchant_id,
    running: row.running,
    startedAtMs: row.started_at.getTime(),
    eventId: row.event_id,
    lastSeq: Number(row.last_seq),
    lastAtMs: row.last_at?.getTime() ?? null,
    processedSeq: Number(row.processed_seq),
    mutedThrough: Number(row.muted_through),
    rebuildReason: row.rebuild_reason,
    configId: row.config_id,
    unvalued: Number(row.unvalued),
  };
}

/**
 * Makes feeds follow the stores' settings (compliance_settings, which compliance/settings owns): one
 * for each store that wants monitoring, at rest where it does not any more.
 */
export async function followSettings(tx: Tx, nowMs: number): Promise<void> {
  await tx.query(
    `INSERT INTO monitoring_feed (merchant_id, running, started_at)
     SELECT merchant_id, true, $1 FROM compliance_settings s
      WHERE monitoring AND NOT EXISTS (SELECT FROM monitoring_feed f
              WHERE f.merchant_id = s.merchant_id AND f.running)
     ON CONFLICT (merchant_id) DO UPDATE SET running = true, started_at = excluded.started_at`,
    [new Date(nowMs)],
  );
  await tx.query(
    `UPDATE monitoring_feed f SET running = false FROM compliance_settings s
      WHERE s.merchant_id = f.merchant_id AND f.running AND NOT s.monitoring`,
  );
}

export async function readRunningStores(tx: Tx): Promise<Uuid[]> {
  const rows = await tx.query<{ merchant_id: Uuid }>(
    'SELECT merchant_id FROM monitoring_feed WHERE running ORDER BY merchant_id',
  );
  return rows.map((row) => row.merchant_id);
}

/** Undefined when monitoring is off, or another process works on the store. */
export async function lockFeed(tx: Tx, merchantId: Uuid): Promise<Feed | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM monitoring_feed WHERE merchant_id = $1 AND running
        FOR UPDATE SKIP LOCKED`,
    [merchantId],
  );
  return row === undefined ? undefined : feedOf(row);
}

export async function findFeed(tx: Tx, merchantId: Uuid): Promise<Feed | undefined> {
  const row = await tx.maybe<Row>(`SELECT ${COLUMNS} FROM monitoring_feed WHERE merchant_id = $1`, [
    merchantId,
  ]);
  return row === undefined ? undefined : feedOf(row);
}

/** The caller holds its lock. */
export async function saveFeed(tx: Tx, feed: Feed): Promise<void> {
  await tx.query(
    `UPDATE monitoring_feed SET event_id = $2, last_seq = $3, last_at = $4, processed_seq = $5,
            muted_through = $6, rebuild_reason = $7, config_id = $8, unvalued = $9
      WHERE merchant_id = $1`,
    [
      feed.merchantId,
      feed.eventId,
      feed.lastSeq,
      dateOf(feed.lastAtMs),
      feed.processedSeq,
      feed.mutedThrough,
      feed.rebuildReason,
      feed.configId,
      feed.unvalued,
    ],
  );
}
