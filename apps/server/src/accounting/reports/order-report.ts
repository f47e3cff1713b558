import type { OrderReport, OrderReportLine } from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { readPricedOrders } from '../../receiving/orders/index.ts';
import { CSV_HEADER, csvLine } from './csv.ts';
import { figuresOf, lineOf, totalsOf } from './line.ts';
import * as store from './store.ts';

const DAY_MS = 86_400_000;
/** A year and its leap day: longer reports are made of several. */
const MAX_PERIOD_MS = 366 * DAY_MS;
/** Lines that a file takes from the database at a time: bounds memory, whatever the period. */
const FILE_PAGE = 2_000;
/** Lines of one file; more is for several files. */
const MAX_FILE_LINES = 200_000;

export type Asked = { merchantId: Uuid; fromMs: number; toMs: number };

/**
 * One page of the report of a time, with the totals of the whole time. Only transfers of the ledger
 * count, never an order's status.
 * @throws {AppError} invalid_request
 */
export async function readOrderReport(
  tx: Tx,
  asked: Asked,
  page: { after: Uuid | null; limit: number },
): Promise<OrderReport> {
  const period = await periodOf(tx, asked);
  const lines = await readLines(tx, period, { ...page, limit: page.limit + 1 });
  const sums = await store.sumMovements(tx, period);
  const fees = await store.readRefundFees(tx, period, null);
  const feeSats = [...fees.values()].reduce((sum, each) => sum + each, 0n);
  return {
    from: new Date(asked.fromMs).toISOString(),
    to: new Date(asked.toMs).toISOString(),
    data: lines.slice(0, page.limit),
    has_more: lines.length > page.limit,
    totals: totalsOf(sums.orders, figuresOf(sums, feeSats)),
  };
}

/**
 * The whole report as a CSV file, a part at a time: all parts end at the same transfer, so that
 * what is recorded meanwhile is in none of them.
 */
export async function* writeOrderReport(
  database: Pick<Database, 'asTenant'>,
  asked: Asked,
): AsyncGenerator<string> {
  const { merchantId } = asked;
  const period = await database.asTenant(merchantId, (tx) => periodOf(tx, asked));
  yield CSV_HEADER;
  let after: Uuid | null = null;
  for (let written = 0; written < MAX_FILE_LINES; written += FILE_PAGE) {
    const from: Uuid | null = after;
    const lines: OrderReportLine[] = await database.asTenant(merchantId, (tx) =>
      readLines(tx, period, { after: from, limit: FILE_PAGE }),
    );
    yield lines.map(csvLine).join('');
    const last = lines.at(-1);
    if (lines.length < FILE_PAGE || last === undefined) return;
    after = last.orderId;
  }
  throw new Error(`a report has at most ${MAX_FILE_LINES} lines`);
}

/** @throws {AppError} invalid_request when the file would be too long */
export async function checkFileLength(tx: Tx, asked: Asked): Promise<void> {
  const { orders } = await store.sumMovements(tx, await periodOf(tx, asked));
  if (orders <= MAX_FILE_LINES) return;
  const detail = `${orders} orders moved in this time; a file has at most ${MAX_FILE_LINES} lines.`;
  throw new AppError('invalid_request', `${detail} Ask for a shorter time.`);
}

async function periodOf(tx: Tx, asked: Asked): Promise<store.Period> {
  const { fromMs, toMs, merchantId } = asked;
  if (toMs <= fromMs || toMs - fromMs > MAX_PERIOD_MS) {
    throw new AppError('invalid_request', '`to` has to be after `from`, by at most 366 days.', {
      fields: [{ pointer: '/querystring/to', detail: 'after from, by at most 366 days' }],
    });
  }
  return { ...asked, through: await store.readHead(tx, merchantId) };
}

async function readLines(
  tx: Tx,
  period: store.Period,
  page: { after: Uuid | null; limit: number },
): Promise<OrderReportLine[]> {
  const movements = await store.readMovements(tx, period, page);
  const ids = movements.map(({ order_id: id }) => id);
  const orders = await readPricedOrders(tx, { merchantId: period.merchantId, ids });
  const byId = new Map(orders.map((order) => [order.id, order]));
  const fees = await store.readRefundFees(tx, period, ids);
  return movements.map((moved) => {
    const order = byId.get(moved.order_id);
    assert(order !== undefined, 'the journal names orders that are there');
    return lineOf(order, figuresOf(moved, fees.get(moved.order_id) ?? 0n));
  });
}
