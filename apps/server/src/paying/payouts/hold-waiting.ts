import { assert } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { demand } from './errors.ts';
import type { Payout, PayoutListener, PayoutTelling } from './payout.ts';
import { lockPayout, type OwnPayout } from './store.ts';
import { applyPayoutEvent, type PayoutEvent } from './transition.ts';
import { lockWaiting } from './waiting-store.ts';
import { writePayouts } from './write-payouts.ts';

/** What a check holds is not looked at by runs more often than this; whoever checks wakes it. */
export const HELD_FOR_MS = 3_600_000;

/**
 * Locks an approved payout that nobody has begun to pay.
 * @returns undefined when it waits no more, or somebody has it
 */
export async function takeWaitingPayout(tx: Tx, own: OwnPayout): Promise<Payout | undefined> {
  if (!(await lockWaiting(tx, own))) return undefined;
  return await lockPayout(tx, own);
}

/** Puts a waiting payout on hold: it says so, and no run takes it up. For who holds its lock. */
export async function holdWaitingPayout(
  tx: Tx,
  deps: { listener: PayoutListener },
  telling: PayoutTelling,
  payout: Payout,
): Promise<void> {
  const { nowMs: atMs } = telling;
  const notBeforeMs = atMs + HELD_FOR_MS;
  const event = { type: 'held', reason: 'destination_held', notBeforeMs, atMs } as const;
  await write(tx, deps, telling, { payout, event });
}

/** Lets a payout that a check held go on at once. For who holds its lock. */
export async function freeWaitingPayout(
  tx: Tx,
  deps: { listener: PayoutListener },
  telling: PayoutTelling,
  payout: Payout,
): Promise<void> {
  await write(tx, deps, telling, { payout, event: { type: 'freed', atMs: telling.nowMs } });
}

async function write(
  tx: Tx,
  deps: { listener: PayoutListener },
  telling: PayoutTelling,
  { payout, event }: { payout: Payout; event: PayoutEvent },
): Promise<void> {
  assert(payout.state === 'approved', 'only a payout that waits is held or freed');
  const step = demand(applyPayoutEvent(payout, event));
  await writePayouts(tx, deps, { telling, moves: [{ before: payout, step }] });
}
