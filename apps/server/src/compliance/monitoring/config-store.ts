import {
  defaultMonitoringSettings,
  type MonitoringConfigState,
  type MonitoringSettings,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';

/** One version of a store's settings, and who stands for it. */
export type ConfigVersion = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly version: number;
  readonly state: MonitoringConfigState;
  readonly settings: MonitoringSettings;
  readonly reason: string;
  readonly proposedBy: string;
  readonly proposedAtMs: number;
  readonly decidedBy: string | null;
  readonly decidedAtMs: number | null;
};

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  version: number;
  state: MonitoringConfigState;
  settings: MonitoringSettings;
  reason: string;
  proposed_by: string;
  proposed_at: Date;
  decided_by: string | null;
  decided_at: Date | null;
};

const COLUMNS = `merchant_id, id, version, state, settings, reason, proposed_by, proposed_at,
  decided_by, decided_at`;

function versionOf(row: Row): ConfigVersion {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    version: row.version,
    state: row.state,
    settings: row.settings,
    reason: row.reason,
    proposedBy: row.proposed_by,
    proposedAtMs: row.proposed_at.getTime(),
    decidedBy: row.decided_by,
    decidedAtMs: row.decided_at?.getTime() ?? null,
  };
}

/** What a store has that has never decided anything: version 0. */
export function shippedConfig(merchantId: Uuid): ConfigVersion {
  return {
    ...{ merchantId, id: NIL, version: 0, state: 'active', settings: defaultMonitoringSettings },
    ...{ reason: 'as shipped', proposedBy: 'system', proposedAtMs: 0 },
    ...{ decidedBy: null, decidedAtMs: null },
  };
}
const NIL: Uuid = '00000000-0000-0000-0000-000000000000';

export async function readActiveConfig(tx: Tx, merchantId: Uuid): Promise<ConfigVersion> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM monitoring_config WHERE merchant_id = $1 AND state = 'active'`,
    [merchantId],
  );
  return row === undefined ? shippedConfig(merchantId) : versionOf(row);
}

/** Proposals and decisions of one store go one after the other. */
export async function lockConfigs(tx: Tx, merchantId: Uuid): Promise<number> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('monitoring_config ' || $1, 0))`, [
    merchantId,
  ]);
  const { last } = await tx.one<{ last: number }>(
    'SELECT coalesce(max(version), 0) AS last FROM monitoring_config WHERE merchant_id = $1',
    [merchantId],
  );
  return last;
}

export async function insertConfig(tx: Tx, version: ConfigVersion): Promise<void> {
  await tx.query(
    `INSERT INTO monitoring_config (${COLUMNS})
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      version.merchantId,
      version.id,
      version.version,
      version.state,
      JSON.stringify(version.settings),
      version.reason,
      version.proposedBy,
      new Date(version.proposedAtMs),
      version.decidedBy,
      dateOf(version.decidedAtMs),
    ],
  );
}

export async function findConfig(
  tx: Tx,
  { merchantId, id }: { merchantId: Uuid; id: Uuid },
): Promise<ConfigVersion | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM monitoring_config WHERE merchant_id = $1 AND id = $2`,
    [merchantId, id],
  );
  return row === undefined ? undefined : versionOf(row);
}

export async function updateConfig(tx: Tx, version: ConfigVersion): Promise<void> {
  await tx.query(
    `UPDATE monitoring_config SET state = $3, decided_by = $4, decided_at = $5
      WHERE merchant_id = $1 AND id = $2`,
    [version.merchantId, version.id, version.state, version.decidedBy, dateOf(version.decidedAtMs)],
  );
}

export async function retireActiveConfig(tx: Tx, merchantId: Uuid): Promise<void> {
  await tx.query(
    `UPDATE monitoring_config SET state = 'superseded' WHERE merchant_id = $1 AND state = 'active'`,
    [merchantId],
  );
}

export async function listConfigs(
  tx: Tx,
  page: {
    merchantId: Uuid;
    startingAfter?: Uuid | undefined;
    limit: number;
    state?: MonitoringConfigState | undefined;
  },
): Promise<ConfigVersion[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM monitoring_config
      WHERE merchant_id = $1 AND ($3::uuid IS NULL OR id < $3) AND ($4::text IS NULL OR state = $4)
      ORDER BY id DESC LIMIT $2`,
    [page.merchantId, page.limit, page.startingAfter ?? null, page.state ?? null],
  );
  return rows.map(versionOf);
}
