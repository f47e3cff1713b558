import { assert } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { type AttemptChange, type AttemptListener, readAttempts } from '../../lightning/index.ts';
import { demand } from '../errors.ts';
import { payoutFaultPoint } from '../fault-points.ts';
import { lightningPayout, type PayoutListener } from '../payout.ts';
import { readPayoutPolicy } from '../policy-store.ts';
import { lockPayout } from '../store.ts';
import { applyPayoutEvent, type PayoutEvent } from '../transition.ts';
import { writePayouts } from '../write-payouts.ts';
import { decideFor, nextTryOf, strategyOf } from './next-try.ts';
import { findLightningPayer } from './processor-store.ts';

type AttemptListenerDeps = {
  /** Told of every change of a payout: refunds, cards. */
  readonly listener: PayoutListener;
  /** Where history gives advice, the pause is decided with it, in the next round. */
  readonly advise?: unknown;
};

/**
 * What is known of attempts becomes states of payouts, ledger transfers and events, in the
 * transaction that recorded it. Every change may come twice. A change that contradicts the payout
 * stops the transaction: it would be a payout paid twice.
 */
export function createAttemptListener(deps: AttemptListenerDeps): AttemptListener {
  return {
    async lock(tx, { merchantId, payoutId }) {
      await lockPayout(tx, { merchantId, id: payoutId });
    },
    async attemptChanged(tx, telling, change) {
      const before = await lockPayout(tx, { merchantId: change.merchantId, id: change.payoutId });
      assert(before !== undefined, 'an attempt has a payout');
      const isAdvised = deps.advise !== undefined;
      const event = await eventOf(tx, change, { atMs: telling.nowMs, isAdvised });
      const step = demand(applyPayoutEvent(before, event));
      await writePayouts(tx, deps, { telling, moves: [{ before, step }] });
      payoutFaultPoint('payout-told-uncommitted');
    },
  };
}

async function eventOf(
  tx: Tx,
  change: AttemptChange,
  { atMs, isAdvised }: { atMs: number; isAdvised: boolean },
): Promise<PayoutEvent> {
  const { attemptId } = change;
  switch (change.type) {
    case 'succeeded': {
      const { preimage, feeMsat } = change;
      return { type: 'attempt_succeeded', attemptId, preimage, feeMsat, atMs };
    }
    case 'in_flight':
      return { type: 'attempt_seen', attemptId, atMs };
    case 'unsure':
      return { type: 'attempt_unsure', attemptId, reason: 'timeout_unknown', atMs };
    case 'failed': {
      const next = await nextAfterFailure(tx, change, atMs);
      // It may be given up at once, and its money freed, rather than after the pause.
      const soon = isAdvised && next.next !== null ? { next: { notBeforeMs: atMs } } : {};
      const { failureClass } = change.failure;
      return { type: 'attempt_failed', attemptId, failureClass, ...next, ...soon, atMs };
    }
  }
}

/** The strategy speaks in the same transaction, so that money is free as soon as it gives up. */
async function nextAfterFailure(
  tx: Tx,
  { merchantId, payoutId, failure }: Extract<AttemptChange, { type: 'failed' }>,
  nowMs: number,
) {
  const found = await lockPayout(tx, { merchantId, id: payoutId });
  assert(found !== undefined, 'an attempt has a payout');
  const payout = lightningPayout(found);
  const policy = await readPayoutPolicy(tx, merchantId);
  const processor = await findLightningPayer(tx, merchantId);
  const strategy = strategyOf(payout, { processor: processor?.settings, policy });
  const attempts = await readAttempts(tx, { merchantId, payoutId });
  const world = { attempts, nowMs, sendableMsat: null, advice: null };
  return nextTryOf(decideFor(strategy, payout, world), failure.failureClass, nowMs);
}
