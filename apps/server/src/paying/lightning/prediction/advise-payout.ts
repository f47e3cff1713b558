import type { LightningStrategy } from '@quittance/contract';
import { assert, type Msats, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import type { StrategyHistory } from '../strategies/index.ts';
import type { Advice } from './advise.ts';
import { adviseStrategy } from './advise-strategy.ts';
import { learn } from './observe.ts';
import { namedChannels } from './named-channels.ts';
import { recipientOf } from './recipient.ts';
import { readBuckets, readUnlearnt } from './store.ts';

/** A payout has no more attempts than this. */
const MAX_UNLEARNT = 100;

/** A payout that somebody wants advice on; it has no open attempt. */
export type AdvisedPayout = {
  readonly merchantId: Uuid;
  readonly payoutId: Uuid;
  readonly destination: string;
  readonly amountMsat: Msats;
  readonly expiresAtMs: number | null;
};

/**
 * What recorded attempts suggest for a payout now. Its own attempts that are not taken up yet are
 * thought in: the last failure counts at once.
 */
export async function advisePayout(
  tx: Tx,
  payout: AdvisedPayout,
  asked: { strategy: LightningStrategy; history: StrategyHistory; nowMs: number },
): Promise<Advice> {
  const { merchantId, payoutId, amountMsat, expiresAtMs } = payout;
  assert(
    asked.history.attempts.every(({ endedAtMs }) => endedAtMs !== null),
    'advice is for a payout without an open attempt',
  );
  const destination = recipientOf(payout.destination);
  const recipients = [destination];
  const channels = namedChannels(payout.destination);
  const buckets = await readBuckets(tx, merchantId, { recipients, channels });
  for (const { record } of await readUnlearnt(tx, { merchantId, payoutId, limit: MAX_UNLEARNT })) {
    if (record === null) continue;
    // Of other channels nothing was read, and nothing is asked.
    const failedAt = channels.includes(record.failedAt ?? '') ? record.failedAt : null;
    learn(buckets, { ...record, destination, failedAt });
  }
  const { strategy, history, nowMs } = asked;
  return adviseStrategy(buckets, strategy, history, {
    ...{ destination, amountMsat, expiresAtMs, nowMs, via: channels },
  });
}
