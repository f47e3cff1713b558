import { randomBytes } from 'node:crypto';
import type { Ids, Uuid } from '@quittance/kernel';
import type { Database } from '../../apps/server/src/platform/db/index.ts';
import {
  applyPaymentEvents,
  type PaymentEvent,
} from '../../apps/server/src/receiving/payments/index.ts';

/** Has an order receive a confirmed payment, without a node. */
export async function payOrder(
  database: Database,
  order: { id: Uuid; amountSats: bigint; firstSeenAtMs?: number },
  ids: Ids,
): Promise<void> {
  const output = { txid: randomBytes(32).toString('hex'), vout: 0 };
  const events: PaymentEvent[] = [
    {
      ...{ type: 'included', ...output, paymentId: ids.next(), amountSats: order.amountSats },
      ...{ firstSeenAtMs: order.firstSeenAtMs ?? 0, replaces: [], height: 1, coinbase: false },
      blockHash: randomBytes(32).toString('hex'),
    },
    { type: 'confirmed', ...output },
  ];
  const telling = { ids, nowMs: order.firstSeenAtMs ?? Date.now(), tipHeight: 1 };
  await database.asSystem((tx) => applyPaymentEvents(tx, telling, [{ orderId: order.id, events }]));
}
