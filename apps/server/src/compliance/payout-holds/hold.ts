import type { CaseSubject, ComplianceSeverity, JsonValue } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';

/** Something that speaks against paying a payout. */
export type Objection = {
  /** The same objection has the same name, whenever it is found. */
  readonly key: string;
  /** Whether two persons may have it paid all the same; a block is taken off where it was put on. */
  readonly releasable: boolean;
  readonly source: 'screening' | 'customer';
  readonly subject: CaseSubject;
  readonly severity: ComplianceSeverity;
  /** Never a name of a customer: a case is kept for ever, a customer is not. */
  readonly summary: string;
  readonly facts: { readonly [name: string]: JsonValue };
};

/** What is kept of a payout that something spoke against. */
export type PayoutHold = {
  readonly merchantId: Uuid;
  readonly payoutId: Uuid;
  readonly state: 'noted' | 'held' | 'released' | 'frozen' | 'lifted';
  readonly found: readonly string[];
  readonly released: readonly string[];
  readonly identifiers: readonly string[];
  readonly caseId: Uuid | null;
  readonly version: number;
};

/** Whether a payout may be paid. */
export type Verdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'frozen' }
  /** `isNew`: nobody has been told of it, so that a case has to say it. */
  | { readonly kind: 'held'; readonly objections: readonly Objection[]; readonly isNew: boolean };

/** What is found and what was decided make a verdict. Pure. */
export function judge(objections: readonly Objection[], hold: PayoutHold | undefined): Verdict {
  if (hold?.state === 'frozen') return { kind: 'frozen' };
  const released = new Set(hold?.released ?? []);
  const left = objections.filter(({ key, releasable }) => !(releasable && released.has(key)));
  if (left.length === 0) return { kind: 'fine' };
  const known = new Set(hold?.state === 'held' ? hold.found : []);
  return { kind: 'held', objections: left, isNew: left.some(({ key }) => !known.has(key)) };
}

export type HoldDecision = 'release' | 'dismiss' | 'freeze';

/** What a decided case makes of a hold. undefined: it changes nothing. */
export function decideHold(hold: PayoutHold, decision: HoldDecision): PayoutHold | undefined {
  const next = { ...hold, version: hold.version + 1 };
  switch (decision) {
    case 'freeze':
      return hold.state === 'frozen' ? undefined : { ...next, state: 'frozen' };
    case 'dismiss':
      // A case that comes to nothing lifts no freeze: that takes a release that says so.
      return hold.state === 'held' ? released(next) : undefined;
    case 'release':
      return hold.state === 'held' || hold.state === 'frozen' ? released(next) : undefined;
  }
}

function released(hold: PayoutHold): PayoutHold {
  const all = [...new Set([...hold.released, ...hold.found])];
  return { ...hold, state: 'released', released: all };
}
