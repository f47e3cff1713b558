import type { Msats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { attemptOrder } from './attempt-order.ts';
import { estimate } from './estimate.ts';
import { namedChannels } from './named-channels.ts';
import { recipientOf } from './recipient.ts';
import { readBuckets } from './store.ts';

/** A payout that is due, while not all that are can be begun at once. */
export type DueAttempt = {
  readonly destination: string;
  readonly amountMsat: Msats;
  readonly dueAtMs: number;
  readonly expiresAtMs: number | null;
};

/** Puts due payouts of one store into the order in which they are best attempted. */
export async function orderAttempts<T extends DueAttempt>(
  tx: Tx,
  merchantId: Uuid,
  { due, nowMs }: { due: readonly T[]; nowMs: number },
): Promise<T[]> {
  const named = due.map((payout) => ({
    ...{ payout, destination: recipientOf(payout.destination) },
    via: namedChannels(payout.destination),
  }));
  const buckets = await readBuckets(tx, merchantId, {
    recipients: named.map(({ destination }) => destination),
    channels: named.flatMap(({ via }) => via),
  });
  const waiting = named.map(({ payout, destination, via }) => {
    const { amountMsat, dueAtMs, expiresAtMs } = payout;
    const asked = { destination, amountMsat, atMs: nowMs, via };
    const { probability } = estimate(buckets, asked);
    return { payout, dueAtMs, expiresAtMs, probability };
  });
  return attemptOrder(waiting, nowMs).map(({ payout }) => payout);
}
