import { randomBytes } from 'node:crypto';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import { serveJobs } from './worker.ts';

/**
 * What the orders bench compares with: the driver committing the rows of an order and nothing else.
 * Each client has a connection and repeats BEGIN, the INSERTs that an order takes, COMMIT, with
 * statements that are prepared once.
 */

export type BareJob = {
  ownerUrl: string;
  clients: number;
  orders: number;
  merchantId: string;
  /** Also moves the wallet's counter on: one row that every transaction waits for. */
  withCounter: boolean;
};
export type BareDone = { seconds: number };

const COLUMNS = `merchant_id, id, external_id, description, metadata, redirect_url, price_currency,
  price_minor, rate, due_sats, tolerance_below_sats, tolerance_above_sats, required_confirmations,
  late_policy, wallet_id, address_index, address, created_at, expires_at, status, updated_at,
  monitor_until`;

const ids = uuidV7Ids(systemClock, (target) => {
  target.set(randomBytes(target.length));
  return target;
});

/** Rows of an order that the server made: the loop writes them again under new ids. */
type Model = { order: unknown[]; event: unknown[]; answer: unknown[]; walletId: string };
let addressIndex = 1_000_000_000;

async function readModel(client: pg.Client, merchantId: string): Promise<Model> {
  const row = async (text: string): Promise<unknown[]> => {
    const result = await client.query({ text, values: [merchantId], rowMode: 'array' });
    const [first] = result.rows as unknown[][];
    if (first === undefined) throw new Error('the bare loop needs an order to copy');
    return first;
  };
  const order = await row(
    `SELECT ${COLUMNS.replace('metadata', 'metadata::text').replace('rate,', 'rate::text,')}
       FROM orders WHERE merchant_id = $1 ORDER BY id DESC LIMIT 1`,
  );
  const event = await row(
    `SELECT merchant_id, id, type, order_id, data::text, created_at FROM event
      WHERE merchant_id = $1 ORDER BY id DESC LIMIT 1`,
  );
  const answer = await row(
    `SELECT merchant_id, key, request_hash, status, response::text, created_at
       FROM idempotency_key WHERE merchant_id = $1 AND key LIKE '%-%' LIMIT 1`,
  );
  return { order, event, answer, walletId: String(order[14]) };
}

const parameters = (count: number) => Array.from({ length: count }, (_, i) => `$${i + 1}`).join();
const insertOrder = `INSERT INTO orders (${COLUMNS}) VALUES (${parameters(22)})`;
const insertEvent = `INSERT INTO event (merchant_id, id, type, order_id, data, created_at)
  VALUES (${parameters(6)})`;
const insertAnswer = `INSERT INTO idempotency_key
  (merchant_id, key, request_hash, status, response, created_at) VALUES (${parameters(6)})`;
const moveCounter = `UPDATE receiving_wallet SET next_index = next_index
  WHERE merchant_id = $1 AND id = $2`;

async function insertOne(client: pg.Client, model: Model, job: BareJob): Promise<void> {
  const orderId = ids.next();
  const order = model.order.with(1, orderId).with(15, addressIndex++);
  const event = model.event.with(1, ids.next()).with(3, orderId);
  const answer = model.answer.with(1, `bare-${orderId}`);
  await client.query('BEGIN');
  if (job.withCounter) {
    const values = [job.merchantId, model.walletId];
    await client.query({ name: 'counter', text: moveCounter, values });
  }
  await client.query({ name: 'order', text: insertOrder, values: order });
  await client.query({ name: 'event', text: insertEvent, values: event });
  await client.query({ name: 'answer', text: insertAnswer, values: answer });
  await client.query('COMMIT');
}

const clients: pg.Client[] = [];

async function run(job: BareJob): Promise<BareDone> {
  while (clients.length < job.clients) {
    const client = new pg.Client({ connectionString: job.ownerUrl });
    await client.connect();
    clients.push(client);
  }
  const [first] = clients;
  if (first === undefined) throw new Error('the bare loop needs a client');
  const model = await readModel(first, job.merchantId);
  let started = 0;
  const began = performance.now();
  await Promise.all(
    clients.slice(0, job.clients).map(async (client) => {
      while (started < job.orders) {
        started += 1;
        await insertOne(client, model, job);
      }
    }),
  );
  return { seconds: (performance.now() - began) / 1_000 };
}

serveJobs(run);
