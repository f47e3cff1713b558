import { assert, type Uuid } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';
import {
  RUNNING_COLUMNS,
  runningConfigsOf,
  type RunningConfigs,
  type RunningRow,
} from './config-store.ts';
import {
  type Activity,
  type AmountSketch,
  EMPTY_SKETCH,
  HOURS_PER_DAY,
  type Learned,
} from './history.ts';
import { activityOf, type Counts, lockActivity, mapOf, sourceHash } from './history-store.ts';

/**
 * What a store has on record beside the payment, for one decision. A handful of rows, whatever the
 * store's age, read by one statement and written by one: each more costs all payments.
 */
export type StoreRecord = {
  readonly activity: Activity;
  readonly amounts: AmountSketch;
  /** Payments in the 24 hours before this one from the busiest of the addresses that it came from. */
  readonly busiest: number;
  /** Of these addresses, those that refunds of the store were paid to, in their order. */
  readonly refunded: readonly string[];
  /** Whether a payment of this order was approved before: its amount teaches nothing new. */
  readonly isOrderKnown: boolean;
  /** null where the store has none yet. */
  readonly running: RunningConfigs | null;
};

export type RecordKey = {
  merchantId: Uuid;
  orderId: Uuid;
  currency: string;
  /** That the payment's inputs spend. */
  addresses: readonly string[];
  hour: number;
};

/**
 * Reads it and locks the store's history until the transaction ends: decisions about one store go one
 * after the other, so that each sees all before it.
 */
export async function lockStoreRecord(tx: Tx, of: RecordKey): Promise<StoreRecord> {
  // The second statement sees what another decision wrote while the first one waited for it.
  const [locked, rest] = await together([lockActivity(tx, of.merchantId), readRest(tx, of)]);
  if (locked !== undefined) return { activity: activityOf(locked), ...rest };
  // Another first decision may have been made while this one waited.
  await beginActivity(tx, of.merchantId);
  const [begun, again] = await together([lockActivity(tx, of.merchantId), readRest(tx, of)]);
  assert(begun !== undefined, 'lockStoreRecord: the row was just written');
  return { activity: activityOf(begun), ...again };
}

type RestRow = RunningRow & {
  payments: bigint | null;
  sum: string | null;
  sum_of_squares: string | null;
  buckets: Counts | null;
  busiest: number;
  refunded: string[];
  is_order_known: boolean;
};

/** Reads refund too, of paying/refunds. Hours are whole ones, the one of this payment included. */
async function readRest(tx: Tx, of: RecordKey): Promise<Omit<StoreRecord, 'activity'>> {
  const row = await tx.one<RestRow>(
    `SELECT h.payments, h.sum::text, h.sum_of_squares::text, h.buckets, ${RUNNING_COLUMNS},
            (SELECT coalesce(max(counted.payments), 0)::int FROM (
               SELECT sum(payments) AS payments FROM risk_source_hour
                WHERE merchant_id = $1 AND source = ANY($4::bytea[]) AND hour > $5 AND hour <= $6
                GROUP BY source) AS counted) AS busiest,
            ARRAY(SELECT DISTINCT address FROM refund WHERE merchant_id = $1
                     AND address = ANY($7::text[]) AND cap_state = 'posted'
                   ORDER BY address) AS refunded,
            EXISTS (SELECT FROM risk_decision WHERE merchant_id = $1 AND order_id = $2
                       AND NOT trial AND action = 'approve') AS is_order_known
       FROM (SELECT $1::uuid AS merchant_id) m
       LEFT JOIN risk_amounts h ON h.merchant_id = m.merchant_id AND h.currency = $3
       LEFT JOIN risk_config active
         ON active.merchant_id = m.merchant_id AND active.state = 'active'
       LEFT JOIN risk_config shadow
         ON shadow.merchant_id = m.merchant_id AND shadow.state = 'shadow'`,
    [
      ...[of.merchantId, of.orderId, of.currency, of.addresses.map(sourceHash)],
      ...[of.hour - HOURS_PER_DAY, of.hour, of.addresses],
    ],
  );
  return {
    amounts: amountsOf(row),
    busiest: row.busiest,
    refunded: row.refunded,
    isOrderKnown: row.is_order_known,
    running: runningConfigsOf(row),
  };
}

function amountsOf({ payments, sum, sum_of_squares, buckets }: RestRow): AmountSketch {
  if (payments === null || sum === null || sum_of_squares === null || buckets === null) {
    return EMPTY_SKETCH;
  }
  return {
    count: Number(payments),
    sum: BigInt(sum),
    sumOfSquares: BigInt(sum_of_squares),
    buckets: mapOf(buckets),
  };
}

/** The first decision about a store; two at once wait for each other here. */
async function beginActivity(tx: Tx, merchantId: Uuid): Promise<void> {
  await tx.query(
    `INSERT INTO risk_activity (merchant_id, hours, days) VALUES ($1, '{}', '{}')
     ON CONFLICT (merchant_id) DO NOTHING`,
    [merchantId],
  );
}

/**
 * Writes what a decision leaves for those to come and gives its claim back. The history is locked.
 * @param of.learned what its amount adds; null where it teaches nothing
 */
export async function saveStoreRecord(
  tx: Tx,
  of: Omit<RecordKey, 'orderId'> & {
    paymentId: Uuid;
    activity: Activity;
    learned: Learned | null;
  },
): Promise<void> {
  const { activity, learned } = of;
  await tx.query(
    `WITH activity AS (
       UPDATE risk_activity SET hours = $2, days = $3 WHERE merchant_id = $1
     ), sources AS (
       INSERT INTO risk_source_hour AS h (merchant_id, source, hour, payments)
       SELECT $1, source, $5::int, 1 FROM unnest($4::bytea[]) AS source
       ON CONFLICT (merchant_id, source, hour) DO UPDATE SET payments = h.payments + 1
     ), amounts AS (
       INSERT INTO risk_amounts AS a (merchant_id, currency, payments, sum, sum_of_squares, buckets)
       SELECT $1, $6::text, $7::bigint, $8::numeric, $9::numeric, $10::jsonb
        WHERE $7::bigint IS NOT NULL
       ON CONFLICT (merchant_id, currency) DO UPDATE SET payments = excluded.payments,
              sum = excluded.sum, sum_of_squares = excluded.sum_of_squares,
              buckets = a.buckets || excluded.buckets
     )
     DELETE FROM risk_claim WHERE merchant_id = $1 AND payment_id = $11`,
    [
      ...[of.merchantId, textOf(activity.hours), textOf(activity.days)],
      ...[of.addresses.map(sourceHash), of.hour, of.currency, learned?.count ?? null],
      ...[learned?.sum.toString() ?? null, learned?.sumOfSquares.toString() ?? null],
      // One bucket has changed; the others are left as they are.
      learned === null ? '{}' : JSON.stringify({ [learned.bucket]: learned.inBucket }),
      of.paymentId,
    ],
  );
}

function textOf(counts: ReadonlyMap<number, number>): string {
  return JSON.stringify(Object.fromEntries(counts));
}
