import { orderEventDataSchema } from '@quittance/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { readOrder, readOrderView } from '../orders/index.ts';
import { applyPaymentEvents, type PaymentEvent } from './index.ts';

let receiving: Receiving;
beforeAll(async () => {
  receiving = await openReceiving();
});
afterAll(() => receiving.close());

const OUTPUTS = 1_000;
const EACH_SATS = 100n;

function seen(vout: number): Extract<PaymentEvent, { type: 'seen' }> {
  return {
    type: 'seen',
    paymentId: `00000000-0000-8000-8000-${vout.toString(16).padStart(12, '0')}`,
    txid: '0a'.repeat(32),
    vout,
    amountSats: EACH_SATS,
    firstSeenAtMs: receiving.clock.nowMs(),
    replaces: [],
  };
}

test('a transaction of a thousand outputs to one order makes one event and a page of payments', async () => {
  const merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(9));
  const order = await receiving.order(merchantId);
  const telling = { ids: receiving.ids, nowMs: receiving.clock.nowMs(), tipHeight: 10 };
  const events = Array.from({ length: OUTPUTS }, (_, vout) => seen(vout));
  await receiving.database.asSystem((tx) =>
    applyPaymentEvents(tx, telling, [{ orderId: order.id, events }]),
  );
  const told = await receiving.sql<{ type: string; data: unknown }>(
    'SELECT type, data FROM event WHERE order_id = $1 ORDER BY seq',
    [order.id],
  );
  expect(told.map(({ type }) => type)).toEqual([
    'order.created',
    'order.payment_seen',
    'order.status_changed',
  ]);
  const total = EACH_SATS * BigInt(OUTPUTS);
  expect(orderEventDataSchema.parse(told[1]?.data)).toMatchObject({
    receivedSats: total.toString(),
    payment: { vout: 0, amountSats: EACH_SATS.toString() },
    transaction: { outputs: OUTPUTS, amountSats: total.toString() },
  });
  const place = { publicUrl: '', storeName: 'Test store' };
  const face = { name: 'Test store', logoUrl: null, color: null, explorerTxUrl: null };
  const [asMerchant, asPayer] = await receiving.database.asSystem(async (tx) => [
    await readOrder(tx, { merchantId, id: order.id }, place),
    await readOrderView(tx, order.id, { face, network: 'regtest', nowMs: telling.nowMs }),
  ]);
  expect(asMerchant).toMatchObject({ receivedSats: total.toString(), status: 'UNCONFIRMED' });
  expect(asMerchant?.payments.map(({ vout }) => vout)).toEqual(
    Array.from({ length: 50 }, (_, i) => OUTPUTS - 50 + i),
  );
  expect(asPayer?.payments).toHaveLength(50);
});

test('what happens to one payment twice in a batch is told twice', async () => {
  const merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(10));
  const order = await receiving.order(merchantId);
  const telling = { ids: receiving.ids, nowMs: receiving.clock.nowMs(), tipHeight: 10 };
  const one = { ...seen(0), txid: '0b'.repeat(32), paymentId: receiving.ids.next() };
  const dropped: PaymentEvent = { type: 'dropped', txid: one.txid, vout: 0 };
  const events = [one, dropped, one];
  await receiving.database.asSystem((tx) =>
    applyPaymentEvents(tx, telling, [{ orderId: order.id, events }]),
  );
  const told = await receiving.sql<{ type: string }>(
    `SELECT type FROM event WHERE order_id = $1 AND type LIKE '%payment%' ORDER BY seq`,
    [order.id],
  );
  expect(told.map(({ type }) => type)).toEqual([
    'order.payment_seen',
    'order.payment_dropped',
    'order.payment_seen',
  ]);
});
