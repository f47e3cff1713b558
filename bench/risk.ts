import { randomFillSync } from 'node:crypto';
import { manualClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import {
  bucketOf,
  decidePayment,
  gatherChainFacts,
  type ReadTransactions,
  readPaymentToScreen,
  SHIPPED_RISK_CONFIG,
  type TracedTransaction,
} from '../apps/server/src/compliance/risk/index.ts';
import { screenerOver } from '../apps/server/src/compliance/screening/index.ts';
import { openDatabase, roleUrls } from '../apps/server/src/platform/db/index.ts';
import { applyPaymentEvents } from '../apps/server/src/receiving/payments/index.ts';
import { type BenchOptions, type BenchResult, median, quantile, rounded } from './harness.ts';
import { startSurroundings } from './support/server.ts';

/**
 * A decision with all factors on, from reading the payment to the committed hold, ledger, event and
 * case, in a store with a million payments; against one plain SQL statement that reads the same history.
 * The chain is in memory, as the reader keeps it: a node's own time is not ours to measure here.
 */

const HOUR_MS = 3_600_000;
const SOURCES = 200;
const LISTED_ADDRESSES = 200_000;
/** One payment in so many comes from a listed address: it is held, and a case is opened. */
const HELD_EVERY = 10;
/** What a person at a till does not notice; the yardstick. */
const LIMIT_MS = 10;

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const history = quick ? 2_000 : 1_000_000;
  const measured = quick ? 100 : 2_000;
  const warmUp = quick ? 50 : 300;
  const surroundings = await startSurroundings('risk');
  const owner = new pg.Client({ connectionString: surroundings.ownerUrl });
  await owner.connect();
  const database = openDatabase(roleUrls(surroundings.ownerUrl));
  try {
    const clock = manualClock(Date.UTC(2026, 5, 1, 12));
    const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
    const merchantId = await makeStore(owner, { history, orders: measured + warmUp, clock });
    const screener = await listed();
    const factors = new Set<string>();
    const times = { clean: [] as number[], held: [] as number[] };
    for (let n = 0; n < measured + warmUp; n++) {
      const isListed = n % HELD_EVERY === 0;
      const payment = paymentOf(history + n + 1, { isListed, source: n % SOURCES });
      const telling = { ids, nowMs: clock.nowMs(), tipHeight: 100 };
      await database.asSystem((tx) =>
        applyPaymentEvents(tx, telling, [{ orderId: payment.orderId, events: [payment.seen] }]),
      );
      const own = { merchantId, paymentId: payment.paymentId };
      const began = performance.now();
      const known = await database.asSystem((tx) => readPaymentToScreen(tx, own));
      if (known === undefined) throw new Error('the payment is there');
      const reading = { screener, read: payment.read, configs: [SHIPPED_RISK_CONFIG] };
      const chain = await gatherChainFacts(known, reading);
      if (chain === null) throw new Error('the chain is there');
      await decidePayment(database, { ids, nowMs: clock.nowMs() }, { ...own, chain });
      const tookMs = performance.now() - began;
      if (n >= warmUp) times[isListed ? 'held' : 'clean'].push(tookMs);
      clock.advance(500);
    }
    for (const factor of await factorsOf(owner)) factors.add(factor);
    const plainMs = await plainHistory(owner, merchantId, quick ? 3 : 7);
    return summarise({ ...times, plainMs, history, factors: [...factors].toSorted() });
  } finally {
    await database.close();
    await owner.end();
    await surroundings.stop();
  }
}

const idOf = (kind: number, n: number) =>
  `0000000${kind}-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const SQL_ID = (kind: number) =>
  `('0000000${kind}-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid`;

/** A store with so many payments behind it, and orders that wait for one. */
async function makeStore(
  owner: pg.Client,
  of: { history: number; orders: number; clock: { nowMs(): number } },
): Promise<Uuid> {
  const { history, orders } = of;
  const merchantId = idOf(1, 1);
  const now = new Date(of.clock.nowMs());
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
    `INSERT INTO orders (merchant_id, id, metadata, price_currency, price_minor, due_sats,
            tolerance_below_sats, tolerance_above_sats, required_confirmations, late_policy,
            wallet_id, address_index, address, created_at, expires_at, monitor_until, status,
            updated_at)
     SELECT $1, ${SQL_ID(2)}, '{}', 'BTC', 50000, 50000, 0, 0, 1, 'hold', $1, i, i::text, $2,
            $2::timestamptz + interval '1 year', $2::timestamptz + interval '1 year', 'PENDING', $2
       FROM generate_series(1, $3::int) AS i`,
    [merchantId, now, history + orders],
  );
  // Amounts over three decades, as a shop's are.
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
    `INSERT INTO risk_config (merchant_id, version, state, config, note, created_at, created_by,
            activated_at, activated_by)
     VALUES ($1, 1, 'active', $3, 'As shipped', $2, 'system', $2, 'system')`,
    [merchantId, now, JSON.stringify(SHIPPED_RISK_CONFIG)],
  );
  await owner.query(
    `INSERT INTO risk_decision (merchant_id, id, payment_id, order_id, mode, trial, config_version,
            engine, score, level, action, facts, facts_hash, outcome, decided_at)
     SELECT $1, ${SQL_ID(4)}, ${SQL_ID(3)}, ${SQL_ID(2)}, 'on', false, 1, 1, 0, 'LOW', 'approve',
            '{}', sha256('{}'), '{}', $2 FROM generate_series(1, $3::int) AS i`,
    [merchantId, now, history],
  );
  await writeSketch(owner, merchantId, of.clock.nowMs());
  await owner.query('VACUUM ANALYZE');
  return merchantId;
}

/** What the loop would have kept of all these payments. */
async function writeSketch(owner: pg.Client, merchantId: Uuid, nowMs: number): Promise<void> {
  const { rows } = await owner.query<{ amount_sats: string; count: string }>(
    'SELECT amount_sats, count(*) AS count FROM payment GROUP BY amount_sats',
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
  await owner.query(
    `INSERT INTO risk_source_hour (merchant_id, source, hour, payments)
     SELECT $1, substring(sha256(i::text::bytea) FOR 16), $2 - i % 24, 1
       FROM generate_series(1, 36000) AS i`,
    [merchantId, hour],
  );
}

const LISTED = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

async function listed() {
  const entries = Array.from({ length: LISTED_ADDRESSES }, (_, n) => ({
    ...{ list: 'tags', id: String(n), schema: 'Organization' as const, names: [], birthDates: [] },
    ...{ countries: [], gender: null, label: 'Tagged', topics: [] },
    addresses: [{ asset: 'BTC', address: n === 0 ? LISTED : `1Listed${n}x`, foreign: false }],
  }));
  return await screenerOver([{ list: 'tags', purpose: 'sanctions', entries }]);
}

/** A payment with three hops of sixteen transactions behind it: what its limits let it be. */
function paymentOf(n: number, { isListed, source }: { isListed: boolean; source: number }) {
  const txid = n.toString(16).padStart(64, '0');
  const input = (from: string, address: string) => ({
    ...{ txid: from, vout: 0, address, valueSats: 10_000n, height: 90 },
  });
  const made = (id: string, inputs: TracedTransaction['inputs']): TracedTransaction => ({
    ...{ txid: id, height: 90, timeMs: Date.UTC(2026, 0, 1), isCoinbase: false, inputs },
    outputs: [
      { valueSats: 40_000n, script: new Uint8Array(22) },
      { valueSats: 5_000n, script: new Uint8Array(22) },
    ],
  });
  const parents = Array.from({ length: 4 }, (_, i) => `${i}`.padStart(64, 'a'));
  const known = new Map<string, TracedTransaction>();
  known.set(
    txid,
    made(
      txid,
      parents.map((id, i) => input(id, `1Source${source}v${i}`)),
    ),
  );
  parents.forEach((id, i) => {
    const before = Array.from({ length: 4 }, (_, k) => `${i}${k}`.padStart(64, 'b'));
    known.set(
      id,
      made(
        id,
        before.map((far) => input(far, `1Second${far.slice(-2)}`)),
      ),
    );
    before.forEach((far, k) => {
      const third = input('c'.repeat(64), isListed && i + k === 0 ? LISTED : `1Third${i}${k}`);
      known.set(far, made(far, [third]));
    });
  });
  const read: ReadTransactions = (wanted) =>
    Promise.resolve(
      wanted.map((each) => {
        const transaction = known.get(each.txid);
        return transaction === undefined
          ? ({ ok: false, reason: 'not_found' } as const)
          : ({ ok: true, transaction } as const);
      }),
    );
  const paymentId = idOf(5, n);
  const seen = {
    ...{ type: 'seen' as const, paymentId, txid, vout: 0, amountSats: 50_000n },
    ...{ firstSeenAtMs: Date.UTC(2026, 5, 1, 12), replaces: [] },
  };
  return { paymentId, orderId: idOf(2, n), seen, read };
}

async function factorsOf(owner: pg.Client): Promise<string[]> {
  const { rows } = await owner.query<{ factor: string }>(
    `SELECT DISTINCT reason ->> 'factor' AS factor FROM risk_decision
      CROSS JOIN LATERAL jsonb_array_elements(outcome::jsonb -> 'reasons') AS reason
      WHERE facts <> '{}'`,
  );
  return rows.map(({ factor }) => factor);
}

/** The rival: median, deviation and count of the day out of the payments themselves. */
async function plainHistory(owner: pg.Client, merchantId: Uuid, rounds: number) {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await owner.query(
      `WITH amounts AS (SELECT ln(amount_sats) AS x, first_seen_at FROM payment WHERE merchant_id = $1),
            middle AS (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS m FROM amounts)
       SELECT m, percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(x - m)) AS mad,
              count(*) FILTER (WHERE first_seen_at > now() - interval '1 day')
         FROM amounts, middle GROUP BY m`,
      [merchantId],
    );
    times.push(performance.now() - began);
  }
  return median(times);
}

function summarise(found: {
  clean: number[];
  held: number[];
  plainMs: number;
  history: number;
  factors: string[];
}): BenchResult {
  const { clean, held, plainMs, history } = found;
  const all = [...clean, ...held];
  const row = (what: string, times: readonly number[]) => ({
    what,
    decisions: times.length,
    medianMs: rounded(median(times)),
    p99Ms: rounded(quantile(times, 0.99)),
    maxMs: rounded(Math.max(...times)),
  });
  return {
    name: 'risk',
    rows: [row('approved', clean), row('held, with a case', held), row('all', all)],
    ratios: { 'plain SQL over the history / a whole decision': rounded(plainMs / median(all)) },
    targets: [
      {
        what: `a risk decision with ${history} payments of history, p99`,
        value: rounded(quantile(all, 0.99)),
        unit: 'ms',
        limit: { atMost: LIMIT_MS },
      },
    ],
    notes: [
      `Plain SQL over the history: ${rounded(plainMs)} ms.`,
      `Factors that gave points: ${found.factors.join(', ')}.`,
      'Each decision reads 21 transactions and 36 addresses back, writes decision, hold, event and ' +
        'history in one transaction that is flushed to disk, and opens a case where it holds.',
    ],
  };
}
