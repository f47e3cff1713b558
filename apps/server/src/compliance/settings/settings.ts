import {
  type ComplianceSettingsInForce,
  type ComplianceSettingsJson,
  defaultComplianceSettings,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { findSettings, type StoredSettings } from './store.ts';

/** What runs for a store. Times are whole days of 24 hours. */
export type ComplianceSettings = ComplianceSettingsInForce;

/** A store without settings gets the defaults: everything is off. One lookup by primary key. */
export async function readComplianceSettings(
  tx: Tx,
  merchantId: Uuid,
): Promise<ComplianceSettings> {
  return (await findSettings(tx, merchantId)) ?? defaultComplianceSettings;
}

export function toSettingsJson(stored: StoredSettings | undefined): ComplianceSettingsJson {
  if (stored === undefined) {
    return { ...defaultComplianceSettings, updatedAt: null, updatedBy: null };
  }
  return { ...stored, updatedAt: stored.updatedAt.toISOString() };
}
