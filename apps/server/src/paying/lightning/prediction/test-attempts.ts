import { lightningFailureClasses } from '@quittance/contract';
import fc from 'fast-check';
import type { AttemptRecord } from './types.ts';

/** What tests of the prediction have in common. */

export const START_MS = 1_700_000_000_000;
export const MINUTE_MS = 60_000;

const drawn = fc.record({
  recipient: fc.integer({ min: 0, max: 3 }),
  amountMsat: fc.bigInt({ min: 1n, max: 10_000_000_000n }),
  gapMs: fc.oneof(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 0, max: 100_000_000 })),
  lastsMs: fc.integer({ min: 0, max: 60_000 }),
  outcome: fc.oneof(
    fc.constant('succeeded' as const),
    fc.constantFrom('no_route' as const, 'peer_offline' as const, 'insufficient_capacity' as const),
    fc.constantFrom(...lightningFailureClasses),
  ),
  feeMsat: fc.bigInt({ min: 0n, max: 1_000_000n }),
  channel: fc.option(fc.integer({ min: 0, max: 3 })),
});

/** Attempts one after the other, oldest first. */
export const anyRecords: fc.Arbitrary<AttemptRecord[]> = fc
  .array(drawn, { maxLength: 40 })
  .map((all) => {
    let atMs = START_MS;
    return all.map(({ recipient, amountMsat, gapMs, lastsMs, outcome, feeMsat, channel }) => {
      const startedAtMs = atMs + gapMs;
      atMs = startedAtMs + lastsMs;
      return record({
        ...{ destination: `r${recipient}`, amountMsat, startedAtMs, endedAtMs: atMs, outcome },
        feeMsat: outcome === 'succeeded' ? feeMsat : null,
        failedAt: channel === null ? null : `1x${channel}x0`,
      });
    });
  });

export function record(changes: Partial<AttemptRecord> = {}): AttemptRecord {
  const startedAtMs = changes.startedAtMs ?? START_MS;
  return {
    ...{ destination: 'r0', amountMsat: 100_000_000n, startedAtMs, outcome: 'succeeded' },
    ...{ endedAtMs: startedAtMs + 2_000, failedAt: null },
    feeMsat: (changes.outcome ?? 'succeeded') === 'succeeded' ? 100_000n : null,
    ...changes,
  };
}

/** The same attempt many times. */
export function repeated(
  count: number,
  everyMs: number,
  changes: Partial<AttemptRecord> = {},
): AttemptRecord[] {
  return Array.from({ length: count }, (_, i) =>
    record({ ...changes, startedAtMs: (changes.startedAtMs ?? START_MS) + i * everyMs }),
  );
}
