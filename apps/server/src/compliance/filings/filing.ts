import type { FilingError, FilingFacts, FilingKind, FilingState } from '@quittance/contract';
import { unreachable, type Uuid } from '@quittance/kernel';
import type { FilingSummary } from './findings.ts';

/** What would be sent, and what the authority's schema says of it. */
export type FilingDocument = {
  readonly xml: string;
  readonly sha256: string;
  readonly summary: FilingSummary;
  readonly validation: 'valid' | 'unvalidated';
  /** Which schema, or why there was none. */
  readonly validationDetail: string;
};

export type Filing = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly kind: FilingKind;
  readonly caseId: Uuid | null;
  readonly correctsId: Uuid | null;
  readonly state: FilingState;
  readonly facts: FilingFacts;
  readonly dueAtMs: number | null;
  readonly document: FilingDocument | null;
  /** Everybody who wrote any of it, as `actorOf` names them. */
  readonly authors: readonly string[];
  readonly approvedBy: string | null;
  readonly approvedAtMs: number | null;
  readonly submittedBy: string | null;
  readonly submittedAtMs: number | null;
  readonly submissionReference: string | null;
  readonly authorityId: string | null;
  readonly answeredAtMs: number | null;
  readonly errors: readonly FilingError[];
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly version: number;
};

/** The authority's answer to what was submitted. */
export type AuthorityAnswer = {
  readonly accepted: boolean;
  readonly authorityId: string | null;
  readonly errors: readonly FilingError[];
};

export type FilingEvent =
  | { readonly kind: 'edited'; readonly facts: FilingFacts; readonly dueAtMs: number | null }
  | { readonly kind: 'prepared'; readonly document: FilingDocument }
  | { readonly kind: 'returned'; readonly reason: string }
  | {
      readonly kind: 'approved';
      readonly documentSha256: string;
      readonly acceptUnvalidated: boolean;
      /** Whether one of the authors is the same person (tenancy/keys). */
      readonly byAuthor: boolean;
    }
  | { readonly kind: 'submitted'; readonly reference: string | null }
  | ({ readonly kind: 'answered' } & AuthorityAnswer)
  | { readonly kind: 'withdrawn'; readonly reason: string };

export type FilingRefusal =
  | 'submitted_already'
  | 'ended'
  | 'not_prepared'
  | 'other_document'
  | 'unvalidated'
  | 'own_work'
  | 'not_approved'
  | 'not_submitted'
  | 'other_kind';

export type FilingChange =
  | { readonly ok: true; readonly next: Filing }
  | { readonly ok: false; readonly refusal: FilingRefusal };

/**
 * What an event makes of a filing. Pure; the whole way from a draft to the authority's answer:
 * draft → prepared → approved → submitted → acknowledged | rejected. Editing takes it back to draft
 * and its approval away; after it is submitted nothing but the answer is possible.
 */
export function changeFiling(
  before: Filing,
  event: FilingEvent,
  { by, atMs }: { by: string; atMs: number },
): FilingChange {
  const { state } = before;
  const at = { ...before, updatedAtMs: atMs, version: before.version + 1 };
  if (event.kind === 'answered') {
    if (state !== 'submitted') return no(hasEnded(state) ? 'ended' : 'not_submitted');
    const { accepted, authorityId, errors } = event;
    const next = accepted ? 'acknowledged' : 'rejected';
    return yes({ ...at, state: next, authorityId, errors, answeredAtMs: atMs });
  }
  if (hasEnded(state)) return no('ended');
  if (state === 'submitted') return no('submitted_already');
  switch (event.kind) {
    case 'edited': {
      if (event.facts.kind !== before.kind) return no('other_kind');
      const { facts, dueAtMs } = event;
      return yes({ ...unapproved(at), facts, dueAtMs, document: null, authors: authors(at, by) });
    }
    case 'prepared': {
      const { document } = event;
      return yes({ ...unapproved(at), state: 'prepared', document, authors: authors(at, by) });
    }
    case 'returned':
      return yes({ ...unapproved(at), document: null });
    case 'approved':
      return approve(at, event, { by, atMs });
    case 'submitted':
      if (state !== 'approved') return no('not_approved');
      return yes({
        ...at,
        state: 'submitted',
        submittedBy: by,
        submittedAtMs: atMs,
        submissionReference: event.reference,
      });
    case 'withdrawn':
      return yes({ ...at, state: 'withdrawn' });
    default:
      return unreachable(event);
  }
}

function approve(
  at: Filing,
  event: Extract<FilingEvent, { kind: 'approved' }>,
  { by, atMs }: { by: string; atMs: number },
): FilingChange {
  const { document } = at;
  if (at.state !== 'prepared' || document === null) return no('not_prepared');
  if (document.sha256 !== event.documentSha256) return no('other_document');
  if (document.validation === 'unvalidated' && !event.acceptUnvalidated) return no('unvalidated');
  if (event.byAuthor || at.authors.includes(by)) return no('own_work');
  return yes({ ...at, state: 'approved', approvedBy: by, approvedAtMs: atMs });
}

export function hasEnded(state: FilingState): boolean {
  return state === 'acknowledged' || state === 'rejected' || state === 'withdrawn';
}

function unapproved(at: Filing): Filing {
  return { ...at, state: 'draft', approvedBy: null, approvedAtMs: null };
}

function authors(at: Filing, by: string): string[] {
  return [...new Set([...at.authors, by])];
}

function yes(next: Filing): FilingChange {
  return { ok: true, next };
}

function no(refusal: FilingRefusal): FilingChange {
  return { ok: false, refusal };
}
