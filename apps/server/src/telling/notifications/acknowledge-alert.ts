import type { Clock, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { type Alert, changeAlert } from './alert.ts';
import { findAlert, writeAlert } from './alert-store.ts';
import { alertIsResolved, noSuchAlert } from './errors.ts';

/**
 * Notes that somebody has seen an open alert: it is not reminded of any more. Acknowledged twice,
 * the first stays.
 * @param request.by how the audit log names who does it
 * @throws {AppError} not_found, conflict (it is resolved)
 */
export async function acknowledgeAlert(
  tx: Tx,
  deps: { clock: Clock },
  request: { bookId: Uuid; id: Uuid; by: string },
): Promise<{ alert: Alert; isNew: boolean }> {
  const { bookId, id, by } = request;
  const before = await findAlert(tx, { bookId, id, lock: true });
  if (before === undefined) throw noSuchAlert();
  const change = changeAlert(before, { type: 'acknowledged', by, nowMs: deps.clock.nowMs() });
  if (change.outcome === 'rejected') throw alertIsResolved();
  if (change.outcome === 'unchanged') return { alert: before, isNew: false };
  const alert: Alert = { ...before, ...change.state };
  await writeAlert(tx, alert, false);
  return { alert, isNew: true };
}
