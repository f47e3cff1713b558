import {
  type RiskBacktestJson,
  type RiskConfig,
  type RiskConfigState,
  riskConfigSchema,
} from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import { canonicalJson } from '../../platform/http/index.ts';
import { SHIPPED_RISK_CONFIG } from './config.ts';

export type ConfigVersion = {
  merchantId: Uuid;
  version: number;
  state: RiskConfigState;
  config: RiskConfig;
  note: string;
  createdAtMs: number;
  createdBy: string;
  shadowedAtMs: number | null;
  shadowedBy: string | null;
  activatedAtMs: number | null;
  activatedBy: string | null;
  retiredAtMs: number | null;
};

type Row = {
  merchant_id: Uuid;
  version: number;
  state: RiskConfigState;
  config: unknown;
  note: string;
  created_at: Date;
  created_by: string;
  shadowed_at: Date | null;
  shadowed_by: string | null;
  activated_at: Date | null;
  activated_by: string | null;
  retired_at: Date | null;
};

const COLUMNS = `merchant_id, version, state, config, note, created_at, created_by, shadowed_at,
  shadowed_by, activated_at, activated_by, retired_at`;
const SHIPPED_BY = 'system';

/** The version that decides and the one that is tried beside it. The shipped one is written first. */
export async function readRunningConfigs(
  tx: Tx,
  { merchantId, nowMs }: { merchantId: Uuid; nowMs: number },
): Promise<{ active: ConfigVersion; shadow: ConfigVersion | null }> {
  const read = () =>
    tx.query<Row>(
      `SELECT ${COLUMNS} FROM risk_config
        WHERE merchant_id = $1 AND state IN ('active', 'shadow') ORDER BY state`,
      [merchantId],
    );
  let rows = await read();
  if (!rows.some(({ state }) => state === 'active')) {
    await writeShippedConfig(tx, { merchantId, nowMs });
    rows = await read();
  }
  const versions = rows.map(versionOf);
  const active = versions.find(({ state }) => state === 'active');
  assert(active !== undefined, 'a store has an active configuration once one was written');
  return { active, shadow: versions.find(({ state }) => state === 'shadow') ?? null };
}

/** Version 1 of a store that has none yet. */
export async function writeShippedConfig(
  tx: Tx,
  { merchantId, nowMs }: { merchantId: Uuid; nowMs: number },
): Promise<void> {
  await tx.query(
    `INSERT INTO risk_config (merchant_id, version, state, config, note, created_at, created_by,
            activated_at, activated_by)
     VALUES ($1, 1, 'active', $2, 'As shipped', $3, $4, $3, $4)
     ON CONFLICT (merchant_id, version) DO NOTHING`,
    [merchantId, canonicalJson(SHIPPED_RISK_CONFIG), new Date(nowMs), SHIPPED_BY],
  );
}

/** All versions of a store, the newest first. Locks them where they are to be changed. */
export async function readConfigs(tx: Tx, merchantId: Uuid): Promise<ConfigVersion[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM risk_config WHERE merchant_id = $1 ORDER BY version DESC LIMIT 1000`,
    [merchantId],
  );
  return rows.map(versionOf);
}

/** Holds off others who change a store's configurations until the transaction ends. */
export async function lockConfigs(tx: Tx, merchantId: Uuid): Promise<void> {
  await tx.query(
    `SELECT version FROM risk_config WHERE merchant_id = $1 AND version = 1 FOR UPDATE`,
    [merchantId],
  );
}

export async function readConfig(
  tx: Tx,
  own: { merchantId: Uuid; version: number },
): Promise<ConfigVersion | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM risk_config WHERE merchant_id = $1 AND version = $2`,
    [own.merchantId, own.version],
  );
  return row === undefined ? undefined : versionOf(row);
}

export async function insertConfig(tx: Tx, made: ConfigVersion): Promise<void> {
  await tx.query(
    `INSERT INTO risk_config (merchant_id, version, state, config, note, created_at, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      ...[made.merchantId, made.version, made.state, canonicalJson(made.config), made.note],
      ...[new Date(made.createdAtMs), made.createdBy],
    ],
  );
}

export async function saveConfigState(tx: Tx, changed: ConfigVersion): Promise<void> {
  await tx.query(
    `UPDATE risk_config SET state = $3, shadowed_at = $4, shadowed_by = $5, activated_at = $6,
            activated_by = $7, retired_at = $8 WHERE merchant_id = $1 AND version = $2`,
    [
      ...[changed.merchantId, changed.version, changed.state],
      ...[dateOf(changed.shadowedAtMs), changed.shadowedBy, dateOf(changed.activatedAtMs)],
      ...[changed.activatedBy, dateOf(changed.retiredAtMs)],
    ],
  );
}

export async function insertBacktest(
  tx: Tx,
  merchantId: Uuid,
  backtest: RiskBacktestJson,
): Promise<void> {
  await tx.query(
    `INSERT INTO risk_backtest (merchant_id, id, config_version, result, created_at, created_by)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      ...[merchantId, backtest.id, backtest.configVersion, JSON.stringify(backtest)],
      ...[new Date(backtest.createdAt), backtest.createdBy],
    ],
  );
}

/** The last backtest of each of these versions. */
export async function readLastBacktests(
  tx: Tx,
  own: { merchantId: Uuid; versions: readonly number[] },
): Promise<Map<number, RiskBacktestJson>> {
  const rows = await tx.query<{ config_version: number; result: RiskBacktestJson }>(
    `SELECT DISTINCT ON (config_version) config_version, result FROM risk_backtest
      WHERE merchant_id = $1 AND config_version = ANY($2::int[])
      ORDER BY config_version, id DESC`,
    [own.merchantId, own.versions],
  );
  return new Map(rows.map((row) => [row.config_version, row.result]));
}

export async function readBacktest(
  tx: Tx,
  own: { merchantId: Uuid; id: Uuid },
): Promise<RiskBacktestJson | undefined> {
  const row = await tx.maybe<{ result: RiskBacktestJson }>(
    'SELECT result FROM risk_backtest WHERE merchant_id = $1 AND id = $2',
    [own.merchantId, own.id],
  );
  return row?.result;
}

function versionOf(row: Row): ConfigVersion {
  return {
    ...{ merchantId: row.merchant_id, version: row.version, state: row.state, note: row.note },
    config: riskConfigSchema.parse(row.config),
    ...{ createdAtMs: row.created_at.getTime(), createdBy: row.created_by },
    ...{ shadowedAtMs: row.shadowed_at?.getTime() ?? null, shadowedBy: row.shadowed_by },
    ...{ activatedAtMs: row.activated_at?.getTime() ?? null, activatedBy: row.activated_by },
    retiredAtMs: row.retired_at?.getTime() ?? null,
  };
}
