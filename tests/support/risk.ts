import type { Ids } from '@quittance/kernel';
import { z } from 'zod';
import { SHIPPED_RISK_CONFIG } from '../../apps/server/src/compliance/risk/index.ts';
import type { TestApi, TestMerchant } from './api.ts';

/** A configuration as somebody writes a new one. */
export const riskConfigBody = { note: 'a trial', config: SHIPPED_RISK_CONFIG };

const CONFIGS = '/v1/compliance/risk/configs';

/** What only the worker writes about a payment of this order: a decision, history, a claim. */
export async function addRiskRows(
  api: TestApi,
  of: { merchantId: string; orderId: string },
  ids: Ids,
): Promise<string> {
  const id = ids.next();
  const own = [of.merchantId, of.orderId];
  await api.database.asSystem(async (tx) => {
    await tx.query(
      `INSERT INTO risk_decision (merchant_id, id, payment_id, order_id, mode, trial,
              config_version, engine, score, level, action, facts, facts_hash, outcome, decided_at)
       SELECT $1, $3, id, order_id, 'shadow', false, 1, 1, 0, 'LOW', 'approve', $4,
              sha256(convert_to($4, 'UTF8')), $5, now()
         FROM payment WHERE merchant_id = $1 AND order_id = $2 LIMIT 1`,
      [
        ...[...own, id, JSON.stringify({ ofMerchant: of.merchantId })],
        '{"action":"approve","level":"LOW","reasons":[],"score":0}',
      ],
    );
    await tx.query(
      `INSERT INTO risk_claim (merchant_id, payment_id, begun_at, due_at, attempts)
       SELECT $1, id, now(), now(), 1 FROM payment WHERE merchant_id = $1 AND order_id = $2 LIMIT 1`,
      own,
    );
    const merchant = [of.merchantId];
    await tx.query(
      `INSERT INTO risk_amounts (merchant_id, currency, payments, sum, sum_of_squares, buckets)
       VALUES ($1, 'EUR', 1, 1, 1, '{}')`,
      merchant,
    );
    await tx.query(
      `INSERT INTO risk_activity (merchant_id, hours, days) VALUES ($1, '{}', '{}')`,
      merchant,
    );
    await tx.query(
      `INSERT INTO risk_source_hour (merchant_id, source, hour, payments)
       VALUES ($1, sha256($1::uuid::text::bytea), 1, 1)`,
      merchant,
    );
  });
  return id;
}

/** A new version of a store's configuration, with its backtest where it shall be used. */
export async function makeRiskConfig(
  api: TestApi,
  key: string,
  withBacktest = false,
): Promise<number> {
  const made = await api.send('POST', CONFIGS, { key, body: riskConfigBody });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  const { version } = z.object({ version: z.number() }).parse(made.body);
  if (withBacktest) await api.send('POST', `${CONFIGS}/${version}/backtests`, { key });
  return version;
}

type Call = { path?: string; key?: string; body?: unknown };

/** A call for each POST about risk, on versions that are made to fit. */
export async function riskCalls(api: TestApi, shop: TestMerchant): Promise<Record<string, Call>> {
  const another = await api.keyFor(shop.id);
  const path = async (what: string, withBacktest = false) =>
    `${CONFIGS}/${await makeRiskConfig(api, shop.key, withBacktest)}/${what}`;
  return {
    [CONFIGS]: { body: riskConfigBody },
    [`${CONFIGS}/:version/backtests`]: { path: await path('backtests') },
    [`${CONFIGS}/:version/shadow`]: { path: await path('shadow', true) },
    [`${CONFIGS}/:version/activate`]: { path: await path('activate', true), key: another },
    [`${CONFIGS}/:version/retire`]: { path: await path('retire') },
  };
}
