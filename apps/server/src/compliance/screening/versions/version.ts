import type { Uuid } from '@quittance/kernel';
import type { ImportFinding } from '../list-entry.ts';
import type { ListFormat } from '../lists/import.ts';

export const versionStates = [
  'uploading',
  'queued',
  'importing',
  'failed',
  'imported',
  'approved',
  'active',
  'retired',
  'rejected',
] as const;
export type VersionState = (typeof versionStates)[number];

/** A file that a version was read from. */
export type VersionSource = { file: string; bytes: number; sha256: string };

/** An entry in a delta report: enough for a person to recognise it. */
export type DeltaLine = { source: string; id: string; name: string; fields?: string[] };

/** What a version changes, against the one that was active when it was compared. */
export type DeltaReport = {
  added: number;
  removed: number;
  changed: number;
  unchanged: number;
  /** The first of each kind. */
  sample: { added: DeltaLine[]; removed: DeltaLine[]; changed: DeltaLine[] };
};

/** One import of one list. Times in ms. */
export type Version = {
  id: Uuid;
  list: string;
  format: ListFormat;
  state: VersionState;
  proposedBy: string;
  createdAtMs: number;
  attempt: number;
  error: string | null;
  sources: readonly VersionSource[];
  digest: string | null;
  entryCount: number | null;
  nameCount: number | null;
  addressCount: number | null;
  findingCount: number | null;
  findings: readonly ImportFinding[];
  importedAtMs: number | null;
  delta: DeltaReport | null;
  comparedTo: Uuid | null;
  signedOffBy: string | null;
  signedOffAtMs: number | null;
  effectiveAtMs: number | null;
  activatedAtMs: number | null;
  retiredAtMs: number | null;
  entriesRemovedAtMs: number | null;
};

/** What changes in the life of a version; the rest is written once. */
export type VersionChange = Pick<
  Version,
  | 'state'
  | 'proposedBy'
  | 'signedOffBy'
  | 'signedOffAtMs'
  | 'effectiveAtMs'
  | 'activatedAtMs'
  | 'retiredAtMs'
>;

export type VersionEvent =
  | { type: 'uploaded' }
  | {
      type: 'signed-off';
      by: string;
      /** Whether who signs is who proposed it, by whatever key. */
      bySamePerson: boolean;
      digest: string;
      /** The version that is active now; null: none. */
      activeId: Uuid | null;
      effectiveAtMs: number;
      nowMs: number;
    }
  | { type: 'due'; nowMs: number }
  | { type: 'replaced'; nowMs: number }
  | { type: 'proposed-again'; by: string }
  | { type: 'rejected' };

export type VersionOutcome =
  | { ok: true; change: VersionChange }
  | { ok: false; reason: 'state' | 'same-person' | 'digest' | 'comparison' | 'entries-removed' };

/**
 * The life of a version: uploading → queued → importing → imported (or failed) → signed off by a second
 * person → approved until its date → active → retired when another takes its place. A retired one
 * comes back the same way: proposed by one, signed off by another.
 */
export function changeVersion(version: Version, event: VersionEvent): VersionOutcome {
  const keep: VersionChange = version;
  const to = (change: Partial<VersionChange>): VersionOutcome => ({
    ok: true,
    change: { ...keep, ...change },
  });
  const refused = (
    reason: Extract<VersionOutcome, { ok: false }>['reason'] = 'state',
  ): VersionOutcome => ({ ok: false, reason });
  const { state } = version;
  switch (event.type) {
    case 'uploaded':
      return state === 'uploading' ? to({ state: 'queued' }) : refused();
    case 'signed-off':
      return state === 'imported' ? signOff(version, event, { to, refused }) : refused();
    case 'due': {
      const isDue = state === 'approved' && (version.effectiveAtMs ?? 0) <= event.nowMs;
      if (!isDue) return refused();
      return to({ state: 'active', activatedAtMs: event.nowMs, retiredAtMs: null });
    }
    case 'replaced':
      return state === 'active' ? to({ state: 'retired', retiredAtMs: event.nowMs }) : refused();
    case 'proposed-again': {
      if (state !== 'retired') return refused();
      if (version.entriesRemovedAtMs !== null) return refused('entries-removed');
      const unsigned = { signedOffBy: null, signedOffAtMs: null, effectiveAtMs: null };
      return to({ state: 'imported', proposedBy: event.by, ...unsigned });
    }
    case 'rejected': {
      const open: readonly VersionState[] = ['uploading', 'failed', 'imported', 'approved'];
      if (!open.includes(state)) return refused();
      const unsigned = { signedOffBy: null, signedOffAtMs: null, effectiveAtMs: null };
      // One that has been active stays what it was.
      return to({ ...unsigned, state: version.activatedAtMs === null ? 'rejected' : 'retired' });
    }
  }
}

function signOff(
  version: Version,
  event: Extract<VersionEvent, { type: 'signed-off' }>,
  {
    to,
    refused,
  }: {
    to(change: Partial<VersionChange>): VersionOutcome;
    refused(reason: Extract<VersionOutcome, { ok: false }>['reason']): VersionOutcome;
  },
): VersionOutcome {
  if (event.bySamePerson) return refused('same-person');
  if (event.digest !== version.digest) return refused('digest');
  // Whoever signs has to have seen what changes against what is in force.
  if (version.delta === null || version.comparedTo !== event.activeId) return refused('comparison');
  return to({
    state: 'approved',
    signedOffBy: event.by,
    signedOffAtMs: event.nowMs,
    effectiveAtMs: Math.max(event.effectiveAtMs, event.nowMs),
  });
}
