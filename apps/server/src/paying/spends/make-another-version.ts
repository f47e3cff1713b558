import { type FeeRate, feeRateOf, MIN_RELAY_FEE_RATE } from '@quittance/bitcoin';
import { applyEvent, holdSpend, tellingNow } from './apply-event.ts';
import { backOffMs } from './back-off.ts';
import { nextAnchor } from './chain-facts.ts';
import type { SpendDeps } from './deps.ts';
import { hasEnded, versionOf } from './draft.ts';
import { NoFeeEstimateError } from './estimate-fee.ts';
import { addReplacement, readReplaced } from './replace-version.ts';
import type { SpendReason } from './spend.ts';
import { readChainFacts } from './chain-store.ts';
import { readTip } from './coin-store.ts';
import { type StoredSpend } from './store.ts';

/** A transaction that was refused or evicted for its fee is to be mined within so many blocks. */
const TARGET_BLOCKS = 6;

/**
 * Makes a version that can be mined where the one before can not: with a higher fee within the
 * spend's limits, or anchored on another coin that all versions share. Never without a shared coin.
 * @returns whether there is one now that waits for its signature
 */
export async function makeAnotherVersion(
  deps: SpendDeps,
  stored: StoredSpend,
  why: 'fee-too-low' | 'coin-gone',
): Promise<boolean> {
  const spendId = stored.spend.id;
  const rate = await nextFeeRate(deps, stored);
  const replaces = await readReplaced(deps.node, stored);
  return await deps.database.asSystem(async (tx) => {
    const held = await holdSpend(tx, deps.listener, spendId);
    if (held === undefined || hasEnded(held.spend.state)) return false;
    // Another worker was quicker.
    if (held.versions.length !== stored.versions.length) return true;
    const telling = await tellingNow(tx, deps);
    const postpone = async (reason: SpendReason, detail: string) => {
      const retryAtMs = telling.nowMs + backOffMs(held.spend.attempts, deps.random);
      const event = { type: 'postponed', reason, detail, retryAtMs } as const;
      await applyEvent(tx, { listener: deps.listener, telling }, held, event);
      return false;
    };
    if (rate === null) return await postpone('no_fee_estimate', 'the node tells no fee rate');
    const facts = (await readChainFacts(tx, [spendId], await readTip(tx))).get(spendId);
    const anchor =
      why === 'fee-too-low' || facts === undefined
        ? held.spend.anchor
        : nextAnchor(held.versions, facts);
    if (anchor === null) {
      const detail = held.spend.detail ?? 'somebody else has spent the coins';
      return await postpone('conflict_not_final', detail);
    }
    const counting = versionOf(held, held.spend.version);
    // To outbid somebody else for a coin that is not needed would cost fees for nothing.
    const isTaken = counting.inputs.some((input) => input !== anchor && facts?.taken.has(input));
    const added = await addReplacement(tx, deps, held, {
      ...{ feeRate: rate, purpose: counting.purpose, anchor },
      replaces: why === 'fee-too-low' ? replaces : undefined,
      keepInputs: why === 'fee-too-low' && !isTaken,
    });
    if (added.ok) return true;
    const reason: SpendReason = why === 'fee-too-low' ? 'fee_too_low' : 'coin_gone';
    return await postpone(added.reason === 'change_in_use' ? reason : added.reason, added.detail);
  });
}

/** What it takes now, and more than the version that was refused; null when nobody says. */
async function nextFeeRate(deps: SpendDeps, stored: StoredSpend): Promise<FeeRate | null> {
  const last = stored.versions.at(-1);
  if (last === undefined) return null;
  try {
    const { feeRate } = await deps.fees.estimate({ targetBlocks: TARGET_BLOCKS });
    const higher = feeRateOf(last.feeSats, last.vsize) + MIN_RELAY_FEE_RATE;
    return last.rejectCode !== null && higher > feeRate ? higher : feeRate;
  } catch (error) {
    if (error instanceof NoFeeEstimateError) return null;
    throw error;
  }
}
