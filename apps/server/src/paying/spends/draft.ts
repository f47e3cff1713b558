import { assert } from '@quittance/kernel';
import type { OutpointText, Spend, SpendReason, SpendState, SpendVersion } from './spend.ts';

/** Depth at which a block is taken for good: the same as for payments that we receive. */
export const FINAL_DEPTH = 100;

/** A spend and its transactions, while an event is applied. */
export type Draft = {
  spend: Spend;
  versions: SpendVersion[];
  /** Of one that fails: whether the same payouts may be tried in a new spend. */
  retry: boolean;
};

export function hasEnded(state: SpendState): boolean {
  return state === 'final' || state === 'failed';
}

/** The version of that number. */
export function versionOf(
  of: { versions: readonly SpendVersion[] },
  version: number,
): SpendVersion {
  const found = of.versions.find((each) => each.version === version);
  assert(found !== undefined, `the spend has no version ${version}`);
  return found;
}

/** Whether it could be mined some day: it has a signature, or somebody else may give it one. */
export function mayBeMined({ state, exposed }: SpendVersion): boolean {
  return exposed || state === 'signed' || state === 'broadcast';
}

/**
 * The coins that every version spends, whatever became of it: a new version that spends one of them
 * can not be mined beside any other, and the signer, which knows what it has ever signed, agrees.
 */
export function sharedInputs(versions: readonly SpendVersion[]): OutpointText[] {
  const [first, ...others] = versions;
  if (first === undefined) return [];
  return first.inputs.filter((input) => others.every(({ inputs }) => inputs.includes(input)));
}

/**
 * Ends a spend that can not be mined in any version. What nobody has ever had loses its name: the same
 * coins and outputs make the same transaction again, which is then another spend's.
 */
export function fail(
  draft: Draft,
  why: { reason: SpendReason; detail: string | null; retry: boolean },
): void {
  draft.retry = why.retry;
  for (const version of draft.versions) {
    if (!version.exposed && version.txid !== null) change(draft, { ...version, txid: null });
  }
  patch(draft, { state: 'failed', reason: why.reason, detail: why.detail, dueAtMs: null });
}

export function patch(draft: Draft, changes: Partial<Spend>): void {
  draft.spend = { ...draft.spend, ...changes };
}

export function change(draft: Draft, version: SpendVersion): void {
  draft.versions = draft.versions.map((each) =>
    each.version === version.version ? version : each,
  );
}
