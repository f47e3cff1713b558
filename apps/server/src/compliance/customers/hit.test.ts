import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareHits, entryDigest, type Finding, type Hit } from './hit.ts';
import { listedPerson } from './test-support.ts';

/** Which entry, and how it and the customer look: few of each, so that they meet. */
const seen = fc.record({ entry: fc.nat(2), look: fc.nat(1) });
const states = fc.constantFrom('open', 'dismissed', 'confirmed');

function findingOf({ entry, look }: { entry: number; look: number }): Finding {
  return {
    ...{ list: 'l', entryId: `e${entry}`, category: 'sanctions', entryDigest: digest(look) },
    ...{ listVersion: 'v', points: 9_000, asked: 'a', listed: 'b', parts: [] },
  };
}
function digest(of: number): Uint8Array {
  return new Uint8Array(32).fill(of);
}
function hitOf(finding: Finding, facts: number, state: Hit['state'], id: string): Hit {
  return {
    ...{ ...finding, merchantId: 'm', id, customerId: 'c', factsDigest: digest(facts), state },
    ...{ sealedParts: digest(0), alertId: null, caseId: null, foundAtMs: 0, goneAtMs: null },
    ...{ decidedAtMs: null, decidedBy: null, sealedReason: null },
  };
}

/** Screens and writes what follows, as screenCustomer does. */
function screen(known: Hit[], findings: Finding[], facts: number, round: number): Hit[] {
  const { fresh, gone, back } = compareHits(known, findings, digest(facts));
  const kept = known.map((hit) => {
    if (gone.includes(hit.id)) return { ...hit, goneAtMs: round };
    return back.includes(hit.id) ? { ...hit, goneAtMs: null } : hit;
  });
  return [...kept, ...fresh.map((one, at) => hitOf(one, facts, 'open', `${round}-${at}`))];
}

test('the same screening twice finds nothing new, whatever was decided between', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(seen, { selector: ({ entry }) => entry }),
      fc.nat(1),
      fc.array(states, { maxLength: 3 }),
      (found, facts, decided) => {
        const findings = found.map(findingOf);
        const first = screen([], findings, facts, 1);
        expect(first).toHaveLength(findings.length);
        const after = first.map((hit, at) => ({ ...hit, state: decided[at] ?? hit.state }));
        expect(compareHits(after, findings, digest(facts))).toEqual({
          ...{ fresh: [], gone: [], back: [] },
        });
      },
    ),
  );
});

test('over any history a dismissed hit is asked again only when entry or customer differ', () => {
  const rounds = fc.array(
    fc.record({
      found: fc.uniqueArray(seen, { selector: ({ entry }) => entry, maxLength: 3 }),
      facts: fc.nat(1),
      decide: states,
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(rounds, (history) => {
      let known: Hit[] = [];
      const asked = new Set<string>();
      const confirmed = new Set<string>();
      history.forEach(({ found, facts, decide }, round) => {
        const before = known.length;
        known = screen(known, found.map(findingOf), facts, round);
        for (const hit of known.slice(before)) {
          const key = `${hit.entryId} ${hit.entryDigest[0]} ${hit.factsDigest[0]}`;
          expect(asked.has(key), key).toBe(false);
          expect(confirmed.has(hit.entryId), 'what was confirmed is not asked again').toBe(false);
          asked.add(key);
        }
        known = known.map((hit) => (hit.state === 'open' ? { ...hit, state: decide } : hit));
        for (const hit of known) if (hit.state === 'confirmed') confirmed.add(hit.entryId);
        // Whom the lists name now is there and not gone.
        for (const { entry } of found) {
          const ofEntry = known.filter(({ entryId }) => entryId === `e${entry}`);
          expect(ofEntry.some(({ goneAtMs }) => goneAtMs === null)).toBe(true);
        }
      });
    }),
  );
});

test('an entry is the same in another version, and another once it says something else', () => {
  const one = listedPerson('x', 'Somebody Listed');
  expect(entryDigest({ ...one, addresses: [{ asset: 'XBT', address: '1' }] })).toEqual(
    entryDigest(one),
  );
  expect(entryDigest({ ...one, countries: ['ch'] })).not.toEqual(entryDigest(one));
});
