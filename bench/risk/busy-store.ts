import { createHash } from 'node:crypto';
import type { Uuid } from '@quittance/kernel';
import type pg from 'pg';
import { bucketOf, SHIPPED_RISK_CONFIG } from '../../apps/server/src/compliance/risk/index.ts';
import { addressOf, BUSY_SOURCES, REFUNDED_SOURCES, traitsOf } from './simulated-chain.ts';

const HOUR_MS = 3_600_000;
const REFUNDS = 20_000;
const OWN_ADDRESSES = 5_000;
/** Payments an hour from a busy address: a day's are beyond the limit of 100. */
const BUSY_AN_HOUR = 8;

/** Ids of the bench's rows: kind 1 the store, 2 orders, 3 past payments, 4 decisions, 5 new payments. */
export const idOf = (kind: number, n: number): Uuid =>
  `0000000${kind}-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const SQL_ID = (kind: number) =>
  `('0000000${kind}-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid`;

/**
 * A store with so many decided payments behind it, and as many orders more as are to be paid now. Its
 * sketch of amounts, its activity and its sources are what the loop would have kept of them.
 */
export async function makeBusyStore(
  owner: pg.Client,
  of: { history: number; orders: number; nowMs: number },
): Promise<Uuid> {
  const merchantId = idOf(1, 1);
  const now = new Date(of.nowMs);
  const every = { merchantId, now, history: of.history };
  await writeStore(owner, every);
  await owner.query(
    `INSERT INTO orders (merchant_id, id, metadata, price_currency, price_minor, due_sats,
            tolerance_below_sats, tolerance_above_sats, required_confirmations, late_policy,
            wallet_id, address_index, address, created_at, expires_at, monitor_until, status,
            updated_at)
     SELECT $1, ${SQL_ID(2)}, '{}', 'BTC', 50000, 50000, 0, 0, 1, 'hold', $1, i, i::text, $2,
            $2::timestamptz + interval '1 year', $2::timestamptz + interval '1 year', 'PENDING', $2
       FROM generate_series(1, $3::int) AS i`,
    [merchantId, now, of.history + of.orders],
  );
  await writePayments(owner, every);
  await writeReplaced(owner, { ...every, orders: of.orders });
  await writeLists(owner, every);
  await writeSketch(owner, merchantId, of.nowMs);
  await writeSources(owner, merchantId, of.nowMs);
  await owner.query('VACUUM ANALYZE');
  // What setting up has left to be written is not to be written while it is measured.
  await owner.query('CHECKPOINT');
  return merchantId;
}

type Every = { merchantId: Uuid; now: Date; history: number };

async function writeStore(owner: pg.Client, { merchantId, now }: Every): Promise<void> {
  await owner.query(
    `INSERT INTO merchant (id, name, settings, created_at, updated_at)
     VALUES ($1, 'Store', '{}', $2, $2)`,
    [merchantId, now],
  );
  await owner.query(
    `INSERT INTO compliance_settings (merchant_id, risk, monitoring, customer_screening,
            sar_days_suspect_known, sar_days_suspect_unknown, reminder_days, updated_at, updated_by)
     VALUES ($1, 'on', false, false, 30, 30, 7, $2, 'bench')`,
    [merchantId, now],
  );
  await owner.query(
    `INSERT INTO risk_config (merchant_id, version, state, config, note, created_at, created_by,
            activated_at, activated_by)
     VALUES ($1, 1, 'active', $3, 'As shipped', $2, 'system', $2, 'system')`,
    [merchantId, now, JSON.stringify(SHIPPED_RISK_CONFIG)],
  );
}

/** Amounts over three decades, as a shop's are; each was looked at and approved. */
async function writePayments(owner: pg.Client, every: Every): Promise<void> {
  const { merchantId, now, history } = every;
  await owner.query(
    `INSERT INTO payment (merchant_id, id, order_id, txid, vout, amount_sats, state, late,
            first_seen_at, height, block_hash, ledger_epoch, updated_at)
     SELECT $1, ${SQL_ID(3)}, ${SQL_ID(2)}, sha256(i::text::bytea), 0,
            (5000 * exp(5 * ((i::bigint * 7919) % 10007) / 10007.0))::bigint, 'final', false,
            $2::timestamptz - ((i % 2419200) || ' seconds')::interval, 1, sha256('b'), 1, $2
       FROM generate_series(1, $3::int) AS i`,
    [merchantId, now, history],
  );
  await owner.query(
    `INSERT INTO risk_decision (merchant_id, id, payment_id, order_id, mode, trial, config_version,
            engine, score, level, action, facts, facts_hash, outcome, decided_at)
     SELECT $1, ${SQL_ID(4)}, ${SQL_ID(3)}, ${SQL_ID(2)}, 'on', false, 1, 1, 0, 'LOW', 'approve',
            '{}', sha256('{}'), '{}', $2 FROM generate_series(1, $3::int) AS i`,
    [merchantId, now, history],
  );
}

/** Payments that new ones took the place of. */
async function writeReplaced(owner: pg.Client, of: Every & { orders: number }): Promise<void> {
  const replaced = Array.from({ length: of.orders }, (_, i) => of.history + i + 1).filter((n) =>
    traitsOf(n).includes('replaced'),
  );
  await owner.query(
    `INSERT INTO payment (merchant_id, id, order_id, txid, vout, amount_sats, state, late,
            first_seen_at, replaced_by, updated_at)
     SELECT $1, ${SQL_ID(6)}, ${SQL_ID(2)}, sha256(('replaced' || i)::bytea), 0, 50000, 'replaced',
            false, $2, sha256('r'), $2
       FROM unnest($3::int[]) AS i`,
    [of.merchantId, of.now, replaced],
  );
}

/** The store's own list of addresses, and where it has refunded to. */
async function writeLists(owner: pg.Client, { merchantId, now, history }: Every): Promise<void> {
  await owner.query(
    `INSERT INTO screening_own_address (merchant_id, id, address, asset, verdict, reason,
            created_by, created_at)
     SELECT $1, ${SQL_ID(7)}, 'bcrt1qown' || i, 'BTC', 'block', 'Known to us', 'bench', $2
       FROM generate_series(1, $3::int) AS i`,
    [merchantId, now, OWN_ADDRESSES],
  );
  const refunded = Array.from({ length: REFUNDED_SOURCES }, (_, k) => addressOf(`refunded ${k}`));
  await owner.query(
    `INSERT INTO refund (merchant_id, id, order_id, state, mode, rate_mode, basis_sats,
            from_merchant_sats, from_excess_sats, from_held_sats, gross_sats, deduction_sats,
            payout_sats, value_currency, value_minor, fee_from, max_fee_share_sats, destination,
            proof_required, address, script, claimed_at, payout_id, cap_state, cap_epoch,
            created_by, created_at, updated_at)
     SELECT $1, ${SQL_ID(8)}, ${SQL_ID(2)}, 'CONFIRMED', 'full', 'original', 1000, 1000, 0, 0, 1000,
            0, 1000, 'BTC', 1000, 'merchant', 0, 'address', false,
            coalesce(($3::text[])[i], 'bcrt1qpaid' || i), 'x', $2, ${SQL_ID(9)}, 'posted', 1,
            'bench', $2, $2
       FROM generate_series(1, $4::int) AS i`,
    [merchantId, now, refunded, Math.min(REFUNDS, history)],
  );
}

async function writeSketch(owner: pg.Client, merchantId: Uuid, nowMs: number): Promise<void> {
  const { rows } = await owner.query<{ amount_sats: string; count: string }>(
    `SELECT amount_sats, count(*) AS count FROM payment WHERE state = 'final' GROUP BY amount_sats`,
  );
  const buckets = new Map<number, number>();
  let [payments, sum, squares] = [0n, 0n, 0n];
  for (const { amount_sats: text, count } of rows) {
    const amount = BigInt(text);
    const times = BigInt(count);
    const bucket = bucketOf(amount);
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + Number(count));
    payments += times;
    sum += amount * times;
    squares += amount * amount * times;
  }
  await owner.query(
    `INSERT INTO risk_amounts (merchant_id, currency, payments, sum, sum_of_squares, buckets)
     VALUES ($1, 'BTC', $2, $3, $4, $5)`,
    [merchantId, payments, sum, squares, JSON.stringify(Object.fromEntries(buckets))],
  );
  const hour = Math.floor(nowMs / HOUR_MS);
  await owner.query('INSERT INTO risk_activity (merchant_id, hours, days) VALUES ($1, $2, $3)', [
    merchantId,
    JSON.stringify(Object.fromEntries(Array.from({ length: 24 }, (_, i) => [hour - i, 1_500]))),
    JSON.stringify(
      Object.fromEntries(Array.from({ length: 29 }, (_, i) => [Math.floor(hour / 24) - i, 36_000])),
    ),
  ]);
}

/** A day's addresses, most of which paid once, and some that pay all the time. */
async function writeSources(owner: pg.Client, merchantId: Uuid, nowMs: number): Promise<void> {
  const hour = Math.floor(nowMs / HOUR_MS);
  await owner.query(
    `INSERT INTO risk_source_hour (merchant_id, source, hour, payments)
     SELECT $1, substring(sha256(i::text::bytea) FOR 16), $2 - i % 24, 1
       FROM generate_series(1, 36000) AS i`,
    [merchantId, hour],
  );
  const busy = Array.from({ length: BUSY_SOURCES }, (_, k) =>
    createHash('sha256')
      .update(addressOf(`busy ${k}`))
      .digest()
      .subarray(0, 16),
  );
  await owner.query(
    `INSERT INTO risk_source_hour (merchant_id, source, hour, payments)
     SELECT $1, source, $2 - ago, $4 FROM unnest($3::bytea[]) AS source, generate_series(0, 23) AS ago`,
    [merchantId, hour, busy, BUSY_AN_HOUR],
  );
}
