import type {
  ComplianceSettingsInForce,
  ComplianceSettingsInput,
  RiskMode,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

export type StoredSettings = ComplianceSettingsInForce & { updatedAt: Date; updatedBy: string };

type Row = {
  risk: RiskMode;
  monitoring: boolean;
  customer_screening: boolean;
  payout_screening: boolean;
  sar_days_suspect_known: number;
  sar_days_suspect_unknown: number;
  reminder_days: number;
  updated_at: Date;
  updated_by: string;
};

const COLUMNS = `risk, monitoring, customer_screening, payout_screening, sar_days_suspect_known,
  sar_days_suspect_unknown, reminder_days, updated_at, updated_by`;

export async function findSettings(tx: Tx, merchantId: Uuid): Promise<StoredSettings | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM compliance_settings WHERE merchant_id = $1`,
    [merchantId],
  );
  return row === undefined ? undefined : settingsOf(row);
}

export async function writeSettings(
  tx: Tx,
  given: { merchantId: Uuid; settings: ComplianceSettingsInput; by: string; atMs: number },
): Promise<StoredSettings> {
  const { merchantId, settings, by, atMs } = given;
  const row = await tx.one<Row>(
    `INSERT INTO compliance_settings (merchant_id, ${COLUMNS})
     VALUES ($1, $2, $3, $4, coalesce($5, false), $6, $7, $8, $9, $10)
     ON CONFLICT (merchant_id) DO UPDATE SET risk = excluded.risk,
       monitoring = excluded.monitoring, customer_screening = excluded.customer_screening,
       payout_screening = coalesce($5, compliance_settings.payout_screening),
       sar_days_suspect_known = excluded.sar_days_suspect_known,
       sar_days_suspect_unknown = excluded.sar_days_suspect_unknown,
       reminder_days = excluded.reminder_days, updated_at = excluded.updated_at,
       updated_by = excluded.updated_by
     RETURNING ${COLUMNS}`,
    [
      merchantId,
      settings.risk,
      settings.monitoring,
      settings.customerScreening,
      settings.payoutScreening ?? null,
      settings.sarDaysSuspectKnown,
      settings.sarDaysSuspectUnknown,
      settings.reminderDays,
      new Date(atMs),
      by,
    ],
  );
  return settingsOf(row);
}

function settingsOf(row: Row): StoredSettings {
  return {
    risk: row.risk,
    monitoring: row.monitoring,
    customerScreening: row.customer_screening,
    payoutScreening: row.payout_screening,
    sarDaysSuspectKnown: row.sar_days_suspect_known,
    sarDaysSuspectUnknown: row.sar_days_suspect_unknown,
    reminderDays: row.reminder_days,
    updatedAt: row.updated_at,
    updatedBy: row.updated_by,
  };
}
