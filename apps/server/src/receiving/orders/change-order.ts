import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { applyPaymentEvents, type Telling } from '../payments/index.ts';
import { type OwnOrder, readOrderRow, readTipHeight } from './store.ts';

type Now = Pick<Telling, 'ids' | 'nowMs'>;

/**
 * Takes an order back that nobody has paid anything for. Money that comes later is held.
 * Cancelling a cancelled order again changes nothing.
 * @throws {AppError} not_found, conflict when something has been paid or the order has expired
 */
export async function cancelOrder(tx: Tx, order: OwnOrder, now: Now): Promise<void> {
  const row = await readOrderRow(tx, order);
  if (row === undefined) throw notFound();
  if (row.cancelledAtMs !== null) return;
  const telling = { ...now, tipHeight: await readTipHeight(tx) };
  const events = [{ type: 'cancelled', atMs: now.nowMs } as const];
  const changed = await applyPaymentEvents(tx, telling, [{ orderId: row.id, events }]);
  if (changed.length > 0) return;
  throw new AppError(
    'conflict',
    `The order is ${row.status}; only an order that is PENDING can be cancelled.`,
  );
}

/**
 * Counts the late payments of an order, which were held. Accepting again changes nothing.
 * @throws {AppError} not_found, conflict when there is no late payment
 */
export async function acceptLatePayment(tx: Tx, order: OwnOrder, now: Now): Promise<void> {
  const row = await readOrderRow(tx, order);
  if (row === undefined) throw notFound();
  if (row.lateAcceptedAtMs !== null) return;
  const telling = { ...now, tipHeight: await readTipHeight(tx) };
  const events = [{ type: 'late_accepted', atMs: now.nowMs } as const];
  const changed = await applyPaymentEvents(tx, telling, [{ orderId: row.id, events }]);
  if (changed.length > 0) return;
  throw new AppError('conflict', 'The order has no late payment that could be accepted.');
}

function notFound(): AppError {
  return new AppError('not_found', 'There is no such order.');
}
