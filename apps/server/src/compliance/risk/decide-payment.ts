import type { JsonValue, RiskOutcome } from '@quittance/contract';
import type { Ids, Uuid } from '@quittance/kernel';
import { type Database, planByKeys, together } from '../../platform/db/index.ts';
import { canonicalJson } from '../../platform/http/index.ts';
import { readTipHeight } from '../../receiving/orders/index.ts';
import { applyPaymentEvents, lockOrdersWithPayments } from '../../receiving/payments/index.ts';
import { lockAlertPlace, type NewComplianceAlert, writeComplianceAlert } from '../cases/index.ts';
import { readRunningConfigs, type RunningConfig } from './config-store.ts';
import { decide, ENGINE, outcomeText } from './decide.ts';
import { insertDecisions, type StoredDecision } from './decision-store.ts';
import type { RiskFacts } from './facts.ts';
import { type ChainFacts, factsOf, lockOwnRecord, saveOwnRecord } from './gather-facts.ts';
import { endClaim, paymentIn, type PaymentToScreen } from './queue-store.ts';

export type Decided = { action: RiskOutcome['action']; mode: 'on' | 'shadow' };

/**
 * Decides about one payment and does what follows, all in one transaction: the decision with its facts,
 * the payment's event with the ledger and what is told, the alert with its case, the history for the
 * payments to come. A payment that was decided meanwhile is left as it is. What is read takes one round
 * trip to the database, and so does what is written.
 * @param known the payment as it was when its coins were followed back
 * @returns null where there was nothing to decide any more
 */
export async function decidePayment(
  database: Database,
  deps: { ids: Ids; nowMs: number },
  { known, chain }: { known: PaymentToScreen; chain: ChainFacts },
): Promise<Decided | null> {
  const atMs = deps.nowMs;
  return await database.asSystem(async (tx) => {
    const [, locked, record, tipHeight] = await together([
      planByKeys(tx),
      // First of all, as everywhere: from here on nobody else changes the payment.
      lockOrdersWithPayments(tx, [known.orderId]),
      lockOwnRecord(tx, known, { chain, atMs }),
      readTipHeight(tx),
    ]);
    const payment = paymentIn(locked, known);
    if (payment === undefined || !isDue(payment)) {
      await endClaim(tx, known);
      return null;
    }
    const running = record.running ?? (await readRunningConfigs(tx, { ...known, nowMs: atMs }));
    const { active, shadow } = running;
    const facts = factsOf(payment, { chain, record, atMs });
    const mode = payment.hold === 'screening' ? 'on' : 'shadow';
    const outcome = decide(facts, active.config);
    const approved = outcome.action === 'approve';
    const id = deps.ids.next();
    const made = decisionsOf({ payment, facts, mode, atMs });
    const own = made({ id, config: active, trial: false, outcome });
    const trial =
      shadow === null ? [] : [made({ id: deps.ids.next(), config: shadow, trial: true })];
    const verdict = approved ? 'approve' : 'hold';
    const event = { type: 'screened', paymentId: payment.paymentId, verdict } as const;
    const batch = [{ orderId: payment.orderId, events: [event] }];
    const learn = approved && !record.isOrderKnown;
    const place = mode === 'on' && !approved ? await lockAlertPlace(tx, subjectOf(known)) : null;
    const alert =
      place === null
        ? null
        : writeComplianceAlert(tx, deps, {
            ...{ place, alert: alertOf({ payment, facts, outcome, decisionId: id }) },
          });
    const caseId = alert?.caseId ?? null;
    await together([
      alert?.written ?? Promise.resolve(),
      saveOwnRecord(tx, payment, { chain, record, learn, atMs }),
      insertDecisions(tx, [{ ...own, caseId }, ...trial]),
      applyPaymentEvents(tx, { ...deps, tipHeight }, batch, locked),
    ]);
    return { action: outcome.action, mode };
  });
}

function isDue({ hold }: PaymentToScreen): boolean {
  return hold === 'screening' || hold === 'shadow';
}

/** Writes down decisions that rest on the same facts. */
function decisionsOf(on: {
  payment: PaymentToScreen;
  facts: RiskFacts;
  mode: 'on' | 'shadow';
  atMs: number;
}) {
  const { merchantId, paymentId, orderId } = on.payment;
  const facts = canonicalJson(on.facts);
  return (by: {
    id: Uuid;
    config: RunningConfig;
    trial: boolean;
    outcome?: RiskOutcome;
  }): Omit<StoredDecision, 'factsHash'> => {
    const outcome = by.outcome ?? decide(on.facts, by.config.config);
    const { score, level, action } = outcome;
    return {
      ...{ merchantId, id: by.id, paymentId, orderId, mode: on.mode, trial: by.trial },
      ...{ configVersion: by.config.version, engine: ENGINE, score, level, action, facts },
      ...{ outcome: outcomeText(outcome), caseId: null, decidedAtMs: on.atMs },
    };
  };
}

function subjectOf({ merchantId, paymentId }: PaymentToScreen) {
  return { merchantId, subject: { type: 'payment', id: paymentId } } as const;
}

function alertOf(about: {
  payment: PaymentToScreen;
  facts: RiskFacts;
  outcome: RiskOutcome;
  decisionId: Uuid;
}): NewComplianceAlert {
  const { payment, outcome, facts, decisionId } = about;
  const { orderId } = payment;
  const why = outcome.reasons.map(({ factor, points }) => `${factor} ${points}`).join(', ');
  return {
    ...subjectOf(payment),
    // A payment is decided once, so this is written once too.
    dedupeKey: `risk:${payment.paymentId}`,
    source: 'risk',
    rule: outcome.reasons[0]?.factor ?? 'score',
    severity: outcome.level === 'HIGH' ? 'high' : 'medium',
    summary: `Payment scored ${outcome.score} (${outcome.level}): ${why}.`,
    // Both are JSON by their types; the round trip leaves nothing else in them.
    facts: JSON.parse(canonicalJson({ decisionId, orderId, outcome, facts })) as JsonValue,
  };
}
