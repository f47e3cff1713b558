import type {
  CaseOutcome,
  CaseState,
  CaseSubject,
  ComplianceAlertSource,
  ComplianceSeverity,
  JsonValue,
} from '@quittance/contract';
import { unreachable, type Uuid } from '@quittance/kernel';

/** A decision that waits for a second person. */
export type Proposal = {
  readonly id: Uuid;
  readonly outcome: CaseOutcome;
  readonly reason: string;
  /** As `actorOf` names a key. */
  readonly by: string;
  readonly atMs: number;
};

/** Who decided that a report is to be made, and when. */
export type ReportDecision = {
  readonly proposedBy: string;
  readonly decidedBy: string;
  readonly atMs: number;
};

/** What a case's log adds up to. Times in milliseconds since the Unix epoch. */
export type CaseFacts = {
  readonly subject: CaseSubject;
  readonly state: CaseState;
  /** Of its gravest alert. */
  readonly severity: ComplianceSeverity;
  readonly summary: string;
  readonly openedAtMs: number;
  readonly detectedAtMs: number;
  readonly suspectKnownAtMs: number | null;
  /** The last day for a report; see deadlines.ts. */
  readonly reportDueAtMs: number;
  readonly reportedAtMs: number | null;
  /** Stays when it is decided afterwards what becomes of the money. */
  readonly reportDecision: ReportDecision | null;
  readonly assignee: string | null;
  readonly proposal: Proposal | null;
  readonly outcome: CaseOutcome | null;
  readonly proposedBy: string | null;
  readonly decidedBy: string | null;
  readonly closedAtMs: number | null;
  readonly previousCaseId: Uuid | null;
  readonly reopenings: number;
  readonly alertCount: number;
  readonly updatedAtMs: number;
};

export type Case = CaseFacts & { readonly merchantId: Uuid; readonly id: Uuid };

/** What happens to a case: one entry of its log each. */
export type CaseEvent =
  | {
      readonly kind: 'opened';
      readonly subject: CaseSubject;
      readonly severity: ComplianceSeverity;
      readonly summary: string;
      readonly detectedAtMs: number;
      readonly suspectKnownAtMs: number | null;
      readonly reportDueAtMs: number;
      readonly previousCaseId: Uuid | null;
    }
  | {
      readonly kind: 'alert_joined';
      readonly alertId: Uuid;
      readonly source: ComplianceAlertSource;
      readonly rule: string;
      readonly severity: ComplianceSeverity;
      readonly summary: string;
      readonly facts: JsonValue;
    }
  | { readonly kind: 'assigned'; readonly assignee: string | null }
  | { readonly kind: 'commented'; readonly text: string }
  | { readonly kind: 'evidence_added'; readonly title: string; readonly data: JsonValue }
  | {
      readonly kind: 'clock_set';
      readonly detectedAtMs: number;
      readonly suspectKnownAtMs: number | null;
      readonly reportDueAtMs: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'decision_proposed';
      readonly proposalId: Uuid;
      readonly outcome: CaseOutcome;
      readonly reason: string;
    }
  | { readonly kind: 'proposal_rejected'; readonly proposalId: Uuid; readonly reason: string }
  | { readonly kind: 'decided'; readonly proposalId: Uuid; readonly outcome: CaseOutcome }
  | { readonly kind: 'reported'; readonly reference: string }
  | { readonly kind: 'reopened'; readonly reason: string };

export type CaseRefusal =
  /** Closed cases take comments, evidence and the report only; see `followReport`. */
  | 'closed'
  /** What becomes of the money after a report is proposed once the report is made. */
  | 'not_reported'
  | 'not_closed'
  | 'no_proposal'
  /** The proposal is another than the one that was looked at. */
  | 'other_proposal'
  | 'already_proposed'
  /** The same actor proposed it. Whether two keys are one person is asked before (samePersonAs). */
  | 'own_proposal'
  | 'already_reported'
  | 'no_such_case'
  | 'already_opened';

export type CaseChange =
  | { readonly ok: true; readonly next: CaseFacts }
  | { readonly ok: false; readonly refusal: CaseRefusal };

/** Who does it and when. */
export type CaseDoing = { readonly by: string; readonly atMs: number };

const RANK: Readonly<Record<ComplianceSeverity, number>> = { low: 0, medium: 1, high: 2 };

/**
 * What an event makes of a case. The whole of a case's life goes through here, and its log read from
 * the start gives the case again.
 * @param before null: there is no case yet, so that only `opened` is possible
 */
export function changeCase(
  before: CaseFacts | null,
  event: CaseEvent,
  doing: CaseDoing,
): CaseChange {
  if (event.kind === 'opened') return before === null ? open(event, doing) : no('already_opened');
  if (before === null) return no('no_such_case');
  const at = { ...before, updatedAtMs: doing.atMs };
  switch (event.kind) {
    case 'commented':
    case 'evidence_added':
      return yes(at);
    case 'reported':
      return before.reportedAtMs === null
        ? yes({ ...at, reportedAtMs: doing.atMs })
        : no('already_reported');
    case 'reopened':
      return before.state === 'closed' ? yes(reopen(at)) : no('not_closed');
    case 'decision_proposed':
      return before.state === 'closed' ? followReport(at, event, doing) : work(at, event, doing);
    case 'alert_joined':
    case 'assigned':
    case 'clock_set':
    case 'proposal_rejected':
    case 'decided':
      return before.state === 'closed' ? no('closed') : work(at, event, doing);
    default:
      return unreachable(event);
  }
}

type Proposed = Extract<CaseEvent, { kind: 'decision_proposed' }>;

/**
 * A report alone moves no money. Once it is made, what becomes of the money is decided in the same
 * case, by two persons again: the case is open from this proposal until then.
 */
function followReport(at: CaseFacts, event: Proposed, doing: CaseDoing): CaseChange {
  if (at.outcome !== 'report' || event.outcome === 'report') return no('closed');
  if (at.reportedAtMs === null) return no('not_reported');
  return yes(propose({ ...at, ...undecided }, event, doing));
}

/** What a case that is not closed has of a decision. */
const undecided = { outcome: null, proposedBy: null, decidedBy: null, closedAtMs: null } as const;

type WorkKind =
  | 'alert_joined'
  | 'assigned'
  | 'clock_set'
  | 'decision_proposed'
  | 'proposal_rejected'
  | 'decided';

/** What is possible while a case is not closed. */
function work(
  at: CaseFacts,
  event: Extract<CaseEvent, { kind: WorkKind }>,
  doing: CaseDoing,
): CaseChange {
  switch (event.kind) {
    case 'alert_joined':
      return yes(joinAlert(at, event.severity));
    case 'assigned':
      return yes(assign(at, event.assignee));
    case 'clock_set': {
      const { detectedAtMs, suspectKnownAtMs, reportDueAtMs } = event;
      return yes({ ...at, detectedAtMs, suspectKnownAtMs, reportDueAtMs });
    }
    case 'decision_proposed':
      return at.proposal === null ? yes(propose(at, event, doing)) : no('already_proposed');
    case 'proposal_rejected':
      if (at.proposal === null) return no('no_proposal');
      if (at.proposal.id !== event.proposalId) return no('other_proposal');
      return yes({ ...at, state: 'in_review', proposal: null });
    case 'decided':
      return decide(at, event, doing);
    default:
      return unreachable(event);
  }
}

function open(event: Extract<CaseEvent, { kind: 'opened' }>, { atMs }: CaseDoing): CaseChange {
  const { kind: _, ...same } = event;
  return yes({
    ...same,
    state: 'open',
    openedAtMs: atMs,
    reportedAtMs: null,
    reportDecision: null,
    assignee: null,
    proposal: null,
    outcome: null,
    proposedBy: null,
    decidedBy: null,
    closedAtMs: null,
    reopenings: 0,
    alertCount: 0,
    updatedAtMs: atMs,
  });
}

function propose(at: CaseFacts, event: Proposed, doing: CaseDoing): CaseFacts {
  const { proposalId: id, outcome, reason } = event;
  return { ...at, state: 'decision_proposed', proposal: { id, outcome, reason, ...doing } };
}

/** A proposal was made without knowing of this alert, so it counts no more. */
function joinAlert(at: CaseFacts, severity: ComplianceSeverity): CaseFacts {
  const graver = RANK[severity] > RANK[at.severity] ? severity : at.severity;
  const state = at.state === 'decision_proposed' ? 'in_review' : at.state;
  return { ...at, state, proposal: null, severity: graver, alertCount: at.alertCount + 1 };
}

/** Somebody to work on it means that it is worked on. */
function assign(at: CaseFacts, assignee: string | null): CaseFacts {
  const isWaiting = at.state === 'open' || at.state === 'reopened';
  const state = isWaiting && assignee !== null ? 'in_review' : at.state;
  return { ...at, state, assignee };
}

function decide(
  at: CaseFacts,
  event: Extract<CaseEvent, { kind: 'decided' }>,
  { by, atMs }: CaseDoing,
): CaseChange {
  const { proposal } = at;
  if (proposal === null) return no('no_proposal');
  const { id, outcome } = proposal;
  if (id !== event.proposalId || outcome !== event.outcome) return no('other_proposal');
  if (proposal.by === by) return no('own_proposal');
  const who = { proposedBy: proposal.by, decidedBy: by };
  const reportDecision = outcome === 'report' ? { ...who, atMs } : at.reportDecision;
  return yes({
    ...at,
    state: 'closed',
    proposal: null,
    outcome,
    ...who,
    closedAtMs: atMs,
    reportDecision,
  });
}

/** What was done stays in the log; the case is to be decided anew. A report that is made stays made. */
function reopen(at: CaseFacts): CaseFacts {
  return {
    ...at,
    ...undecided,
    state: 'reopened',
    reportDecision: at.reportedAtMs === null ? null : at.reportDecision,
    reopenings: at.reopenings + 1,
  };
}

function yes(next: CaseFacts): CaseChange {
  return { ok: true, next };
}

function no(refusal: CaseRefusal): CaseChange {
  return { ok: false, refusal };
}
