import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChainFacts, nextAnchor, type Taken, type VersionPlace } from './chain-facts.ts';
import { FINAL_DEPTH, mayBeMined } from './draft.ts';
import { nextStep as stepOf } from './next-step.ts';
import type { Spend, SpendVersion } from './spend.ts';
import { applySpendEvent, type BookIntent, type SpendEvent } from './transition.ts';

const ANCHOR = `${'a'.repeat(64)}:0`;
const SHARED = `${'b'.repeat(64)}:1`;
const limits = { maxFeeRate: 100_000n, maxFeeShareBps: null };

function plannedSpend(): Spend {
  return {
    ...{ merchantId: 'm', id: 's', walletId: 'w', kind: 'payouts', origin: 'manual' },
    ...{ state: 'planned', anchor: ANCHOR, version: 1, ledgerEpoch: 0, bookedVersion: null },
    ...{ dueAtMs: 0, attempts: 0, reason: null, detail: null, height: null, blockHash: null },
    ...{ limits, createdAtMs: 0 },
  };
}

function plannedVersion(version: number, changes: Partial<SpendVersion> = {}): SpendVersion {
  return {
    ...{ version, state: 'planned', purpose: 'pay', exposed: false, txid: `t${version}` },
    ...{ inputs: [ANCHOR, SHARED], feeSats: BigInt(100 * version), vsize: 100 },
    ...{ outSats: BigInt(1_000 + 100 * version), change: null, feeShares: {}, rejectCode: null },
    ...changes,
  };
}

type Held = { spend: Spend; versions: readonly SpendVersion[] };

function play(events: readonly SpendEvent[], from?: Held): Held & { book: BookIntent[] } {
  let held: Held = from ?? { spend: plannedSpend(), versions: [plannedVersion(1)] };
  const book: BookIntent[] = [];
  for (const event of events) {
    const transition = applySpendEvent(held, event);
    if (transition === null) continue;
    held = transition;
    book.push(...transition.book);
  }
  return { ...held, book };
}

const nextStep = (held: Held, nowMs: number) => stepOf({ ...held, outputs: [] }, nowMs);

function facts(changes: Partial<ChainFacts> = {}): ChainFacts {
  return { tipHeight: 200, places: new Map(), taken: new Map(), missing: new Set(), ...changes };
}

const signed = (version: number): SpendEvent => ({
  ...{ type: 'signed', version, txid: `t${version}`, vsize: 99, nowMs: 0 },
});
const sending = (version: number): SpendEvent => ({ type: 'sending', version });
const sent = (version: number): SpendEvent => ({ type: 'sent', version, nextCheckAtMs: 9 });
const added = (version: number): SpendEvent => ({
  ...{ type: 'version-added', version: plannedVersion(version), anchor: ANCHOR, nowMs: 0 },
});
const chain = (changes: Partial<ChainFacts>): SpendEvent => ({
  ...{ type: 'chain', facts: facts(changes), nowMs: 5 },
});

/** Any event, sensible or not, about any of the first three versions. */
const anyEvent: fc.Arbitrary<SpendEvent> = fc.oneof(
  fc
    .integer({ min: 1, max: 3 })
    .chain((version) =>
      fc.constantFrom<SpendEvent>(
        signed(version),
        { type: 'signing-refused', version, detail: 'no', retry: true },
        { type: 'signer-unavailable', detail: 'off', retryAtMs: 7 },
        { type: 'awaiting-signature', version },
        { type: 'exported', version },
        sending(version),
        sent(version),
        { type: 'refused', version, verdict: 'fee_too_low', detail: 'low', retryAtMs: 7 },
        { type: 'refused', version, verdict: 'inputs_gone', detail: 'gone', retryAtMs: 7 },
        { type: 'refused', version, verdict: 'later', detail: 'later', retryAtMs: 7 },
        { type: 'refused', version, verdict: 'never', detail: 'dust', retryAtMs: 7 },
        { type: 'unknown', version, detail: 'timeout', retryAtMs: 7 },
        { type: 'given-up', reason: 'cancelled', detail: null },
      ),
    ),
  fc.record({
    type: fc.constant('chain' as const),
    nowMs: fc.constant(5),
    facts: fc
      .record({
        tipHeight: fc.integer({ min: 100, max: 400 }),
        mined: fc.option(fc.integer({ min: 1, max: 3 })),
        height: fc.integer({ min: 90, max: 300 }),
        mempool: fc.option(fc.integer({ min: 1, max: 3 })),
        taken: fc.option(fc.record({ height: fc.option(fc.integer({ min: 90, max: 300 })) })),
        isLost: fc.boolean(),
      })
      .map(({ tipHeight, mined, height, mempool, taken, isLost }): ChainFacts => {
        const places = new Map<number, VersionPlace>();
        if (mempool !== null) places.set(mempool, 'mempool');
        if (mined !== null && height <= tipHeight) {
          places.set(mined, { height, blockHash: 'f'.repeat(64) });
        }
        const others = new Map<string, Taken>();
        // A chain on which one of ours is mined has nobody else's spender of its coins.
        if (taken !== null && places.size === 0) {
          const known = taken.height !== null && taken.height <= tipHeight ? taken.height : null;
          others.set(ANCHOR, { txid: 'x', height: known });
        }
        const missing = new Set(isLost && places.size === 0 ? [ANCHOR] : []);
        return { tipHeight, places, taken: others, missing };
      }),
  }),
);

/** Events of versions that exist by then; new versions come in their order. */
const anyHistory = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: anyEvent },
    { weight: 1, arbitrary: fc.constant('bump' as const) },
  ),
  { maxLength: 30 },
);

function playAny(history: readonly (SpendEvent | 'bump')[], check: (step: Step) => void): Held {
  let held: Held = { spend: plannedSpend(), versions: [plannedVersion(1)] };
  for (const each of history) {
    const last = held.versions.length;
    const event = each === 'bump' ? added(last + 1) : each;
    if (each === 'bump' && last >= 3) continue;
    if ('version' in event && typeof event.version === 'number' && event.version > last) continue;
    if (event.type === 'chain') {
      const unknown = [...event.facts.places.keys()].some((version) => {
        const about = held.versions.find((one) => one.version === version);
        return about === undefined || !mayBeMined(about);
      });
      if (unknown) continue;
    }
    const transition = applySpendEvent(held, event);
    check({ before: held, event, book: transition?.book ?? [], after: transition ?? held });
    held = transition ?? held;
  }
  return held;
}
type Step = { before: Held; event: SpendEvent; book: readonly BookIntent[]; after: Held };

test('a spend is planned, signed, broadcast, confirmed and final, and booked once', () => {
  const block = { height: 201, blockHash: 'c'.repeat(64) };
  const { spend, book } = play([
    ...[signed(1), sending(1), sent(1)],
    chain({ places: new Map([[1, block]]), tipHeight: 201 }),
    chain({ places: new Map([[1, block]]), tipHeight: 201 + FINAL_DEPTH - 1 }),
  ]);
  expect(spend).toMatchObject({ state: 'final', height: 201, reason: null, bookedVersion: 1 });
  expect(book).toEqual([{ template: 'spend-broadcast', epoch: 1, version: 1 }]);
});

test('an event that comes twice changes nothing the second time', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      playAny(history, ({ event, after }) => {
        // A pause is as long as the failures are many: only those count up.
        if (['signer-unavailable', 'refused', 'unknown'].includes(event.type)) return;
        expect(applySpendEvent(after, event)).toBeNull();
      });
    }),
  );
});

test('a spend never fails while one of its versions might still be mined', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      playAny(history, ({ before, event, after }) => {
        if (after.spend.state !== 'failed' || before.spend.state === 'failed') return;
        const possible = before.versions.filter(({ exposed }) => exposed);
        if (possible.length === 0) return;
        // Only the chain may say so, and only of what is as deep as it gets.
        expect(event.type).toBe('chain');
        if (event.type !== 'chain') return;
        const taker = event.facts.taken.get(ANCHOR);
        expect(taker?.height ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(
          event.facts.tipHeight - FINAL_DEPTH + 1,
        );
      });
    }),
  );
});

test('every version spends a coin that all the others spend', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const { spend, versions } = playAny(history, () => undefined);
      for (const { inputs } of versions) expect(inputs).toContain(spend.anchor);
    }),
  );
});

test('the book alternates: each epoch is booked once and reversed at most once, in turn', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      let open: BookIntent | null = null;
      let epoch = 0;
      const held = playAny(history, ({ book }) => {
        for (const intent of book) {
          if (intent.template === 'spend-broadcast') {
            expect(open).toBeNull();
            expect(intent.epoch).toBe(epoch + 1);
            epoch = intent.epoch;
            open = intent;
          } else {
            expect(open).toMatchObject({ epoch: intent.epoch, version: intent.version });
            open = null;
          }
        }
      });
      const shown = open as BookIntent | null;
      expect(held.spend.bookedVersion).toBe(shown?.version ?? null);
      const isOut = ['broadcast', 'confirmed', 'final'].includes(held.spend.state);
      expect(held.spend.bookedVersion !== null).toBe(isOut);
    }),
  );
});

test('a spend that has ended stays as it is', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      playAny(history, ({ before, after }) => {
        if (before.spend.state === 'final' || before.spend.state === 'failed') {
          expect(after).toBe(before);
        }
      });
    }),
  );
});

test('a block that leaves the chain takes the confirmation with it and the bytes are sent again', () => {
  const block = { height: 200, blockHash: 'c'.repeat(64) };
  const confirmed = play([
    signed(1),
    sending(1),
    sent(1),
    chain({ places: new Map([[1, block]]) }),
  ]);
  expect(confirmed.spend.state).toBe('confirmed');
  const { spend, book } = play([chain({})], confirmed);
  expect(spend).toMatchObject({ state: 'broadcast', height: null, dueAtMs: 5, bookedVersion: 1 });
  expect(book).toEqual([]);
});

test('the version that is mined counts, and the book follows it', () => {
  const block = { height: 200, blockHash: 'c'.repeat(64) };
  const bumped = play([
    ...[signed(1), sending(1), sent(1)],
    added(2),
    signed(2),
    sending(2),
    sent(2),
  ]);
  expect(bumped.spend).toMatchObject({ version: 2, bookedVersion: 2, ledgerEpoch: 2 });
  const { spend, book } = play([chain({ places: new Map([[1, block]]) })], bumped);
  expect(spend).toMatchObject({ version: 1, state: 'confirmed', bookedVersion: 1 });
  expect(book).toEqual([
    { template: 'spend-reversed', epoch: 2, version: 2 },
    { template: 'spend-broadcast', epoch: 3, version: 1 },
  ]);
});

test('a refusal before anybody can have the bytes is for certain; after it is for now', () => {
  const refused: SpendEvent = {
    ...{ type: 'refused', version: 1, verdict: 'never', detail: 'dust', retryAtMs: 7 },
  };
  expect(play([signed(1), refused]).spend).toMatchObject({
    ...{ state: 'failed', reason: 'broadcast_refused', detail: 'dust' },
  });
  expect(play([signed(1), sending(1), refused]).spend).toMatchObject({
    ...{ state: 'signed', reason: 'broadcast_refused', dueAtMs: 7 },
  });
});

test('no answer leaves a spend as it was, to be asked about again', () => {
  const { spend } = play([
    ...[signed(1), sending(1)],
    { type: 'unknown', version: 1, detail: 'timeout', retryAtMs: 7 },
  ]);
  expect(spend).toMatchObject({ state: 'signed', reason: 'node_unavailable', dueAtMs: 7 });
});

test('payouts are free after a cancellation only when it can not be undone', () => {
  const cancel = plannedVersion(2, { purpose: 'cancel', outSats: 200n });
  const block = { height: 200, blockHash: 'c'.repeat(64) };
  const events: SpendEvent[] = [
    ...[signed(1), sending(1), sent(1)],
    { type: 'version-added', version: cancel, anchor: ANCHOR, nowMs: 0 },
    ...[signed(2), sending(2), sent(2)],
    chain({ places: new Map([[2, block]]) }),
  ];
  const waiting = play(events);
  expect(waiting.spend).toMatchObject({
    state: 'broadcast',
    reason: 'cancelled',
    bookedVersion: 2,
  });
  const depth = chain({ places: new Map([[2, block]]), tipHeight: 200 + FINAL_DEPTH - 1 });
  const ended = play([depth], waiting);
  // Its fee was spent and stays in the book.
  expect(ended.spend).toMatchObject({ state: 'failed', reason: 'cancelled', bookedVersion: 2 });
  expect(ended.book).toEqual([]);
});

test('that an input is gone, said by the node, does not hide who took it', () => {
  const taken = new Map([[ANCHOR, { txid: 'x', height: 199 }]]);
  const robbed = play([signed(1), sending(1), sent(1), chain({ taken })]);
  expect(robbed.spend).toMatchObject({ reason: 'conflict_not_final', attempts: 0 });
  const gone: SpendEvent = {
    ...{ type: 'refused', version: 1, verdict: 'inputs_gone', detail: 'missing', retryAtMs: 70 },
  };
  const { reason, detail } = robbed.spend;
  expect(play([gone], robbed).spend).toMatchObject({ reason, detail, attempts: 1, dueAtMs: 70 });
  const alone = play([signed(1), sending(1), sent(1), gone]);
  expect(alone.spend).toMatchObject({ reason: 'coin_gone', detail: 'missing' });
});

test('where an older version is possible and the newest is not, another one is made without what is gone', () => {
  const third = `${'c'.repeat(64)}:2`;
  const bumped: SpendEvent = {
    ...{ type: 'version-added', anchor: ANCHOR, nowMs: 0 },
    version: plannedVersion(2, { inputs: [ANCHOR, SHARED, third] }),
  };
  const both = play([signed(1), sending(1), sent(1), bumped, signed(2), sending(2), sent(2)]);
  for (const height of [null, 199, 50]) {
    const taken = new Map([[third, { txid: 'x', height }]]);
    const robbed = play([chain({ taken })], both);
    expect(robbed.spend).toMatchObject({ state: 'broadcast', reason: 'conflict_not_final' });
    expect(nextStep(robbed, 10)).toEqual({ type: 'another-version', why: 'coin-gone' });
    expect(nextAnchor(robbed.versions, facts({ taken }))).toBe(ANCHOR);
    // The version that was made does not make another one necessary, however long the coin is gone.
    const made = play([added(3), signed(3), chain({ taken })], robbed);
    expect(nextStep(made, 10)).toMatchObject({ type: 'send', version: { version: 3 } });
    // A branch without the foreign transaction lets the newest be sent again.
    const back = play([chain({})], robbed);
    expect(nextStep(back, 10)).toMatchObject({ type: 'check', version: { version: 2 } });
  }
});

test('a foreign spender of the anchor ends a spend only when it is final', () => {
  const taken = new Map([[ANCHOR, { txid: 'x', height: 150 }]]);
  const events = [signed(1), sending(1), sent(1)];
  const early = play([...events, chain({ taken, tipHeight: 150 + FINAL_DEPTH - 2 })]);
  expect(early.spend).toMatchObject({ state: 'broadcast', reason: 'conflict_not_final' });
  const late = play([...events, chain({ taken, tipHeight: 150 + FINAL_DEPTH - 1 })]);
  expect(late.spend).toMatchObject({ state: 'failed', reason: 'coin_gone', bookedVersion: null });
  expect(late.book.at(-1)).toEqual({ template: 'spend-reversed', epoch: 1, version: 1 });
});

test('what nobody has is given up when a coin of it has vanished, and its payouts are planned anew', () => {
  const missing = new Set([SHARED]);
  for (const begun of [[], [signed(1)]]) {
    const lost = play([...begun, chain({ missing })]);
    expect(lost.versions[0]?.state).toBe(begun.length === 0 ? 'replaced' : 'rejected');
    // The anchor is there: another version can be made on it.
    expect(nextStep(lost, 10)).toMatchObject({ type: 'another-version', why: 'coin-gone' });
    expect(nextAnchor(lost.versions, facts({ missing }))).toBe(ANCHOR);
  }
  const all = play([signed(1), chain({ missing: new Set([ANCHOR, SHARED]) })]);
  expect(all.spend).toMatchObject({ state: 'failed', reason: 'coin_gone' });
  // What somebody may have waits: the coin's own transaction may come back.
  const out = play([signed(1), sending(1), sent(1), chain({ missing })]);
  expect(out.spend).toMatchObject({ state: 'broadcast', reason: null });
});

test('an impossible transaction is not waited for because of a newer one that nobody has', () => {
  const third = `${'c'.repeat(64)}:2`;
  const taken = new Map([[third, { txid: 'x', height: 150 }]]);
  const first = plannedVersion(1, { inputs: [ANCHOR, third] });
  const both = play([signed(1), sending(1), sent(1), added(2), signed(2)], {
    spend: plannedSpend(),
    versions: [first],
  });
  const deep = { taken, tipHeight: 150 + FINAL_DEPTH - 1 };
  expect(play([chain(deep)], both).spend.state).toBe('broadcast');
  const lost = play([chain({ ...deep, missing: new Set([ANCHOR]) })], both);
  expect(lost.spend).toMatchObject({ state: 'failed', reason: 'coin_gone' });
  const early = play([chain({ taken, missing: new Set([ANCHOR]) })], both);
  expect(early.spend).toMatchObject({ state: 'broadcast', reason: 'conflict_not_final' });
  expect(nextAnchor(early.versions, facts({ taken, missing: new Set([ANCHOR]) }))).toBeNull();
});
