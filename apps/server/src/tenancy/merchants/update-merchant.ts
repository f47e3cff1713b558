import type { AuditEntry, JsonValue } from '@quittance/contract';
import type { Clock, Ids, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { canonicalJson } from '../../platform/http/index.ts';
import { recordAudit } from '../audit/index.ts';
import type { Merchant, UpdateMerchant } from './merchant.ts';
import { changeSettings } from './settings.ts';
import { findMerchant, writeMerchant } from './store.ts';

/**
 * Changes a merchant's name and settings and notes each changed field, old and new, in the audit
 * log. A change that changes nothing leaves no trace. Orders that exist keep what they were made
 * with.
 * @returns undefined when there is no such merchant
 */
export async function updateMerchant(
  tx: Tx,
  deps: { clock: Clock; ids: Ids },
  request: { id: Uuid; change: UpdateMerchant; actor: string },
): Promise<Merchant | undefined> {
  const { id, change, actor } = request;
  const before = await findMerchant(tx, id, true);
  if (before === undefined) return undefined;
  const name = change.name ?? before.name;
  const settings = changeSettings(before.settings, change.settings ?? {});
  const detail = differences({ name: before.name, ...before.settings }, { name, ...settings });
  if (Object.keys(detail).length === 0) return before;
  const atMs = deps.clock.nowMs();
  const after = await writeMerchant(tx, { id, name, settings, atMs });
  await recordAudit(tx, {
    merchantId: id,
    id: deps.ids.next(),
    atMs,
    actor,
    action: 'settings.updated',
    subject: id,
    detail,
  });
  return after;
}

/** Each field that differs: { field: { from, to } }. */
function differences(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): AuditEntry['detail'] {
  const changed: AuditEntry['detail'] = {};
  for (const [name, value] of Object.entries(after)) {
    const from = canonicalJson(before[name] ?? null);
    const to = canonicalJson(value);
    if (from !== to) changed[name] = { from: parseJson(from), to: parseJson(to) };
  }
  return changed;
}

function parseJson(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
}
