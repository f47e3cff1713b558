import { postTransfers } from '../../accounting/ledger/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import {
  applyPaymentEvents,
  lockOrderMoney,
  type OrderMoney,
  type Telling,
} from '../../receiving/payments/index.ts';
import { recordEvents } from '../../telling/events/index.ts';
import { type Cap, capTransfers, keptSats, moveCap } from './cap.ts';
import type { RefundChange } from './refund.ts';
import * as store from './store.ts';
import { type Origin, refundEvents } from './tell.ts';

/**
 * Writes what transitions made of an order's refunds: the refunds, what the order makes of them
 * (status, draws from held and excess money), their part of the cap, the events; all in the
 * caller's transaction, which holds the order's cap (lockCap).
 * @param cap as it was locked; it is brought to what the order has received
 */
export async function writeChanges(
  tx: Tx,
  telling: Telling,
  work: {
    of: store.OfOrder;
    cap: Cap;
    changes: readonly RefundChange[];
    money: OrderMoney;
    origin?: Origin | null;
  },
): Promise<void> {
  const { of, changes, money, origin = null } = work;
  const { nowMs } = telling;
  for (const { before, after } of changes) {
    await store.saveRefund(tx, after, { isNew: before === null, nowMs });
  }
  const refunds = await store.readRefundsOfOrder(tx, of);
  const sums = await store.sumRefunds(tx, of);
  const events = [{ type: 'refunds', ...sums } as const];
  await applyPaymentEvents(tx, telling, [{ orderId: of.orderId, events }]);

  const to = { confirmedSats: money.confirmedSats, takenSats: keptSats(refunds, changes) };
  const { cap, transfer } = moveCap(work.cap, to, { ...of, atMs: nowMs });
  const own = changes.flatMap((change) => capTransfers(change, nowMs));
  // A cap that grows does so before anything is taken from it, one that shrinks does so last.
  const grows = cap.creditedSats > work.cap.creditedSats;
  const moved = transfer === null ? [] : [transfer];
  // What one refund gives up may be what another one takes.
  const given = own.filter(({ template }) => FREEING.has(template));
  const taken = own.filter(({ template }) => !FREEING.has(template));
  await postTransfers(tx, [...(grows ? moved : []), ...given, ...taken, ...(grows ? [] : moved)]);
  if (transfer !== null) await store.saveCap(tx, of, cap);
  await recordEvents(tx, refundEvents(changes, { order: money.order, telling, origin }));
}

const FREEING: ReadonlySet<string> = new Set(['refund-released', 'refund-reversed']);

/** Locks what an order's refunds depend on, in the order of ADR 0012: cap, then order. */
export async function lockRefunds(
  tx: Tx,
  of: store.OfOrder,
): Promise<{ of: store.OfOrder; cap: Cap; money: OrderMoney } | undefined> {
  const cap = await store.lockCap(tx, of);
  const money = await lockOrderMoney(tx, of.orderId);
  return money === undefined ? undefined : { of, cap, money };
}
