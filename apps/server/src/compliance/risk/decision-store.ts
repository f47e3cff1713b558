import type { RiskAction, RiskLevel } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';

/** A decision as it is written: facts and outcome are the very bytes. */
export type StoredDecision = {
  merchantId: Uuid;
  id: Uuid;
  paymentId: Uuid;
  orderId: Uuid;
  mode: 'on' | 'shadow';
  trial: boolean;
  configVersion: number;
  engine: number;
  score: number;
  level: RiskLevel;
  action: RiskAction;
  facts: string;
  factsHash: string;
  outcome: string;
  caseId: Uuid | null;
  decidedAtMs: number;
};

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  payment_id: Uuid;
  order_id: Uuid;
  mode: 'on' | 'shadow';
  trial: boolean;
  config_version: number;
  engine: number;
  score: number;
  level: RiskLevel;
  action: RiskAction;
  facts: string;
  facts_hash: string;
  outcome: string;
  case_id: Uuid | null;
  decided_at: Date;
};

const COLUMNS = `merchant_id, id, payment_id, order_id, mode, trial, config_version, engine, score,
  level, action, facts, encode(facts_hash, 'hex') AS facts_hash, outcome, case_id, decided_at`;

export async function insertDecisions(
  tx: Tx,
  decisions: readonly Omit<StoredDecision, 'factsHash'>[],
): Promise<void> {
  await together(
    decisions.map((each) =>
      tx.query(
        `INSERT INTO risk_decision (merchant_id, id, payment_id, order_id, mode, trial,
              config_version, engine, score, level, action, facts, facts_hash, outcome, case_id,
              decided_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
               sha256(convert_to($12, 'UTF8')), $13, $14, $15)`,
        [
          ...[each.merchantId, each.id, each.paymentId, each.orderId, each.mode, each.trial],
          ...[each.configVersion, each.engine, each.score, each.level, each.action, each.facts],
          ...[each.outcome, each.caseId, new Date(each.decidedAtMs)],
        ],
      ),
    ),
  );
}

export async function readDecision(
  tx: Tx,
  own: { merchantId: Uuid; id: Uuid },
): Promise<StoredDecision | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM risk_decision WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : decisionOf(row);
}

/** A merchant's decisions, the newest first. */
export async function readDecisions(
  tx: Tx,
  filter: {
    merchantId: Uuid;
    startingAfter?: Uuid | undefined;
    paymentId?: Uuid | undefined;
    orderId?: Uuid | undefined;
    level?: RiskLevel | undefined;
    limit: number;
  },
): Promise<StoredDecision[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM risk_decision
      WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id < $2)
        AND ($3::uuid IS NULL OR payment_id = $3) AND ($4::uuid IS NULL OR order_id = $4)
        AND ($5::text IS NULL OR level = $5)
      ORDER BY id DESC LIMIT $6`,
    [
      ...[filter.merchantId, filter.startingAfter ?? null, filter.paymentId ?? null],
      ...[filter.orderId ?? null, filter.level ?? null, filter.limit],
    ],
  );
  return rows.map(decisionOf);
}

function decisionOf(row: Row): StoredDecision {
  return {
    ...{ merchantId: row.merchant_id, id: row.id, paymentId: row.payment_id },
    ...{ orderId: row.order_id, mode: row.mode, trial: row.trial },
    ...{ configVersion: row.config_version, engine: row.engine, score: row.score },
    ...{ level: row.level, action: row.action, facts: row.facts, factsHash: row.facts_hash },
    ...{ outcome: row.outcome, caseId: row.case_id, decidedAtMs: row.decided_at.getTime() },
  };
}
