import { assert } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import {
  type Attempt,
  type AttemptChange,
  type AttemptListener,
  type AttemptTelling,
  readAttempts,
} from '../../lightning/index.ts';
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
      if (change.type === 'failed') await payByLate(tx, deps, telling, change);
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
    case 'arrived_late': {
      const { paymentHash, preimage, feeMsat } = change;
      const late = { attemptId, paymentHash, preimage, feeMsat, isBooked: false };
      return { type: 'attempt_arrived_late', ...late, atMs };
    }
    case 'failed': {
      const { failureClass } = change.failure;
      if ((await findLate(tx, change)) !== undefined) {
        return {
          type: 'attempt_failed',
          attemptId,
          failureClass,
          reason: 'already_paid',
          next: null,
          atMs,
        };
      }
      const next = await nextAfterFailure(tx, change, atMs);
      // It may be given up at once, and its money freed, rather than after the pause.
      const soon = isAdvised && next.next !== null ? { next: { notBeforeMs: atMs } } : {};
      return { type: 'attempt_failed', attemptId, failureClass, ...next, ...soon, atMs };
    }
  }
}

/** An earlier attempt that was found to be paid while this one was open. */
async function findLate(
  tx: Tx,
  { merchantId, payoutId }: Pick<AttemptChange, 'merchantId' | 'payoutId'>,
): Promise<Attempt | undefined> {
  const attempts = await readAttempts(tx, { merchantId, payoutId });
  return attempts.find(({ arrivedLate }) => arrivedLate);
}

/** The one that was open has failed: then the payout is paid by the one that was booked before. */
async function payByLate(
  tx: Tx,
  deps: AttemptListenerDeps,
  telling: AttemptTelling,
  change: AttemptChange,
): Promise<void> {
  const late = await findLate(tx, change);
  if (late === undefined) return;
  const { invoice, preimage, sentMsat, feeMsat, amountMsat } = late;
  assert(invoice !== null && preimage !== null, 'what was paid has a hash and a proof');
  const before = await lockPayout(tx, { merchantId: change.merchantId, id: change.payoutId });
  assert(before !== undefined, 'an attempt has a payout');
  const beyond = (sentMsat ?? amountMsat) + (feeMsat ?? 0n) - amountMsat;
  const event = {
    type: 'attempt_arrived_late',
    ...{ attemptId: late.id, paymentHash: invoice.paymentHash, preimage },
    ...{ feeMsat: beyond > 0n ? beyond : 0n, isBooked: true, atMs: telling.nowMs },
  } as const;
  const step = demand(applyPayoutEvent(before, event));
  await writePayouts(tx, deps, { telling, moves: [{ before, step }] });
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
