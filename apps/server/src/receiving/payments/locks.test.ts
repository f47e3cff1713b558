import { setTimeout as sleep } from 'node:timers/promises';
import type { Uuid } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { applyPaymentEvents, applyTip, lockOrdersDue, type PaymentEvent } from './index.ts';
import { NO_REFUNDS, type PayableOrder } from './payment.ts';
import { saveOrders } from './store.ts';

let receiving: Receiving;
let merchantId: Uuid;

beforeAll(async () => {
  receiving = await openReceiving();
  merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(7));
});
afterAll(() => receiving.close());

const DUE_SATS = 100_000n;
const telling = (tipHeight: number) => ({
  ids: receiving.ids,
  nowMs: receiving.clock.nowMs(),
  tipHeight,
});

function included(nth: number, height: number): PaymentEvent {
  const digits = nth.toString(16).padStart(2, '0');
  return {
    type: 'included',
    paymentId: `00000000-0000-8000-8000-0000000000${digits}`,
    txid: digits.repeat(32),
    vout: 0,
    amountSats: DUE_SATS,
    firstSeenAtMs: receiving.clock.nowMs(),
    replaces: [],
    height,
    blockHash: '0b'.repeat(32),
    coinbase: false,
  };
}

async function apply(orderId: Uuid, event: PaymentEvent, tipHeight: number): Promise<void> {
  await receiving.database.asSystem((tx) =>
    applyPaymentEvents(tx, telling(tipHeight), [{ orderId, events: [event] }]),
  );
}

test('a step of the chain and a decision about an order that it makes due do not deadlock', async () => {
  const [due, other] = [await receiving.order(merchantId), await receiving.order(merchantId)];
  // The order's payment is in a block and waits for its confirmations, which the next tip brings.
  await apply(due.id, included(1, 50), 49);

  const client = new pg.Client({ connectionString: receiving.ownerUrl });
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT 1 FROM orders WHERE id = $1 FOR UPDATE', [due.id]);
  let tries = 0;
  const step = receiving.database.asSystem(async (tx) => {
    tries += 1;
    await lockOrdersDue(tx, 50);
    const events = [included(2, 50)];
    await applyPaymentEvents(tx, telling(50), [{ orderId: other.id, events }]);
    await applyTip(tx, telling(50));
  });
  await waitUntilBlocked();
  // The decision goes on to the ledger. If the step held the book, each would wait for the other.
  await client.query('SELECT 1 FROM ledger_book WHERE id = $1 FOR UPDATE', [merchantId]);
  await client.query('COMMIT');
  await client.end();
  await step;
  expect(tries, 'the step was not the victim of a deadlock').toBe(1);
  const rows = await receiving.sql<{ status: string }>('SELECT status FROM orders');
  expect(rows.map(({ status }) => status)).toEqual(['CONFIRMED', 'CONFIRMED']);
});

test('an order that is not as it was read is not saved in silence', async () => {
  const order = await receiving.order(merchantId);
  const stale: PayableOrder = {
    ...{ merchantId, id: order.id, status: 'PENDING', dueSats: DUE_SATS },
    ...{ toleranceBelowSats: 0n, toleranceAboveSats: 0n, requiredConfirmations: 1 },
    ...{ screening: 'off', reviewSats: 0n },
    ...{ latePolicy: 'hold', expiresAtMs: 0, monitorUntilMs: 0, expiredAtMs: null },
    ...{ cancelledAtMs: null, lateAcceptedAtMs: null, receivedSats: 0n, confirmedSats: 0n },
    ...{ lateSats: 0n, settledSats: 0n, settlementEpoch: 0, refunds: NO_REFUNDS, version: 7 },
  };
  const saving = receiving.database.asSystem((tx) => saveOrders(tx, [stale], 0));
  await expect(saving).rejects.toThrow('not as it was read');
});

async function waitUntilBlocked(): Promise<void> {
  for (;;) {
    const [row] = await receiving.sql<{ waiting: boolean }>(
      `SELECT EXISTS (SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock') AS waiting`,
    );
    if (row?.waiting === true) return;
    await sleep(10);
  }
}
