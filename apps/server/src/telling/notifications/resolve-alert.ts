import type { AlertKind } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { INSTANCE_ID } from '../../platform/http/index.ts';
import { type Alert, changeAlert } from './alert.ts';
import { findLatestAlert, lockAlertKey, writeAlert } from './alert-store.ts';
import { type AlertDeps, tellAlert } from './tell-alert.ts';

/**
 * Says that what an alert was about is over, in the caller's transaction. Where none is open,
 * nothing happens, so it can be said whenever all is well.
 * @returns the alert that has ended, or undefined
 */
export async function resolveAlert(
  tx: Tx,
  deps: AlertDeps,
  over: { merchantId: Uuid | null; kind: AlertKind; subject: string },
): Promise<Alert | undefined> {
  const key = { bookId: over.merchantId ?? INSTANCE_ID, kind: over.kind, subject: over.subject };
  await lockAlertKey(tx, key);
  const before = await findLatestAlert(tx, key);
  if (before === undefined) return undefined;
  const change = changeAlert(before, { type: 'over', nowMs: deps.clock.nowMs() });
  if (change.outcome !== 'changed') return undefined;
  const alert: Alert = { ...before, ...change.state };
  await writeAlert(tx, alert, false);
  await tellAlert(tx, deps, { alert, cause: 'resolved', email: change.email });
  return alert;
}
