import type { JsonValue } from '@quittance/contract';
import { type Currency, isoTime, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { type CaseTelling, raiseComplianceAlert } from '../cases/index.ts';
import type { Finding } from './finding.ts';
import { money } from './finding.ts';
import { findFindingsOn, insertFinding } from './finding-store.ts';
import { type RecordedMovement, readMovementsByName } from './movement-store.ts';
import { subjectOf } from './parties.ts';

/** An alert's facts describe so many movements at most; their number and sum count all. */
const MAX_DESCRIBED = 50;

type Rules = {
  readonly configId: Uuid | null;
  readonly version: number;
  readonly currency: Currency;
};

/**
 * Raises an alert for what was found, with every fact that it rests on, and notes on which movements.
 * The same finding told twice is one alert.
 */
export async function raiseFinding(
  tx: Tx,
  telling: CaseTelling,
  about: { merchantId: Uuid; seq: number; finding: Finding; rules: Rules },
): Promise<void> {
  const { merchantId, seq, finding, rules } = about;
  const { rule, party, severity, summary, movementIds } = finding;
  const names = movementIds.slice(-MAX_DESCRIBED);
  const movements = await readMovementsByName(tx, { merchantId, names });
  const facts: JsonValue = {
    ...finding.facts,
    party,
    configuration: rules.version,
    at: isoTime(finding.atMs),
    movements: movements.map((movement) => describe(movement, rules.currency)),
  };
  const { alertId, caseId } = await raiseComplianceAlert(tx, telling, {
    ...{ merchantId, source: 'monitoring', rule, subject: subjectOf(party), severity, summary },
    ...{ facts, dedupeKey: `monitoring:${rule}:${seq}` },
  });
  const { nowMs: raisedAtMs } = telling;
  await insertFinding(tx, {
    ...{ merchantId, seq, rule, party, configId: rules.configId, alertId, caseId, raisedAtMs },
    names: movementIds,
  });
}

function describe(movement: RecordedMovement, currency: Currency): JsonValue {
  const { id, atMs, direction, party, counterparty, amountMinor, amountSats } = movement;
  const { rateSource } = movement;
  return {
    ...{ id, at: isoTime(atMs), direction, party, counterparty, amountSats: String(amountSats) },
    amount: amountMinor === null ? null : money(amountMinor, currency),
    rate: rateSource,
  };
}

/**
 * Says, in the case of each alert that rests on a movement, that the movement is undone. The alert
 * stays: it was true when it was raised, and what a person makes of it is his.
 */
export async function tellOfCorrection(
  tx: Tx,
  telling: CaseTelling,
  { merchantId, movement }: { merchantId: Uuid; movement: RecordedMovement },
): Promise<void> {
  const { id, seq, direction } = movement;
  for (const found of await findFindingsOn(tx, { merchantId, name: id })) {
    const said = direction === 'in' ? 'is no longer confirmed' : 'is no longer in the chain';
    await raiseComplianceAlert(tx, telling, {
      ...{ merchantId, source: 'monitoring', rule: 'correction', severity: 'low' },
      subject: subjectOf(found.party),
      summary: `A payment that the alert "${found.rule}" rests on ${said}: ${id}.`,
      facts: {
        alertId: found.alertId,
        rule: found.rule,
        movement: id,
        sats: String(movement.amountSats),
      },
      dedupeKey: `monitoring:correction:${seq}:${found.alertId}`,
    });
  }
}
