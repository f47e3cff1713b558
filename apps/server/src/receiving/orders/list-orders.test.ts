import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { explain } from '../../../../../tests/support/plans.ts';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { type OrderFilter, orderListStatement, readOrderRows } from './store.ts';

/** Enough that the planner has a choice. */
const ORDERS = 5_000;
/** Short transactions: a long one would hide the events of other tests for its time. */
const AT_ONCE = 250;
const PAGE = 10;

let receiving: Receiving;
let merchantId: Uuid;
let rare: Uuid;

beforeAll(async () => {
  receiving = await openReceiving();
  merchantId = await receiving.addMerchant();
  await receiving.addWallet(merchantId, regtestDescriptor(8));
  const model = await receiving.order(merchantId, { externalId: 'rare' });
  rare = model.id;
  // The oldest order is the rare one: whoever reads from the newest on passes all others.
  for (let from = 1; from <= ORDERS; from += AT_ONCE) {
    await receiving.sql(
      `INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object(
        'id', 'f' || substr(gen_random_uuid()::text, 2), 'address_index', 100 + n,
        'external_id', 'cart-' || n, 'status', 'EXPIRED'))).*
       FROM orders o, generate_series($2::int, $3::int) n WHERE o.id = $1`,
      [rare, from, from + AT_ONCE - 1],
    );
  }
  await receiving.sql('ANALYZE orders');
});
afterAll(() => receiving.close());

const middle = 'f7ffffff-ffff-4fff-8fff-ffffffffffff' as Uuid;

test.each<[string, Omit<OrderFilter, 'merchantId' | 'limit'>]>([
  ['nothing', {}],
  ['a cursor', { startingAfter: middle }],
  ['a rare status', { status: 'PENDING' }],
  ['a frequent status', { status: 'EXPIRED' }],
  ['a rare status and a cursor', { status: 'PENDING', startingAfter: middle }],
  ['a frequent status and a cursor', { status: 'EXPIRED', startingAfter: middle }],
  ['an external id', { externalId: 'rare' }],
  ['an external id and a cursor', { externalId: 'rare', startingAfter: middle }],
  ['an external id and a status', { externalId: 'rare', status: 'PENDING' }],
  ['all', { externalId: 'rare', status: 'PENDING', startingAfter: middle }],
])('a page of orders by %s touches a page of rows, not every order', async (_, filter) => {
  const all = { ...filter, merchantId, limit: PAGE };
  const found = await receiving.database.asTenant(merchantId, (tx) => readOrderRows(tx, all));
  expect(found.length).toBeGreaterThan(0);
  const { nodes, rowsTouched } = await receiving.database.asTenant(merchantId, (tx) =>
    explain(tx, orderListStatement(all)),
  );
  expect(nodes).not.toContain('Seq Scan');
  expect(rowsTouched).toBeLessThanOrEqual(PAGE);
});
