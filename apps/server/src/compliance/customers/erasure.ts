import type { CustomerErasureRule } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { addMonths, DAY_MS } from './calendar.ts';

/** A request for erasure, or the end of a relationship, and what has become of it. */
export type Erasure = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly customerId: Uuid;
  /** request: the customer asked. retention: nobody did; what is not needed any more goes. */
  readonly cause: 'request' | 'retention';
  readonly rule: CustomerErasureRule;
  readonly dueAtMs: number | null;
  readonly requestedBy: string;
  readonly requestedAtMs: number;
  readonly decidedAtMs: number;
  readonly doneAtMs: number | null;
};

/** All that decides whether somebody may be erased. */
export type ErasureFacts = {
  readonly cause: Erasure['cause'];
  readonly endedAtMs: number;
  readonly lastOrderAtMs: number | null;
  readonly lastCaseClosedAtMs: number | null;
  /** A verification was ever in force. */
  readonly wasVerified: boolean;
  readonly hasOpenCase: boolean;
  /** One that nothing was paid for, and that can still be paid. */
  readonly hasOpenOrder: boolean;
  readonly openHits: number;
  readonly isBlocked: boolean;
  /** Has a part of an entity that is still a customer: its file would have a hole. */
  readonly ownsCustomer: boolean;
  readonly retentionMonths: number;
};

export type ErasureDecision =
  | { readonly erase: true; readonly rule: 'no_duty' | 'retention_over' }
  | {
      readonly erase: false;
      readonly rule: Exclude<CustomerErasureRule, 'no_duty' | 'retention_over'>;
      /** When it is looked at again. */
      readonly dueAtMs: number;
    };

/** What stands in the way of erasure may go away on any day; nobody is told of it here. */
const LOOK_AGAIN_MS = 7 * DAY_MS;
/** Without a duty and without a request, somebody may still come back within this time. */
const GRACE_MONTHS = 1;

/**
 * Whether a customer may be erased. The right to it (GDPR art. 17(1)) ends where a law asks for the
 * data (art. 17(3)(b)): from the first verification or paid order on, until so many months after the
 * relationship, the last order and the last case have all ended. What is open comes first.
 */
export function decideErasure(facts: ErasureFacts, nowMs: number): ErasureDecision {
  const again = (
    rule: 'open_case' | 'open_order' | 'open_hit' | 'blocked' | 'owns_customer',
  ): ErasureDecision => ({
    ...{ erase: false, rule, dueAtMs: nowMs + LOOK_AGAIN_MS },
  });
  if (facts.hasOpenCase) return again('open_case');
  if (facts.hasOpenOrder) return again('open_order');
  if (facts.openHits > 0) return again('open_hit');
  if (facts.isBlocked) return again('blocked');
  if (facts.ownsCustomer) return again('owns_customer');
  const { cause, endedAtMs, lastOrderAtMs, lastCaseClosedAtMs, wasVerified } = facts;
  const hasDuty = wasVerified || lastOrderAtMs !== null || lastCaseClosedAtMs !== null;
  if (!hasDuty && cause === 'request') return { erase: true, rule: 'no_duty' };
  const lastMs = Math.max(endedAtMs, lastOrderAtMs ?? 0, lastCaseClosedAtMs ?? 0);
  const untilMs = addMonths(lastMs, hasDuty ? facts.retentionMonths : GRACE_MONTHS);
  if (nowMs < untilMs) return { erase: false, rule: 'retention_period', dueAtMs: untilMs };
  return { erase: true, rule: hasDuty ? 'retention_over' : 'no_duty' };
}
