import { assert, type Ids, type Uuid } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';
import type { ChainFollower } from '../../receiving/chain/index.ts';
import type { Telling } from '../../receiving/payments/index.ts';
import { assess } from './cap.ts';
import type { RefundPayouts } from './payouts-port.ts';
import { advanceRefund, type Refund, type RefundChange, type RefundEvent } from './refund.ts';
import * as store from './store.ts';
import { lockRefunds, writeChanges } from './write-changes.ts';

/** Orders whose refunds one tip brings in step; the rest goes on with the next. */
const MAX_REASSESSED_ORDERS = 200;

/**
 * Keeps refunds in step with the payments that they return: a payment that leaves the chain takes
 * its refunds with it, as far as nobody is paying them yet; when it is back they go on.
 */
export function createRefundsFollower(deps: { ids: Ids; payouts: RefundPayouts }): ChainFollower {
  return {
    async lock(tx, _telling, { txids }) {
      if (txids.length === 0) return null;
      const [paid, refunded] = await together([
        store.findOrdersPaidBy(tx, txids),
        store.findOrdersRefundedBy(tx, txids),
      ]);
      const orders = inOrder([...paid, ...refunded]);
      return orders.length === 0 ? null : () => lockOrders(tx, orders);
    },
    async changed(tx, telling, txids) {
      if (txids.length === 0) return null;
      const orders = await store.findOrdersPaidBy(tx, txids);
      if (orders.length === 0) return null;
      return async () => {
        for (const of of orders) await reassess(tx, telling, of);
      };
    },
    async tip(tx, telling) {
      for (const of of await store.findOrdersToReassess(tx, MAX_REASSESSED_ORDERS)) {
        await reassess(tx, telling, of);
      }
    },
  };

  async function lockOrders(tx: Tx, orders: readonly store.OfOrder[]): Promise<void> {
    for (const of of orders) {
      const payoutIds = (await store.readRefundsOfOrder(tx, of)).flatMap(payoutOf);
      if (payoutIds.length > 0) {
        await deps.payouts.lock(tx, { merchantId: of.merchantId, payoutIds });
      }
      await lockRefunds(tx, of);
    }
  }

  async function reassess(tx: Tx, telling: Telling, of: store.OfOrder): Promise<void> {
    const payoutIds = (await store.readRefundsOfOrder(tx, of)).flatMap(payoutOf);
    const stoppable = await deps.payouts.lock(tx, { merchantId: of.merchantId, payoutIds });
    const locked = await lockRefunds(tx, of);
    if (locked === undefined) return;
    const refunds = await store.readRefundsOfOrder(tx, of);
    // What is being paid can not be held: it counts as gone, and less is left for the others.
    const underWay = refunds.filter(
      ({ payoutId }) => payoutId !== null && !stoppable.has(payoutId),
    );
    const ids = new Set(underWay.map(({ id }) => id));
    const { hold, resume } = assess(locked.money.confirmedSats, refunds, ids);
    const changes = [
      ...hold.map((refund) => changeOf(refund, { type: 'held' }, telling)),
      ...resume.map((refund) => {
        const payoutId = refund.address === null ? null : deps.ids.next();
        return changeOf(refund, { type: 'resumed', payoutId }, telling);
      }),
    ];
    const capIsRight = locked.cap.creditedSats === locked.money.confirmedSats;
    if (changes.length === 0 && capIsRight) return;
    await writeChanges(tx, telling, { ...locked, changes });
    for (const { payoutId } of hold) {
      if (payoutId !== null) await deps.payouts.cancel(tx, telling, { ...of, payoutId });
    }
    for (const { before, after } of changes) {
      if (before?.held !== true || after.payoutId === null) continue;
      // Approved by a person: money that was gone once had better be looked at.
      const payout = { id: after.payoutId, refund: after, by: after.createdBy };
      await deps.payouts.create(tx, telling, { ...payout, holdForApproval: true });
    }
  }
}

/** The payout of a refund that is not sent yet. */
function payoutOf({ state, payoutId }: Refund): Uuid[] {
  return state === 'PENDING' && payoutId !== null ? [payoutId] : [];
}

function changeOf(refund: Refund, event: RefundEvent, { nowMs }: Telling): RefundChange {
  const change = advanceRefund(refund, event, nowMs);
  assert(change !== null, 'assess() names refunds that can be held or resumed');
  return change;
}

/** Each order once, in one sequence for everybody. */
function inOrder(orders: readonly store.OfOrder[]): store.OfOrder[] {
  const byKey = new Map(orders.map((of) => [`${of.merchantId} ${of.orderId}`, of]));
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, of]) => of);
}
