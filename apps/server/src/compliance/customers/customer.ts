import type {
  CustomerKind,
  CustomerLevel,
  CustomerRisk,
  CustomerRiskReason,
  CustomerSettings,
  CustomerState,
} from '@quittance/contract';
import { assert, type Uuid, unreachable } from '@quittance/kernel';
import { addMonths, DAY_MS } from './calendar.ts';

/** A customer without what says who it is, which lies sealed beside it. */
export type Customer = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly kind: CustomerKind;
  readonly state: CustomerState;
  readonly verifiedLevel: CustomerLevel;
  readonly verifiedAtMs: number | null;
  /** When the first document of the verification in force runs out. */
  readonly validUntilMs: number | null;
  readonly reviewDueAtMs: number | null;
  readonly reviewToldAtMs: number | null;
  readonly risk: CustomerRisk;
  readonly riskReasons: readonly CustomerRiskReason[];
  readonly riskOverride: CustomerRisk | null;
  readonly pep: boolean;
  readonly block: Block | null;
  readonly ownerBlocked: boolean;
  readonly endedAtMs: number | null;
  readonly screenDueAtMs: number | null;
  readonly screenedAtMs: number | null;
  readonly screenedWith: readonly string[];
  readonly sealedKey: Uint8Array | null;
  readonly sealedProfile: Uint8Array | null;
  readonly erasedAtMs: number | null;
  readonly version: number;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

export type Block = {
  readonly atMs: number;
  readonly by: string;
  readonly because: 'sanctions' | 'officer' | 'case';
};

export type CustomerEvent =
  | {
      readonly type: 'verified';
      readonly level: Exclude<CustomerLevel, 'none'>;
      /** When the first document that it rests on runs out. */
      readonly validUntilMs: number | null;
    }
  | { readonly type: 'rejected' }
  | { readonly type: 'reopened' }
  /** The profile was changed; `material` where that is what a verification proves. */
  | { readonly type: 'changed'; readonly material: boolean }
  | { readonly type: 'reviewed' }
  | {
      readonly type: 'risk_assessed';
      readonly risk: CustomerRisk;
      readonly reasons: readonly CustomerRiskReason[];
      readonly ownerBlocked: boolean;
    }
  | { readonly type: 'risk_set'; readonly override: CustomerRisk | null }
  | { readonly type: 'pep_confirmed' }
  | { readonly type: 'blocked'; readonly by: string; readonly because: Block['because'] }
  | { readonly type: 'unblocked' }
  | { readonly type: 'ended'; readonly endedAtMs: number }
  /** Nothing but that it is later now. */
  | { readonly type: 'time' };

/** Why an event can not be: a stable code for the one who asked. */
export type CustomerRefusal =
  | 'erased'
  | 'ended'
  | 'blocked'
  | 'rejected'
  | 'wrong_state'
  | 'expired';

export type CustomerStep =
  | { readonly ok: true; readonly customer: Customer; readonly changed: boolean }
  | { readonly ok: false; readonly because: CustomerRefusal };

export type CustomerRules = Pick<CustomerSettings, 'reviewMonths' | 'reviewGraceDays'>;

/** A customer as it is when taken in: nothing is proven, and screening is due. Pure. */
export function newCustomer({
  by,
  nowMs,
  ...own
}: Pick<Customer, 'merchantId' | 'id' | 'kind' | 'sealedKey' | 'sealedProfile'> & {
  by: string;
  nowMs: number;
}): Customer {
  return {
    ...own,
    state: 'pending',
    verifiedLevel: 'none',
    verifiedAtMs: null,
    validUntilMs: null,
    reviewDueAtMs: null,
    reviewToldAtMs: null,
    risk: 'low',
    riskReasons: [],
    riskOverride: null,
    pep: false,
    block: null,
    ownerBlocked: false,
    endedAtMs: null,
    screenDueAtMs: nowMs,
    screenedAtMs: null,
    screenedWith: [],
    erasedAtMs: null,
    version: 1,
    createdBy: by,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/**
 * What an event makes of a customer. Pure: the same customer, event, rules and time give the same.
 * Nothing but time, blocks and the end touches a customer that has left; nothing an erased one.
 */
export function applyCustomerEvent(
  customer: Customer,
  event: CustomerEvent,
  { rules, nowMs }: { rules: CustomerRules; nowMs: number },
): CustomerStep {
  if (customer.erasedAtMs !== null) return refuse('erased');
  switch (event.type) {
    case 'verified':
      return verify(customer, event, { rules, nowMs });
    case 'rejected':
      if (customer.endedAtMs !== null) return refuse('ended');
      if (customer.state === 'rejected') return unchanged(customer);
      return changedTo(unverified(customer, 'rejected'), nowMs);
    case 'reopened':
      if (customer.endedAtMs !== null) return refuse('ended');
      if (customer.state === 'pending') return unchanged(customer);
      if (customer.state === 'verified') return refuse('wrong_state');
      return changedTo(unverified(customer, 'pending'), nowMs);
    case 'changed':
      if (customer.endedAtMs !== null) return refuse('ended');
      return changedTo(
        event.material && customer.state === 'verified'
          ? unverified(customer, 'pending')
          : customer,
        nowMs,
      );
    case 'reviewed':
      if (customer.endedAtMs !== null) return refuse('ended');
      if (customer.state !== 'verified') return refuse('wrong_state');
      return changedTo(withReview(customer, { rules, nowMs }), nowMs);
    case 'risk_assessed':
    case 'risk_set':
    case 'pep_confirmed':
      return assess(customer, event, { rules, nowMs });
    case 'blocked': {
      if (customer.block !== null) return unchanged(customer);
      const block = { atMs: nowMs, by: event.by, because: event.because };
      return changedTo({ ...customer, block }, nowMs);
    }
    case 'unblocked':
      if (customer.block === null) return unchanged(customer);
      return changedTo({ ...customer, block: null }, nowMs);
    case 'ended':
      return end(customer, event.endedAtMs, nowMs);
    case 'time':
      return passTime(customer, { rules, nowMs });
    default:
      return unreachable(event);
  }
}

type Now = { rules: CustomerRules; nowMs: number };

function verify(
  customer: Customer,
  event: Extract<CustomerEvent, { type: 'verified' }>,
  now: Now,
): CustomerStep {
  if (customer.endedAtMs !== null) return refuse('ended');
  if (customer.block !== null) return refuse('blocked');
  if (customer.state === 'rejected') return refuse('rejected');
  if (event.validUntilMs !== null && event.validUntilMs <= now.nowMs) return refuse('expired');
  const verified: Customer = {
    ...customer,
    state: 'verified',
    verifiedLevel: event.level,
    verifiedAtMs: now.nowMs,
    validUntilMs: event.validUntilMs,
  };
  return changedTo(withReview(verified, now), now.nowMs);
}

/** A verification that is in force no more; reviews are of verified customers only. */
function unverified(customer: Customer, state: Exclude<CustomerState, 'verified'>): Customer {
  return {
    ...customer,
    state,
    verifiedLevel: 'none',
    verifiedAtMs: null,
    validUntilMs: null,
    reviewDueAtMs: null,
    reviewToldAtMs: null,
  };
}

function withReview(customer: Customer, { rules, nowMs }: Now): Customer {
  const months = rules.reviewMonths[effectiveRisk(customer)];
  return { ...customer, reviewDueAtMs: addMonths(nowMs, months), reviewToldAtMs: null };
}

function assess(
  customer: Customer,
  event: Extract<CustomerEvent, { type: 'risk_assessed' | 'risk_set' | 'pep_confirmed' }>,
  { rules, nowMs }: Now,
): CustomerStep {
  let next = customer;
  if (event.type === 'risk_assessed') {
    const { risk, reasons, ownerBlocked } = event;
    next = { ...customer, risk, riskReasons: [...reasons], ownerBlocked };
  } else if (event.type === 'risk_set') next = { ...customer, riskOverride: event.override };
  else next = { ...customer, pep: true };
  next = withSoonerReview(next, customer, rules);
  return same(next, customer) ? unchanged(customer) : changedTo(next, nowMs);
}

/** A higher risk brings the review forward, counted from the last one; a lower one leaves it. */
function withSoonerReview(next: Customer, before: Customer, rules: CustomerRules): Customer {
  const [was, is] = [effectiveRisk(before), effectiveRisk(next)];
  if (was === is || next.reviewDueAtMs === null) return next;
  const lastMs = addMonths(next.reviewDueAtMs, -rules.reviewMonths[was]);
  const dueMs = addMonths(lastMs, rules.reviewMonths[is]);
  if (dueMs >= next.reviewDueAtMs) return next;
  return { ...next, reviewDueAtMs: dueMs, reviewToldAtMs: null };
}

function same(a: Customer, b: Customer): boolean {
  return (
    a.risk === b.risk &&
    a.riskOverride === b.riskOverride &&
    a.pep === b.pep &&
    a.ownerBlocked === b.ownerBlocked &&
    a.reviewDueAtMs === b.reviewDueAtMs &&
    a.riskReasons.join() === b.riskReasons.join()
  );
}

/** An earlier end may be corrected to a later one, never the other way: it would shorten retention. */
function end(customer: Customer, endedAtMs: number, nowMs: number): CustomerStep {
  if (customer.endedAtMs !== null && customer.endedAtMs >= endedAtMs) return unchanged(customer);
  return changedTo({ ...customer, endedAtMs, screenDueAtMs: null }, nowMs);
}

/** A verification whose documents or review have run out is in force no more. */
function passTime(customer: Customer, { rules, nowMs }: Now): CustomerStep {
  if (customer.state !== 'verified') return unchanged(customer);
  const lateMs =
    customer.reviewDueAtMs === null
      ? Number.POSITIVE_INFINITY
      : customer.reviewDueAtMs + rules.reviewGraceDays * DAY_MS;
  const untilMs = Math.min(customer.validUntilMs ?? Number.POSITIVE_INFINITY, lateMs);
  if (nowMs < untilMs) return unchanged(customer);
  return changedTo(unverified(customer, 'expired'), nowMs);
}

/** What is left of a customer: that there was one, and when. Orders and the log refer to it. */
export function erasedCustomer(customer: Customer, nowMs: number): Customer {
  assert(customer.erasedAtMs === null, 'a customer is erased once');
  assert(customer.block === null, 'who is blocked is kept');
  return {
    ...unverified(customer, customer.state === 'verified' ? 'expired' : customer.state),
    ...{ risk: 'low', riskReasons: [], riskOverride: null, pep: false, ownerBlocked: false },
    ...{ endedAtMs: customer.endedAtMs ?? nowMs, erasedAtMs: nowMs },
    ...{ sealedKey: null, sealedProfile: null, screenDueAtMs: null, screenedWith: [] },
    ...{ version: customer.version + 1, updatedAtMs: nowMs },
  };
}

/** What an officer said, or else the facts. */
export function effectiveRisk({ risk, riskOverride }: Customer): CustomerRisk {
  return riskOverride ?? risk;
}

function changedTo(customer: Customer, nowMs: number): CustomerStep {
  const isVerified = customer.state === 'verified';
  assert(isVerified === (customer.verifiedLevel !== 'none'), 'who is verified has a level');
  assert(isVerified === (customer.verifiedAtMs !== null), 'who is verified was so at a time');
  assert(isVerified || customer.validUntilMs === null, 'only a verification runs out');
  return {
    ok: true,
    changed: true,
    customer: { ...customer, version: customer.version + 1, updatedAtMs: nowMs },
  };
}

function unchanged(customer: Customer): CustomerStep {
  return { ok: true, changed: false, customer };
}

function refuse(because: CustomerRefusal): CustomerStep {
  return { ok: false, because };
}
