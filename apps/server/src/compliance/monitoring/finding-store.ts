import type { MonitoringRule } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** Which alert was raised for which movements. */
export type RaisedFinding = {
  readonly merchantId: Uuid;
  /** The movement that completed it. */
  readonly seq: number;
  readonly rule: MonitoringRule;
  readonly party: string;
  readonly configId: Uuid | null;
  readonly alertId: Uuid;
  readonly caseId: Uuid;
  readonly names: readonly string[];
  readonly raisedAtMs: number;
};

/** A movement that many alerts rest on is told of in so many cases. */
const MAX_TOLD = 50;

export async function insertFinding(tx: Tx, found: RaisedFinding): Promise<void> {
  await tx.query(
    `INSERT INTO monitoring_finding (merchant_id, seq, rule, party, config_id, alert_id, case_id,
            names, raised_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT DO NOTHING`,
    [
      found.merchantId,
      found.seq,
      found.rule,
      found.party,
      found.configId,
      found.alertId,
      found.caseId,
      found.names,
      new Date(found.raisedAtMs),
    ],
  );
}

/** The newest findings that rest on a movement. */
export async function findFindingsOn(
  tx: Tx,
  { merchantId, name }: { merchantId: Uuid; name: string },
): Promise<Pick<RaisedFinding, 'rule' | 'party' | 'alertId'>[]> {
  return await tx.query(
    `SELECT rule, party, alert_id AS "alertId" FROM monitoring_finding
      WHERE merchant_id = $1 AND names @> ARRAY[$2] ORDER BY seq DESC LIMIT $3`,
    [merchantId, name, MAX_TOLD],
  );
}
