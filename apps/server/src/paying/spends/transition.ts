import { assert, unreachable } from '@quittance/kernel';
import { applyChainFacts, type ChainFacts } from './chain-facts.ts';
import { change, type Draft, fail, hasEnded, mayBeMined, patch, versionOf } from './draft.ts';
import type { OutpointText, Spend, SpendReason, SpendState, SpendVersion } from './spend.ts';

/** What the node's answer to a broadcast means for the transaction. */
export type RefusalVerdict =
  /** The same transaction with a higher fee may be taken. */
  | 'fee_too_low'
  /** An input is spent or not there: the chain's record decides what follows. */
  | 'inputs_gone'
  /** Nothing is wrong with the transaction; the node will take it another time. */
  | 'later'
  /** No node will ever relay it. */
  | 'never';

/** What happened to a spend. Each may come twice, late, or after the spend has ended. */
export type SpendEvent =
  | { type: 'signed'; version: number; txid: string; vsize: number; nowMs: number }
  /** The signer said no. `retry`: whether a new spend for the same payouts may be tried later. */
  | { type: 'signing-refused'; version: number; detail: string; retry: boolean }
  | { type: 'signer-unavailable'; detail: string; retryAtMs: number }
  | { type: 'awaiting-signature'; version: number }
  /** The unsigned PSBT was given to somebody: it may come back as a mined transaction. */
  | { type: 'exported'; version: number }
  /** It is about to be sent; only after this is durable may the node be called. */
  | { type: 'sending'; version: number }
  | { type: 'sent'; version: number; nextCheckAtMs: number }
  | {
      type: 'refused';
      version: number;
      verdict: RefusalVerdict;
      detail: string;
      retryAtMs: number;
    }
  | { type: 'unknown'; version: number; detail: string; retryAtMs: number }
  | { type: 'chain'; facts: ChainFacts; nowMs: number }
  /** A bump, a cancellation or a new plan. It must spend the anchor. */
  | { type: 'version-added'; version: SpendVersion; anchor: OutpointText; nowMs: number }
  /** What it needs can not be had now, such as a higher fee than is allowed. */
  | { type: 'postponed'; reason: SpendReason; detail: string; retryAtMs: number }
  /** A person gives up; possible for as long as nobody else can have a signature. */
  | { type: 'given-up'; reason: SpendReason; detail: string | null };

/** What the book has to be told; see ledger/templates. */
export type BookIntent = {
  template: 'spend-broadcast' | 'spend-reversed';
  epoch: number;
  version: number;
};

export type SpendTransition = {
  readonly spend: Spend;
  readonly versions: readonly SpendVersion[];
  readonly book: readonly BookIntent[];
  /** Reserved coins are free again. */
  readonly releases: boolean;
  /** Whether the same payouts may be tried in a new spend; of a failed one only. */
  readonly retry: boolean;
  /** Whether the listener has to be told. */
  readonly told: boolean;
};

/**
 * Applies one event. Null: it changes nothing.
 * @throws {AssertionError} when an event contradicts what was promised, such as a version that
 *   does not spend the anchor
 */
export function applySpendEvent(
  before: { spend: Spend; versions: readonly SpendVersion[] },
  event: SpendEvent,
): SpendTransition | null {
  if (hasEnded(before.spend.state)) return null;
  const draft: Draft = { spend: before.spend, versions: [...before.versions], retry: false };
  applyTo(draft, event);
  const settled = settle(draft);
  const book = bookIntents(before.spend, draft);
  if (book.length > 0) {
    const last = book.at(-1);
    const booked = last?.template === 'spend-broadcast' ? last : undefined;
    draft.spend = {
      ...draft.spend,
      ledgerEpoch: booked?.epoch ?? draft.spend.ledgerEpoch,
      bookedVersion: booked?.version ?? null,
    };
  }
  const changed = differs(before, draft);
  if (!changed && book.length === 0) return null;
  return {
    spend: draft.spend,
    versions: draft.versions,
    book,
    releases: settled,
    retry: draft.retry,
    told: isTold(before, draft),
  };
}

function applyTo(draft: Draft, event: SpendEvent): void {
  switch (event.type) {
    case 'signed': {
      const version = versionOf(draft, event.version);
      if (version.state !== 'planned') return;
      const { txid, vsize, nowMs: dueAtMs } = event;
      change(draft, { ...version, state: 'signed', txid, vsize });
      if (draft.spend.height !== null) return;
      return patch(draft, { attempts: 0, reason: null, detail: null, dueAtMs });
    }
    case 'signing-refused':
      return refuseSigning(draft, event);
    case 'signer-unavailable':
      return wait(draft, 'signer_unavailable', event);
    case 'awaiting-signature': {
      if (versionOf(draft, event.version).state !== 'planned') return;
      return patch(draft, { reason: 'awaiting_signature', detail: null, dueAtMs: null });
    }
    case 'exported':
    case 'sending': {
      const version = versionOf(draft, event.version);
      if (version.state === 'rejected' || version.state === 'replaced') return;
      if (event.type === 'sending' && version.state === 'planned') return;
      return change(draft, { ...version, exposed: true });
    }
    case 'sent': {
      const version = versionOf(draft, event.version);
      if (version.state === 'planned' || version.state === 'replaced') return;
      change(draft, { ...version, state: 'broadcast', exposed: true, rejectCode: null });
      if (draft.spend.height !== null) return;
      const { nextCheckAtMs: dueAtMs } = event;
      // News of an older version that comes late does not make it count again.
      const current = versionOf(draft, draft.spend.version);
      const counts = current.state !== 'broadcast' || event.version > current.version;
      return patch(draft, {
        ...(counts ? { version: event.version } : {}),
        ...{ attempts: 0, reason: null, detail: null, dueAtMs },
      });
    }
    case 'refused':
      return refuseBroadcast(draft, event);
    case 'unknown': {
      if (versionOf(draft, event.version).state === 'rejected') return;
      return wait(draft, 'node_unavailable', event);
    }
    case 'chain':
      return applyChainFacts(draft, event);
    case 'version-added':
      return addVersion(draft, event);
    case 'postponed':
      return wait(draft, event.reason, event);
    case 'given-up': {
      if (draft.versions.some(({ exposed }) => exposed)) return;
      return fail(draft, { reason: event.reason, detail: event.detail, retry: false });
    }
    default:
      return unreachable(event);
  }
}

function refuseSigning(
  draft: Draft,
  event: Extract<SpendEvent, { type: 'signing-refused' }>,
): void {
  const version = versionOf(draft, event.version);
  if (version.state !== 'planned') return;
  const others = draft.versions.filter((each) => each !== version);
  if (!version.exposed && !others.some(mayBeMined)) {
    return fail(draft, { reason: 'signer_refused', detail: event.detail, retry: event.retry });
  }
  // A bump that the signer refuses leaves what it would have replaced as it was.
  if (!version.exposed) change(draft, { ...version, state: 'replaced', rejectCode: 'signer' });
  if (draft.spend.height !== null) return;
  patch(draft, { reason: 'signer_refused', detail: event.detail });
}

function refuseBroadcast(draft: Draft, event: Extract<SpendEvent, { type: 'refused' }>): void {
  const version = versionOf(draft, event.version);
  if (version.state === 'planned' || version.state === 'replaced') return;
  const { verdict, detail } = event;
  // Whether an input is gone the chain's record says, which the node may be ahead of.
  if (verdict === 'inputs_gone' && draft.spend.reason === 'conflict_not_final') {
    // It has said so already, and who took it: the node only says the same with fewer words.
    return wait(draft, draft.spend.reason, { ...event, detail: draft.spend.detail ?? detail });
  }
  if (verdict === 'later' || verdict === 'inputs_gone') {
    return wait(draft, reasonOf(verdict), event);
  }
  // Once it may be out in the world, "no" only tells of this node at this moment.
  if (version.exposed) {
    change(draft, { ...version, rejectCode: detail });
    return wait(draft, reasonOf(verdict), event);
  }
  change(draft, { ...version, state: 'rejected', rejectCode: detail });
  if (draft.versions.some(mayBeMined)) {
    return patch(draft, { reason: reasonOf(verdict), detail, dueAtMs: event.retryAtMs });
  }
  // A fee can be raised and an input exchanged in a new version; the rest is for good.
  if (verdict !== 'never') return wait(draft, reasonOf(verdict), event);
  fail(draft, { reason: 'broadcast_refused', detail, retry: false });
}

function reasonOf(verdict: RefusalVerdict): SpendReason {
  switch (verdict) {
    case 'fee_too_low':
      return 'fee_too_low';
    case 'inputs_gone':
      return 'coin_gone';
    case 'later':
      return 'node_unavailable';
    case 'never':
      return 'broadcast_refused';
    default:
      return unreachable(verdict);
  }
}

function addVersion(draft: Draft, event: Extract<SpendEvent, { type: 'version-added' }>): void {
  const { version, anchor, nowMs } = event;
  if (draft.versions.some((each) => each.version === version.version)) return;
  assert(version.state === 'planned' && !version.exposed, 'a new version begins as a plan');
  assert(version.inputs.includes(anchor), 'a new version spends the anchor');
  const newest = Math.max(...draft.versions.map((each) => each.version));
  assert(version.version === newest + 1, 'versions are counted without gaps');
  for (const each of draft.versions.filter(mayBeMined)) {
    assert(each.inputs.includes(anchor), 'every version that may be mined spends the anchor');
  }
  for (const each of draft.versions) {
    if (each.state !== 'planned' || each.exposed) continue;
    change(draft, { ...each, state: 'replaced' });
  }
  draft.versions.push(version);
  patch(draft, { anchor, attempts: 0, reason: null, detail: null, dueAtMs: nowMs });
}

function wait(
  draft: Draft,
  reason: SpendReason,
  event: { detail: string; retryAtMs: number },
): void {
  // While one version is in a block, what happens to the others is of no account.
  if (draft.spend.height !== null) return;
  const { detail, retryAtMs } = event;
  patch(draft, { reason, detail, dueAtMs: retryAtMs, attempts: draft.spend.attempts + 1 });
}

/** Brings state and counting version in line with the versions. @returns whether it has ended */
function settle(draft: Draft): boolean {
  const { spend } = draft;
  if (hasEnded(spend.state)) return true;
  if (spend.height !== null) return false;
  const current = versionOf(draft, spend.version);
  const counting = current.state === 'broadcast' ? current : countingVersion(draft.versions);
  patch(draft, { version: counting.version, state: stateOf(draft.versions) });
  return false;
}

function stateOf(versions: readonly SpendVersion[]): SpendState {
  if (versions.some(({ state }) => state === 'broadcast')) return 'broadcast';
  return versions.some(({ state }) => state === 'signed' || state === 'rejected')
    ? 'signed'
    : 'planned';
}

/** The newest that a node took, else the newest that is signed, else the newest. */
function countingVersion(versions: readonly SpendVersion[]): SpendVersion {
  const newest = (wanted: readonly SpendVersion['state'][]) =>
    versions.filter(({ state }) => wanted.includes(state)).at(-1);
  const found =
    newest(['broadcast']) ?? newest(['signed']) ?? newest(['planned']) ?? versions.at(-1);
  assert(found !== undefined, 'a spend has a version');
  return found;
}

/** Which version the book should show now: the one that counts, from the first broadcast on. */
function wantedBooking(draft: Draft): number | null {
  const { spend } = draft;
  if (spend.state === 'planned' || spend.state === 'signed') return null;
  const counting = versionOf(draft, spend.version);
  // What was cancelled has cost its fee.
  if (spend.state === 'failed')
    return counting.purpose === 'cancel' && spend.height !== null ? spend.version : null;
  return spend.version;
}

function bookIntents(before: Spend, draft: Draft): BookIntent[] {
  const wanted = wantedBooking(draft);
  const { bookedVersion, ledgerEpoch } = before;
  if (wanted === bookedVersion) return [];
  const book: BookIntent[] = [];
  if (bookedVersion !== null) {
    book.push({ template: 'spend-reversed', epoch: ledgerEpoch, version: bookedVersion });
  }
  if (wanted !== null) {
    book.push({ template: 'spend-broadcast', epoch: ledgerEpoch + 1, version: wanted });
  }
  return book;
}

function differs(
  before: { spend: Spend; versions: readonly SpendVersion[] },
  draft: Draft,
): boolean {
  if (before.versions.length !== draft.versions.length) return true;
  if (!isSame(before.spend, draft.spend)) return true;
  return before.versions.some((version, at) => {
    const after = draft.versions[at];
    return after === undefined || !isSame(version, after);
  });
}

function isSame<T extends object>(before: T, after: T): boolean {
  if (before === after) return true;
  return Object.entries(after).every(([name, value]) => Reflect.get(before, name) === value);
}

function isTold(
  before: { spend: Spend; versions: readonly SpendVersion[] },
  after: { spend: Spend; versions: readonly SpendVersion[] },
): boolean {
  const seen = ({ spend, versions }: typeof before) => {
    const { txid, feeSats } = versionOf({ versions }, spend.version);
    return [spend.state, spend.reason, spend.height, spend.version, txid, feeSats];
  };
  const now = seen(after);
  return seen(before).some((value, at) => value !== now[at]);
}
