import { caseOutcomes, complianceSeverities } from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CaseEvent, type CaseFacts, changeCase } from './case.ts';

const people = ['key:ann', 'key:bob', 'key:cid'];
const ids = ['p1', 'p2', 'p3'];
const severity = fc.constantFrom(...complianceSeverities);
const outcome = fc.constantFrom(...caseOutcomes);
const text = fc.string({ maxLength: 5 });
const time = fc.integer({ min: 0, max: 10_000 });

const event: fc.Arbitrary<CaseEvent> = fc.oneof(
  fc.record({
    ...{ kind: fc.constant('opened' as const), severity, summary: text },
    subject: fc.record({ type: fc.constant('payment' as const), id: text }),
    ...{ detectedAtMs: time, suspectKnownAtMs: fc.constant(null), reportDueAtMs: time },
    previousCaseId: fc.constant(null),
  }),
  fc.record({
    ...{ kind: fc.constant('alert_joined' as const), severity, summary: text, rule: text },
    ...{ alertId: text, source: fc.constant('risk' as const), facts: fc.constant({}) },
  }),
  fc.record({
    kind: fc.constant('assigned' as const),
    assignee: fc.constantFrom(null, ...people),
  }),
  fc.record({ kind: fc.constant('commented' as const), text }),
  fc.record({ kind: fc.constant('evidence_added' as const), title: text, data: fc.constant({}) }),
  fc.record({
    ...{ kind: fc.constant('clock_set' as const), detectedAtMs: time, reportDueAtMs: time },
    ...{ suspectKnownAtMs: fc.option(time), reason: text },
  }),
  fc.record({
    ...{ kind: fc.constant('decision_proposed' as const), outcome, reason: text },
    proposalId: fc.constantFrom(...ids),
  }),
  fc.record({
    ...{ kind: fc.constant('proposal_rejected' as const), reason: text },
    proposalId: fc.constantFrom(...ids),
  }),
  fc.record({
    ...{ kind: fc.constant('decided' as const), outcome },
    proposalId: fc.constantFrom(...ids),
  }),
  fc.record({ kind: fc.constant('reported' as const), reference: text }),
  fc.record({ kind: fc.constant('reopened' as const), reason: text }),
);
const step = fc.record({ event, by: fc.constantFrom(...people) });
type Step = { event: CaseEvent; by: string };

const opening: Step = {
  by: 'system',
  event: {
    ...{ kind: 'opened', severity: 'low', summary: 's', detectedAtMs: 0, previousCaseId: null },
    ...{ suspectKnownAtMs: null, reportDueAtMs: 100, subject: { type: 'payment', id: 'x' } },
  },
};

/** Every change of a life, with what was before and after it. */
function live(steps: readonly Step[]) {
  const done: { step: Step; before: CaseFacts | null; after: CaseFacts; atMs: number }[] = [];
  let before: CaseFacts | null = null;
  let atMs = 0;
  for (const each of steps) {
    atMs++;
    const change = changeCase(before, each.event, { by: each.by, atMs });
    if (!change.ok) continue;
    done.push({ step: each, before, after: change.next, atMs });
    before = change.next;
  }
  return done;
}

const life = fc.array(step, { maxLength: 40 }).map((steps) => [opening, ...steps]);
/** A quick way to a decision, so that what comes after it is tried too. */
const decidedLife = fc
  .tuple(fc.array(step, { maxLength: 4 }), outcome, fc.array(step, { maxLength: 12 }))
  .map(([first, what, then]): Step[] => [
    opening,
    ...first.filter(({ event: { kind } }) => kind !== 'decision_proposed'),
    {
      by: 'key:ann',
      event: { kind: 'decision_proposed', proposalId: 'q', outcome: what, reason: '' },
    },
    { by: 'key:bob', event: { kind: 'decided', proposalId: 'q', outcome: what } },
    ...then,
  ]);
const anyLife = fc.oneof(life, decidedLife);

test('a case is closed exactly when it has an outcome, two persons and a time', () => {
  fc.assert(
    fc.property(anyLife, (steps) => {
      for (const { after } of live(steps)) {
        const closed = after.state === 'closed';
        expect(after.outcome !== null).toBe(closed);
        expect(after.proposedBy !== null).toBe(closed);
        expect(after.decidedBy !== null).toBe(closed);
        expect(after.closedAtMs !== null).toBe(closed);
        expect(after.proposal !== null).toBe(after.state === 'decision_proposed');
      }
    }),
    { numRuns: 500 },
  );
});

test('nobody closes a case alone: who decides is never who proposed', () => {
  let decisions = 0;
  fc.assert(
    fc.property(anyLife, (steps) => {
      for (const {
        step: { event: each, by },
        before,
        after,
      } of live(steps)) {
        if (each.kind !== 'decided') continue;
        decisions++;
        expect(before?.proposal?.by).not.toBe(by);
        expect(after).toMatchObject({ proposedBy: before?.proposal?.by, decidedBy: by });
        expect(after.outcome).toBe(before?.proposal?.outcome);
      }
    }),
    { numRuns: 500 },
  );
  expect(decisions, 'the property was about something').toBeGreaterThan(50);
});

/** A case that was decided to be reported, and is. */
const reportedLife = fc.array(step, { maxLength: 12 }).map((then): Step[] => [
  opening,
  {
    by: 'key:ann',
    event: { kind: 'decision_proposed', proposalId: 'q', outcome: 'report', reason: '' },
  },
  { by: 'key:bob', event: { kind: 'decided', proposalId: 'q', outcome: 'report' } },
  { by: 'key:bob', event: { kind: 'reported', reference: 'f1' } },
  ...then,
  {
    by: 'key:cid',
    event: { kind: 'decision_proposed', proposalId: 'r', outcome: 'release', reason: '' },
  },
  { by: 'key:bob', event: { kind: 'decided', proposalId: 'r', outcome: 'release' } },
]);

test('a closed case is opened by being reopened, or after its report was made by what becomes of the money', () => {
  const seen = { closed: 0, followed: 0 };
  fc.assert(
    fc.property(fc.oneof(decidedLife, reportedLife), (steps) => {
      for (const { step: each, before, after } of live(steps)) {
        if (before?.state !== 'closed') continue;
        seen.closed++;
        if (each.event.kind === 'decision_proposed') {
          seen.followed++;
          expect(before.outcome).toBe('report');
          expect(before.reportedAtMs).not.toBeNull();
          expect(after.proposal?.outcome).not.toBe('report');
          expect(after).toMatchObject({ reportDecision: before.reportDecision, outcome: null });
        } else if (each.event.kind === 'reopened') {
          expect(after).toMatchObject({ state: 'reopened', reopenings: before.reopenings + 1 });
        } else {
          const { updatedAtMs: _, reportedAtMs: __, ...kept } = before;
          expect(after).toMatchObject(kept);
        }
      }
    }),
    { numRuns: 500 },
  );
  expect(seen.closed).toBeGreaterThan(50);
  expect(seen.followed).toBeGreaterThan(20);
});

test('what is proposed is decided with all alerts known: a new alert takes the proposal away', () => {
  fc.assert(
    fc.property(anyLife, (steps) => {
      let alertsAtProposal = 0;
      for (const { step: each, after } of live(steps)) {
        if (each.event.kind === 'decision_proposed') alertsAtProposal = after.alertCount;
        if (each.event.kind === 'decided') expect(after.alertCount).toBe(alertsAtProposal);
        if (each.event.kind === 'alert_joined') expect(after.proposal).toBeNull();
      }
    }),
    { numRuns: 500 },
  );
});

test('a case is never less grave than an alert of it', () => {
  fc.assert(
    fc.property(anyLife, (steps) => {
      const rank = (each: string) => complianceSeverities.findIndex((one) => one === each);
      let gravest = 0;
      for (const { step: each, after } of live(steps)) {
        if (each.event.kind === 'alert_joined') {
          gravest = Math.max(gravest, rank(each.event.severity));
        }
        expect(rank(after.severity)).toBe(gravest);
      }
    }),
  );
});

test('the log read again gives the same case: what was refused left no trace', () => {
  fc.assert(
    fc.property(anyLife, (steps) => {
      const done = live(steps);
      let facts: CaseFacts | null = null;
      for (const { step: each, atMs } of done) {
        const change = changeCase(facts, each.event, { by: each.by, atMs });
        expect(change.ok).toBe(true);
        if (change.ok) facts = change.next;
      }
      expect(facts).toEqual(done.at(-1)?.after);
    }),
  );
});

test('that a report was decided is remembered, whatever is decided about the money afterwards', () => {
  let final = 0;
  fc.assert(
    fc.property(reportedLife, (steps) => {
      for (const { after } of live(steps).slice(3)) {
        expect(after.reportDecision).not.toBeNull();
        if (after.state === 'closed' && after.outcome !== 'report') final++;
      }
    }),
    { numRuns: 500 },
  );
  expect(final, 'some were decided').toBeGreaterThan(100);
});

test('a case waits, is reviewed, proposed, rejected, proposed again and decided', () => {
  const steps: Step[] = [
    opening,
    { by: 'key:ann', event: { kind: 'assigned', assignee: 'key:ann' } },
    {
      by: 'key:ann',
      event: { kind: 'decision_proposed', proposalId: 'p1', outcome: 'release', reason: 'r' },
    },
    { by: 'key:bob', event: { kind: 'proposal_rejected', proposalId: 'p1', reason: 'no' } },
    {
      by: 'key:ann',
      event: { kind: 'decision_proposed', proposalId: 'p2', outcome: 'freeze', reason: 'r' },
    },
    { by: 'key:bob', event: { kind: 'decided', proposalId: 'p1', outcome: 'release' } },
    { by: 'key:ann', event: { kind: 'decided', proposalId: 'p2', outcome: 'freeze' } },
    { by: 'key:bob', event: { kind: 'decided', proposalId: 'p2', outcome: 'refund' } },
    { by: 'key:bob', event: { kind: 'decided', proposalId: 'p2', outcome: 'freeze' } },
    { by: 'key:bob', event: { kind: 'reported', reference: 'f1' } },
    { by: 'key:bob', event: { kind: 'reopened', reason: 'news' } },
  ];
  expect(live(steps).map(({ after }) => after.state)).toEqual([
    ...['open', 'in_review', 'decision_proposed', 'in_review', 'decision_proposed'],
    ...['closed', 'closed', 'reopened'],
  ]);
});
