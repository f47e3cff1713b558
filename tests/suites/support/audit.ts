import type { Order } from '@quittance/contract';
import type pg from 'pg';
import { checkLedger } from './audit-ledger.ts';
import type { ChainTruth, TrueOutput } from './chain-truth.ts';
import type { Intention } from './clients.ts';
import {
  addUp,
  confirmationsFor,
  groupBy,
  type PaymentRow,
  type Row,
  statusFor,
} from './order-rules.ts';
import { classicKey, type Receiver } from './receivers.ts';

/** What the auditor goes by: what clients were told, what the node has, what receivers accepted. */
export type Evidence = {
  readonly intentions: readonly Intention[];
  readonly truth: ChainTruth;
  readonly receivers: readonly Receiver[];
  readonly nowMs: number;
};

type EventRow = {
  id: string;
  order_id: string;
  type: string;
  data: { status: string; previousStatus?: string; payment?: { txid: string; vout: number } };
  created_at: Date;
};

/** The watcher looks for expired orders every second; its turn may take as long again. */
const EXPIRY_GRACE_MS = 5_000;
/** The node tells when it heard of a transaction in whole seconds. */
const CLOCK_GRACE_MS = 2_000;

/**
 * Compares the database with what is true outside it. The rules are written anew from the contract
 * (design §7), with nothing of the product's own code.
 * @returns what is wrong, a sentence each
 */
export async function audit(client: pg.Client, evidence: Evidence): Promise<string[]> {
  const faults: string[] = [];
  const orders = (await client.query<Row>('SELECT * FROM orders ORDER BY id')).rows;
  const payments = (
    await client.query<PaymentRow>(
      `SELECT order_id, amount_sats, state, late, height, first_seen_at, replaced_by,
              (SELECT string_agg(lpad(to_hex(get_byte(txid, 31 - i)), 2, '0'), '' ORDER BY i)
                 FROM generate_series(0, 31) i) || ':' || vout AS outpoint
         FROM payment ORDER BY order_id, first_seen_at`,
    )
  ).rows;
  const events = (
    await client.query<EventRow>(
      `SELECT id, order_id, type, data, created_at FROM event
        WHERE order_id IS NOT NULL ORDER BY transaction, seq`,
    )
  ).rows;
  checkAcknowledged(evidence.intentions, orders, faults);
  checkStatuses(evidence, orders, groupBy(payments, 'order_id'), faults);
  checkEvents(orders, groupBy(events, 'order_id'), payments, faults);
  await checkDeliveries(client, evidence.receivers, faults);
  await checkChain(client, evidence.truth, faults);
  await checkLedger(client, { truth: evidence.truth, orders, payments }, faults);
  return faults;
}

/** What a client was told stays so; each intention has made one order, and nothing else has. */
function checkAcknowledged(
  intentions: readonly Intention[],
  orders: readonly Row[],
  faults: string[],
): void {
  const byKey = groupBy(orders, 'external_id');
  const byId = new Map(orders.map((order) => [order.id, order]));
  const known = new Set(intentions.map(({ key }) => key));
  for (const { key, order: told } of intentions) {
    const made = byKey.get(key) ?? [];
    if (made.length > 1) faults.push(`${key} made ${made.length} orders`);
    if (told === undefined) continue;
    const stored = byId.get(told.id);
    if (stored === undefined) faults.push(`${key}: the acknowledged order ${told.id} is lost`);
    else if (facts(told) !== storedFacts(stored)) {
      faults.push(`${key}: told ${facts(told)}, stored ${storedFacts(stored)}`);
    }
  }
  for (const key of byKey.keys()) if (!known.has(key)) faults.push(`nobody asked for ${key}`);
  const addresses = new Set(orders.map(({ address }) => address));
  if (addresses.size !== orders.length) faults.push('an address is used by two orders');
}

function facts(order: Order): string {
  const { id, merchantId, externalId, address, dueSats, requiredConfirmations } = order;
  const { toleranceBelowSats, toleranceAboveSats, createdAt, expiresAt } = order;
  return JSON.stringify([
    ...[id, merchantId, externalId, address, dueSats, requiredConfirmations],
    ...[toleranceBelowSats, toleranceAboveSats, createdAt, expiresAt],
  ]);
}

function storedFacts(row: Row): string {
  return JSON.stringify([
    ...[row.id, row.merchant_id, row.external_id, row.address, row.due_sats],
    ...[row.required_confirmations, row.tolerance_below_sats, row.tolerance_above_sats],
    ...[row.created_at.toISOString(), row.expires_at.toISOString()],
  ]);
}

function checkStatuses(
  { truth, nowMs }: Evidence,
  orders: readonly Row[],
  payments: ReadonlyMap<string, PaymentRow[]>,
  faults: string[],
): void {
  const byAddress = groupBy(truth.outputs, 'address');
  for (const order of orders) {
    const who = `order ${order.external_id} (${order.id})`;
    const due = BigInt(order.due_sats);
    if (order.required_confirmations !== confirmationsFor(due)) {
      faults.push(`${who} asks for ${order.required_confirmations} confirmations`);
    }
    const known = payments.get(order.id) ?? [];
    const outputs = byAddress.get(order.address) ?? [];
    comparePayments(who, order, { known, outputs }, faults);
    const sums = addUp(order, known, outputs);
    const stored = { received: order.received_sats, confirmed: order.confirmed_sats };
    const told = `${stored.received}/${stored.confirmed}/${order.late_sats}`;
    const right = `${sums.received}/${sums.confirmed}/${sums.late}`;
    if (told !== right) faults.push(`${who} counts ${told}, the node has ${right}`);
    const status = statusFor(order, known, sums);
    if (order.status !== status) faults.push(`${who} is ${order.status}, should be ${status}`);
    const overdue = order.expires_at.getTime() + EXPIRY_GRACE_MS < nowMs;
    if (order.status === 'PENDING' && overdue) faults.push(`${who} should have expired`);
    const early = order.expired_at !== null && order.expired_at < order.expires_at;
    if (early) faults.push(`${who} expired before its time`);
  }
}

/** The payments on record are the outputs that the node has, in the state that follows from depth. */
function comparePayments(
  who: string,
  order: Row,
  { known, outputs }: { known: readonly PaymentRow[]; outputs: readonly TrueOutput[] },
  faults: string[],
): void {
  const rows = new Map(known.map((row) => [row.outpoint, row]));
  for (const output of outputs) {
    const row = rows.get(output.outpoint);
    rows.delete(output.outpoint);
    if (row === undefined) {
      faults.push(`${who}: the payment ${output.outpoint} was missed`);
      continue;
    }
    const { confirmations } = output;
    const enough = confirmations >= order.required_confirmations;
    // Final: a hundred blocks lie above it, which is as deep as a reorganisation is followed.
    const state =
      confirmations === 0
        ? 'seen'
        : confirmations > 100
          ? 'final'
          : enough
            ? 'confirmed'
            : 'included';
    const told = `${row.amount_sats} ${row.state} at ${row.height}`;
    const right = `${output.sats} ${state} at ${output.height}`;
    if (told !== right) faults.push(`${who}: ${output.outpoint} is ${told}, should be ${right}`);
  }
  for (const row of rows.values()) {
    if (row.state === 'replaced' || row.state === 'dropped') continue;
    faults.push(`${who}: ${row.outpoint} is ${row.state}, but the node does not have it`);
  }
  for (const row of known) {
    const deadline = order.cancelled_at ?? order.expires_at;
    const late = row.first_seen_at > deadline;
    // One that replaces a punctual payment is punctual too.
    if (row.late !== late && !(late && known.some((other) => other !== row && !other.late))) {
      faults.push(`${who}: ${row.outpoint} is late=${row.late}`);
    }
    if (row.first_seen_at.getTime() + CLOCK_GRACE_MS < order.created_at.getTime()) {
      faults.push(`${who}: ${row.outpoint} was seen before the order was made`);
    }
  }
}

/** Statuses in the events follow each other without a hole, from PENDING to what is now. */
function checkEvents(
  orders: readonly Row[],
  events: ReadonlyMap<string, EventRow[]>,
  payments: readonly PaymentRow[],
  faults: string[],
): void {
  const told = new Set<string>();
  for (const order of orders) {
    const who = `order ${order.external_id}`;
    const own = events.get(order.id) ?? [];
    const created = own.filter(({ type }) => type === 'order.created').length;
    if (created !== 1) faults.push(`${who} has ${created} events order.created`);
    let status: string = 'PENDING';
    for (const { type, data } of own) {
      if (data.payment !== undefined) told.add(`${type} ${data.payment.txid}:${data.payment.vout}`);
      if (type !== 'order.status_changed') continue;
      if (data.previousStatus !== status) {
        faults.push(`${who}: an event goes from ${data.previousStatus}, but it was ${status}`);
      }
      status = data.status;
    }
    if (status !== order.status) faults.push(`${who} is ${order.status}, events end in ${status}`);
  }
  for (const { outpoint, late, state } of payments) {
    const seen = late ? 'order.payment_late' : 'order.payment_seen';
    if (!told.has(`${seen} ${outpoint}`)) faults.push(`no event tells that ${outpoint} was seen`);
    const confirmed = state === 'confirmed' || state === 'final';
    if (confirmed && !told.has(`order.payment_confirmed ${outpoint}`)) {
      faults.push(`no event tells that ${outpoint} was confirmed`);
    }
  }
}

/** Every event has been accepted by every endpoint that asked for its type. */
async function checkDeliveries(
  client: pg.Client,
  receivers: readonly Receiver[],
  faults: string[],
): Promise<void> {
  for (const receiver of receivers) {
    const { rows } = await client.query<EventRow>(
      `SELECT event.id, event.order_id, event.type, event.data, event.created_at
         FROM webhook_endpoint e JOIN event ON event.merchant_id = e.merchant_id
        WHERE e.url = $1 AND (e.event_types = '{}' OR event.type = ANY (e.event_types))
          AND (e.style = 'standard' OR event.type = 'order.status_changed')`,
      [receiver.url],
    );
    const missing = rows.filter((row) => !receiver.accepted.has(keyOf(receiver, row)));
    if (missing.length > 0) {
      const [{ id, type } = { id: '', type: '' }] = missing;
      faults.push(`${receiver.name} lacks ${missing.length} events, such as ${type} ${id}`);
    }
  }
}

function keyOf({ style }: Receiver, row: EventRow): string {
  if (style === 'standard') return row.id;
  const timestamp = row.created_at.toISOString();
  return classicKey({ orderId: row.order_id, timestamp, status: row.data.status });
}

async function checkChain(client: pg.Client, truth: ChainTruth, faults: string[]): Promise<void> {
  const { rows } = await client.query<{ height: number; hash: Buffer }>(
    'SELECT height, hash FROM chain_cursor',
  );
  const hash = Buffer.from(rows[0]?.hash ?? Buffer.alloc(0))
    .reverse()
    .toString('hex');
  if (hash !== truth.hash) {
    faults.push(`the cursor is at ${rows[0]?.height} ${hash}, the node at ${truth.height}`);
  }
}
