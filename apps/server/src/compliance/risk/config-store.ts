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

/** What decides, and what is tried beside it. */
export type RunningConfig = Pick<ConfigVersion, 'version' | 'config'>;
export type RunningConfigs = { active: RunningConfig; shadow: RunningConfig | null };

/** For a statement that reads them on its way: the store's rows of risk_config, as `active` and `shadow`. */
export const RUNNING_COLUMNS = `active.version AS active_version,
  active.config::text AS active_config, shadow.version AS shadow_version,
  shadow.config::text AS shadow_config`;
export type RunningRow = {
  active_version: number | null;
  active_config: string | null;
  shadow_version: number | null;
  shadow_config: string | null;
};

/** @returns null where the store has none yet */
export function runningConfigsOf(row: RunningRow): RunningConfigs | null {
  const active = runningOf(row.active_version, row.active_config);
  return active === null
    ? null
    : { active, shadow: runningOf(row.shadow_version, row.shadow_config) };
}

function runningOf(version: number | null, config: string | null): RunningConfig | null {
  return version === null || config === null ? null : { version, config: parseConfig(config) };
}

/** Different texts of configurations whose reading is kept: each is a few kB, most stores have the shipped one. */
const MAX_PARSED = 1_000;
const parsed = new Map<string, RiskConfig>();

/** Checking a configuration takes longer than all factors do; the same text is checked once. */
function parseConfig(text: string): RiskConfig {
  let config = parsed.get(text);
  if (config === undefined) {
    config = riskConfigSchema.parse(JSON.parse(text));
    if (parsed.size >= MAX_PARSED) parsed.clear();
    parsed.set(text, config);
  }
  return config;
}

/** The version that decides and the one that is tried beside it. The shipped one is written first. */
export async function readRunningConfigs(
  tx: Tx,
  { merchantId, nowMs }: { merchantId: Uuid; nowMs: number },
): Promise<RunningConfigs> {
  const read = async () =>
    runningConfigsOf(
      await tx.one<RunningRow>(
        `SELECT ${RUNNING_COLUMNS} FROM (SELECT $1::uuid AS merchant_id) m
           LEFT JOIN risk_config active
             ON active.merchant_id = m.merchant_id AND active.state = 'active'
           LEFT JOIN risk_config shadow
             ON shadow.merchant_id = m.merchant_id AND shadow.state = 'shadow'`,
        [merchantId],
      ),
    );
  const found = await read();
  if (found !== null) return found;
  await writeShippedConfig(tx, { merchantId, nowMs });
  const written = await read();
  assert(written !== null, 'a store has an active configuration once one was written');
  return written;
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
