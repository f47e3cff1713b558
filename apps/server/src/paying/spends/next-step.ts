import { LEASE_MS } from './back-off.ts';
import { hasEnded, mayBeMined } from './draft.ts';
import type { SpendVersion } from './spend.ts';
import type { StoredSpend } from './store.ts';

/** What is to be done for a spend next. */
export type Step =
  | { type: 'nothing' }
  | { type: 'sign'; version: SpendVersion }
  | { type: 'send'; version: SpendVersion }
  /** It was broadcast; whether the node still has it is not known. */
  | { type: 'check'; version: SpendVersion }
  | { type: 'another-version'; why: 'fee-too-low' | 'coin-gone' };

/**
 * Decides what a spend needs now, from what is stored alone.
 * @param nowMs before the spend is due there is nothing to do
 */
export function nextStep({ spend, versions }: StoredSpend, nowMs: number): Step {
  if (hasEnded(spend.state) || spend.height !== null) return { type: 'nothing' };
  // A worker's lease moves the time at which a spend is due; it may work within it.
  if (spend.dueAtMs === null || spend.dueAtMs > nowMs + LEASE_MS) return { type: 'nothing' };
  const open = versions.filter(({ state }) => state !== 'rejected' && state !== 'replaced');
  const newest = open.at(-1);
  if (newest?.state === 'planned') return { type: 'sign', version: newest };
  if (newest?.state === 'signed') return signedStep(newest, { spend, versions });
  const broadcast = open.findLast(({ state }) => state === 'broadcast');
  if (broadcast !== undefined) {
    const counting = open.find(({ version }) => version === spend.version) ?? broadcast;
    if (spend.reason === 'conflict_not_final') return { type: 'another-version', why: 'coin-gone' };
    // Refused on its return to the mempool, where fees have risen meanwhile.
    if (spend.reason === 'fee_too_low' && counting.rejectCode !== null) {
      return { type: 'another-version', why: 'fee-too-low' };
    }
    return { type: 'check', version: counting.state === 'broadcast' ? counting : broadcast };
  }
  if (versions.some(mayBeMined)) return { type: 'nothing' };
  if (spend.reason === 'fee_too_low') return { type: 'another-version', why: 'fee-too-low' };
  return { type: 'another-version', why: 'coin-gone' };
}

function signedStep(
  version: SpendVersion,
  { spend }: Pick<StoredSpend, 'spend'> & { versions: readonly SpendVersion[] },
): Step {
  if (spend.reason === 'conflict_not_final') return { type: 'another-version', why: 'coin-gone' };
  if (spend.reason === 'fee_too_low' && version.rejectCode !== null) {
    return { type: 'another-version', why: 'fee-too-low' };
  }
  return { type: 'send', version };
}
