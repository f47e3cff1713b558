import type { Order } from '@quittance/contract';
import type pg from 'pg';
import type { Intention } from './clients.ts';
import type { ChainTruth, TrueOutput } from './chain-truth.ts';
import { classicKey, type Receiver } from './receivers.ts';

/** What the auditor goes by: what clients were told, what the node has, what receivers accepted. */
export type Evidence = {
  readonly intentions: readonly Intention[];
  readonly truth: ChainTruth;
  readonly receivers: readonly Receiver[];
  readonly nowMs: number;
};

type Row = {
  id: string;
  merchant_id: string;
  external_id: string;
  address: string;
  status: string;
  due_sats: string;
  tolerance_below_sats: string;
  tolerance_above_sats: string;
  required_confirmations: number;
  expires_at: Date;
  created_at: Date;
  expired_at: Date | null;
  cancelled_at: Date | null;
  received_sats: string;
  confirmed_sats: string;
  late_sats: string;
};
type PaymentRow = {
  order_id: string;
  outpoint: string;
  amount_sats: string;
  state: string;
  late: boolean;
  height: number | null;
  first_seen_at: Date;
  replaced_by: Buffer | null;
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
  await checkLedger(client, { evidence, orders, payments }, faults);
  return faults;
}

function groupBy<K extends string, T extends { [key in K]: string }>(
  rows: readonly T[],
  key: K,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row[key]);
    if (group === undefined) groups.set(row[key], [row]);
    else group.push(row);
  }
  return groups;
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

/** Design §7: confirmations by amount. */
function confirmationsFor(dueSats: bigint): number {
  if (dueSats < 1_000_000n) return 1;
  return dueSats < 100_000_000n ? 3 : 6;
}

type Sums = { received: bigint; confirmed: bigint; late: bigint };

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

function addUp(order: Row, known: readonly PaymentRow[], outputs: readonly TrueOutput[]): Sums {
  const late = new Set(known.filter((row) => row.late).map(({ outpoint }) => outpoint));
  const sums: Sums = { received: 0n, confirmed: 0n, late: 0n };
  for (const { outpoint, sats, confirmations } of outputs) {
    if (late.has(outpoint)) sums.late += sats;
    else {
      sums.received += sats;
      if (confirmations >= order.required_confirmations) sums.confirmed += sats;
    }
  }
  return sums;
}

/** Design §7, the classic API: what each status means. */
function statusFor(order: Row, known: readonly PaymentRow[], sums: Sums): string {
  const least = BigInt(order.due_sats) - BigInt(order.tolerance_below_sats);
  const most = BigInt(order.due_sats) + BigInt(order.tolerance_above_sats);
  if (sums.confirmed > most) return 'OVERPAID';
  if (sums.confirmed >= least) return 'CONFIRMED';
  if (sums.received >= least) return 'UNCONFIRMED';
  if (sums.received > 0n) return 'UNDERPAID';
  if (order.cancelled_at !== null) return 'INVALID';
  if (order.expired_at === null) return 'PENDING';
  const withdrawn = known.some(
    ({ late, state }) => !late && (state === 'replaced' || state === 'dropped'),
  );
  return withdrawn ? 'INVALID' : 'EXPIRED';
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

/** Every transfer balances, every counter is the sum of its entries, and the sums are the chain's. */
async function checkLedger(
  client: pg.Client,
  books: { evidence: Evidence; orders: readonly Row[]; payments: readonly PaymentRow[] },
  faults: string[],
): Promise<void> {
  const unbalanced = await client.query(
    `SELECT book_id, sequence FROM ledger_entry GROUP BY 1, 2
     HAVING sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) <> 0`,
  );
  if (unbalanced.rowCount !== 0) faults.push(`${unbalanced.rowCount} transfers do not balance`);
  const gaps = await client.query(
    `SELECT book_id FROM ledger_transfer GROUP BY 1 HAVING count(*) <> max(sequence)`,
  );
  if (gaps.rowCount !== 0) faults.push('a journal has a gap');
  const { rows } = await client.query<{ book: string; code: string; net: string; open: string }>(
    `SELECT book_id AS book, code, debits_posted - credits_posted AS net,
            debits_pending - credits_pending AS open FROM ledger_account`,
  );
  const expected = expectedBalances(books);
  for (const { book, code, net, open } of rows) {
    const [rightNet = 0n, rightOpen = 0n] = expected.get(`${book} ${code}`) ?? [];
    if (BigInt(net) === rightNet && BigInt(open) === rightOpen) continue;
    faults.push(`${code} is ${net} and ${open} pending, should be ${rightNet} and ${rightOpen}`);
  }
}

/** Debits less credits in msat, posted and pending, by book and account. */
function expectedBalances({
  evidence,
  orders,
  payments,
}: {
  evidence: Evidence;
  orders: readonly Row[];
  payments: readonly PaymentRow[];
}): Map<string, [bigint, bigint]> {
  const balances = new Map<string, [bigint, bigint]>();
  const add = (account: string, posted: bigint, pending: bigint): void => {
    const [net, open] = balances.get(account) ?? [0n, 0n];
    balances.set(account, [net + posted * 1_000n, open + pending * 1_000n]);
  };
  const byAddress = groupBy(evidence.truth.outputs, 'address');
  const byOrder = groupBy(payments, 'order_id');
  for (const order of orders) {
    const book = order.merchant_id;
    const outputs = byAddress.get(order.address) ?? [];
    for (const { sats, confirmations } of outputs) {
      const confirmed = confirmations >= order.required_confirmations;
      const [posted, pending] = confirmed ? [sats, 0n] : [0n, sats];
      add(`${book} onchain.wallet`, posted, pending);
      add(`${book} receipts.unapplied`, 0n - posted, 0n - pending);
    }
    const known = byOrder.get(order.id) ?? [];
    const sums = addUp(order, known, outputs);
    const status = statusFor(order, known, sums);
    if (status !== 'CONFIRMED' && status !== 'OVERPAID') continue;
    const excess = status === 'OVERPAID' ? sums.confirmed - BigInt(order.due_sats) : 0n;
    add(`${book} receipts.unapplied`, sums.confirmed, 0n);
    add(`${book} merchant.available`, excess - sums.confirmed, 0n);
    add(`${book} customer.excess`, -excess, 0n);
  }
  return balances;
}
