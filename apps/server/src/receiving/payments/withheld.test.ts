import { assert } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { applyPaymentEvents } from './index.ts';
import { isWithheld, type PaymentHold } from './payment.ts';
import { readPayments } from './store.ts';

let receiving: Receiving;
beforeAll(async () => {
  receiving = await openReceiving();
});
afterAll(() => receiving.close());

// A record, so that the compiler asks for a hold that is added.
const HOLDS = Object.keys({
  ...{ none: null, shadow: null, screening: null, held: null, frozen: null, returnable: null },
} satisfies Record<PaymentHold, null>);

test('the database and the code agree about which payments are withheld', async () => {
  const merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(9));
  const order = await receiving.order(merchantId);
  const firstSeenAtMs = receiving.clock.nowMs();
  const paymentId = '00000000-0000-8000-8000-000000000001';
  const seen = { type: 'seen', paymentId, txid: '0a'.repeat(32), vout: 0 } as const;
  const telling = { ids: receiving.ids, nowMs: firstSeenAtMs, tipHeight: 10 };
  await receiving.database.asSystem((tx) =>
    applyPaymentEvents(tx, telling, [
      { orderId: order.id, events: [{ ...seen, amountSats: 100n, firstSeenAtMs, replaces: [] }] },
    ]),
  );
  const answers = new Set<boolean>();
  for (const hold of HOLDS) {
    const [row] = await receiving.sql<{ withheld: boolean }>(
      'UPDATE payment SET hold = $2 WHERE id = $1 RETURNING withheld',
      [paymentId, hold],
    );
    const read = await receiving.database.asSystem((tx) => readPayments(tx, [order.id]));
    const payment = read.get(order.id)?.[0];
    assert(row !== undefined && payment !== undefined, 'the payment is there');
    expect(row.withheld, hold).toBe(isWithheld(payment));
    answers.add(row.withheld);
  }
  expect(answers.size).toBe(2);
});
