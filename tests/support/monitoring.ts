import { randomBytes, randomUUID } from 'node:crypto';
import { defaultMonitoringSettings } from '@quittance/contract';
import { z } from 'zod';
import type { TestApi, TestMerchant } from './api.ts';

const made = z.object({ id: z.string() });
const raised = z.object({ id: z.string(), caseId: z.string() });
const settings = defaultMonitoringSettings;
export const monitoringBodies = {
  proposeMonitoringConfig: { settings, reason: 'x' },
  decideMonitoringConfig: { approve: false },
  createMonitoringBacktest: { settings },
  linkMonitoredParties: { parties: ['reference:a', 'reference:b'], reason: 'x' },
};

/** Gives a store one of everything that monitoring keeps. @returns the id of its settings */
export async function fillMonitoring(
  api: Pick<TestApi, 'send' | 'database'>,
  { id, key }: TestMerchant,
): Promise<string> {
  const post = async (path: string, body: unknown) =>
    made.parse((await api.send('POST', `/v1/compliance/monitoring/${path}`, { key, body })).body);
  const config = await post('configs', monitoringBodies.proposeMonitoringConfig);
  await post('backtests', monitoringBodies.createMonitoringBacktest);
  await post('links', monitoringBodies.linkMonitoredParties);
  const alert = { subject: { type: 'party', id: randomUUID() }, severity: 'low', summary: 'x' };
  const answer = await api.send('POST', '/v1/compliance/alerts', { key, body: alert });
  const { id: alertId, caseId } = raised.parse(answer.body);
  await api.database.asSystem(async (tx) => {
    await tx.query(
      `INSERT INTO monitoring_feed (merchant_id, running, started_at, last_seq, processed_seq)
       VALUES ($1, false, now(), 1, 1)`,
      [id],
    );
    await tx.query(
      `INSERT INTO monitoring_movement (merchant_id, seq, key, name, event_id, at, direction, party,
              counterparty, is_service, amount_sats, currency, is_fiat_leg, links, marks)
       VALUES ($1, 1, $2, $2, $3, now(), 'in', 'reference:a', 'address:b', false, 1, 'USD', true,
              '{}', '[]')`,
      [id, `payment:${randomBytes(8).toString('hex')}`, randomUUID()],
    );
    await tx.query(
      `INSERT INTO monitoring_state (merchant_id, kind, subject, state, updated_at)
       VALUES ($1, 'shares', 'reference:a', '{"links": []}', now())`,
      [id],
    );
    await tx.query(
      `INSERT INTO monitoring_finding (merchant_id, seq, rule, party, alert_id, case_id, names,
              raised_at) VALUES ($1, 1, 'cycle', 'reference:a', $2, $3, '{}', now())`,
      [id, alertId, caseId],
    );
  });
  return config.id;
}

/** A call of each POST, for the walk that repeats them. */
export async function monitoringPosts(
  api: Pick<TestApi, 'send'>,
  { key }: TestMerchant,
): Promise<Record<string, { path?: string; body: object }>> {
  const body = monitoringBodies.proposeMonitoringConfig;
  const path = '/v1/compliance/monitoring';
  const config = made.parse((await api.send('POST', `${path}/configs`, { key, body })).body);
  return {
    [`${path}/configs`]: { body },
    [`${path}/configs/:id/decide`]: {
      path: `${path}/configs/${config.id}/decide`,
      body: monitoringBodies.decideMonitoringConfig,
    },
    [`${path}/backtests`]: { body: monitoringBodies.createMonitoringBacktest },
    [`${path}/links`]: { body: monitoringBodies.linkMonitoredParties },
  };
}
