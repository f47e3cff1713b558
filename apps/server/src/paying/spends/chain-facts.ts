import { change, type Draft, FINAL_DEPTH, fail, mayBeMined, patch, sharedInputs } from './draft.ts';
import type { OutpointText, SpendVersion } from './spend.ts';

/**
 * What the chain's record says about a spend's transactions and coins at one moment: always the
 * whole picture, so that it can be taken in twice, or with pictures in between left out.
 */
export type ChainFacts = {
  readonly tipHeight: number;
  /** Versions on record as in the mempool or in a block. The others are nowhere to be seen. */
  readonly places: ReadonlyMap<number, VersionPlace>;
  /** Coins of this spend that a transaction of somebody else takes; height null: unconfirmed. */
  readonly taken: ReadonlyMap<OutpointText, Taken>;
  /** Coins of this spend whose own transaction is nowhere to be seen. It may come back. */
  readonly missing: ReadonlySet<OutpointText>;
};
export type VersionPlace = { height: number; blockHash: string } | 'mempool';
export type Taken = { readonly txid: string; readonly height: number | null };

/** Brings a spend in line with the chain. */
export function applyChainFacts(draft: Draft, event: { facts: ChainFacts; nowMs: number }): void {
  const { facts, nowMs } = event;
  for (const version of draft.versions) {
    // Whoever sent it: what is in the mempool or a block has been broadcast.
    if (!facts.places.has(version.version) || version.state === 'broadcast') continue;
    change(draft, { ...version, state: 'broadcast', exposed: true });
  }
  const mined = minedVersion(draft.versions, facts);
  if (mined !== null) return takeBlock(draft, mined, facts.tipHeight);
  if (draft.spend.height !== null) {
    // The block has left the chain. The same bytes are sent again, whoever has them.
    patch(draft, { height: null, blockHash: null, state: 'broadcast', dueAtMs: nowMs });
  }
  const inMempool = draft.versions.filter(({ version }) => facts.places.get(version) === 'mempool');
  const newest = inMempool.at(-1);
  if (newest !== undefined) return takeMempool(draft, newest);
  if (draft.versions.some(({ state }) => state === 'broadcast')) sendAgain(draft, nowMs);
  applyConflicts(draft, facts, nowMs);
}

function minedVersion(versions: readonly SpendVersion[], facts: ChainFacts) {
  for (const version of versions) {
    const place = facts.places.get(version.version);
    if (place !== undefined && place !== 'mempool') return { version, ...place };
  }
  return null;
}

function takeBlock(
  draft: Draft,
  mined: { version: SpendVersion; height: number; blockHash: string },
  tipHeight: number,
): void {
  const { version, height, blockHash } = mined;
  const isFinal = tipHeight - height + 1 >= FINAL_DEPTH;
  const common = { version: version.version, height, blockHash, attempts: 0, detail: null };
  if (version.purpose === 'cancel') {
    // The payouts are free only when the cancellation can not be undone any more.
    patch(draft, { ...common, state: 'broadcast', reason: 'cancelled', dueAtMs: null });
    if (isFinal) fail(draft, { reason: 'cancelled', detail: null, retry: false });
    return;
  }
  const state = isFinal ? 'final' : 'confirmed';
  patch(draft, { ...common, state, reason: null, dueAtMs: null });
}

function takeMempool(draft: Draft, newest: SpendVersion): void {
  // A version that waits for its signature or its broadcast goes on being worked on.
  const waiting = draft.versions.some(
    ({ version, state }) => version > newest.version && (state === 'planned' || state === 'signed'),
  );
  const { reason } = draft.spend;
  const cleared = reason === 'cancelled' || waiting ? reason : null;
  const wanted = newest.purpose === 'cancel' ? 'cancelled' : cleared;
  patch(draft, { version: newest.version, reason: wanted });
}

function sendAgain(draft: Draft, nowMs: number): void {
  const { dueAtMs, attempts } = draft.spend;
  // While the node keeps refusing, its own pace applies, however often the chain moves.
  if (attempts > 0 && dueAtMs !== null) return;
  if (dueAtMs === null || dueAtMs > nowMs) patch(draft, { dueAtMs: nowMs });
}

/**
 * Somebody else has spent a coin of ours (software with the same keys, or a payer's double spend), or
 * the transaction that a coin comes from has vanished.
 */
function applyConflicts(draft: Draft, facts: ChainFacts, nowMs: number): void {
  if (facts.taken.size === 0 && draft.spend.reason === 'conflict_not_final') {
    // Whoever took the coins is gone: ours can be mined again.
    patch(draft, { reason: null, detail: null, attempts: 0, dueAtMs: nowMs });
  }
  if (facts.taken.size === 0 && facts.missing.size === 0) return;
  const unexposed = draft.versions.filter(({ exposed, state }) => !exposed && state !== 'replaced');
  for (const version of unexposed) {
    const isPossible =
      worstTaker(version, facts) === null &&
      !version.inputs.some((input) => facts.missing.has(input));
    // Nobody has these bytes but us, and they can not be mined: they are never sent.
    if (isPossible || version.state === 'rejected') continue;
    change(draft, { ...version, state: version.state === 'planned' ? 'replaced' : 'rejected' });
  }
  const possible = draft.versions.filter(mayBeMined);
  const planned = draft.versions.filter(({ state }) => state === 'planned');
  if (possible.length === 0) {
    if (planned.length > 0) return;
    const why = { reason: 'coin_gone', detail: goneText(facts) } as const;
    // A new version can be made with what the signed ones have in common.
    if (nextAnchor(draft.versions, facts) !== null) {
      if (draft.spend.detail !== why.detail) patch(draft, { ...why, dueAtMs: nowMs });
      return;
    }
    return fail(draft, { ...why, retry: true });
  }
  if (facts.taken.size === 0) return;
  const takers = possible.map((version) => worstTaker(version, facts));
  if (takers.includes(null)) return goOnWithout(draft, { facts, nowMs, newest: takers.at(-1) });
  const depths = takers.map((taker) => depthOf(taker, facts.tipHeight));
  if (depths.every((depth) => depth >= FINAL_DEPTH)) {
    return fail(draft, { reason: 'coin_gone', detail: takersText(facts), retry: true });
  }
  tellConflict(draft, facts, nowMs);
}

/**
 * A version can still be mined, so nothing has failed. The newest is the one that is sent: where it
 * can not be mined any more, one has to be made that does without the coins that are gone. There is a
 * coin for it to be anchored on, for what all versions share the one that is possible has as well.
 */
function goOnWithout(
  draft: Draft,
  { facts, nowMs, newest }: { facts: ChainFacts; nowMs: number; newest: Taken | null | undefined },
): void {
  if (draft.versions.some(({ state }) => state === 'planned')) return;
  if (newest !== null) return tellConflict(draft, facts, nowMs);
  if (draft.spend.reason !== 'conflict_not_final') return;
  patch(draft, { reason: null, detail: null, attempts: 0, dueAtMs: nowMs });
}

function tellConflict(draft: Draft, facts: ChainFacts, nowMs: number): void {
  const common = { reason: 'conflict_not_final', detail: takersText(facts) } as const;
  if (draft.spend.reason === common.reason && draft.spend.detail === common.detail) return;
  patch(draft, { ...common, dueAtMs: nowMs });
}

/** Of the transactions that take the version's coins the deepest one; null when there is none. */
function worstTaker(version: SpendVersion, facts: ChainFacts): Taken | null {
  let worst: Taken | null = null;
  for (const input of version.inputs) {
    const taker = facts.taken.get(input);
    if (taker === undefined) continue;
    const isDeeper =
      worst === null ||
      (taker.height !== null && (worst.height === null || taker.height < worst.height));
    if (isDeeper) worst = taker;
  }
  return worst;
}

function depthOf(taker: Taken | null, tipHeight: number): number {
  if (taker === null || taker.height === null) return 0;
  return tipHeight - taker.height + 1;
}

function goneText(facts: ChainFacts): string {
  if (facts.taken.size > 0) return takersText(facts);
  return `the transactions that ${[...facts.missing].sort().slice(0, MAX_TAKERS_TOLD).join(', ')} come from have vanished`;
}

/** A detail names no more transactions than a person reads. */
const MAX_TAKERS_TOLD = 3;

function takersText(facts: ChainFacts): string {
  const txids = [...new Set([...facts.taken.values()].map(({ txid }) => txid))].sort();
  return `spent by ${txids.slice(0, MAX_TAKERS_TOLD).join(', ')}`;
}

/**
 * A coin that a new version may be anchored on after somebody else took the present anchor: one
 * that every version which could be mined spends, and that nobody else has taken. Null when there
 * is none: then only waiting is safe.
 */
export function nextAnchor(
  versions: readonly SpendVersion[],
  facts: ChainFacts,
): OutpointText | null {
  const isThere = (input: OutpointText) => !facts.taken.has(input) && !facts.missing.has(input);
  return sharedInputs(versions).find(isThere) ?? null;
}
