import type { LightningFailureClass } from '@quittance/contract';
import type { StrategyAttempt } from './types.ts';

/**
 * What a failure means for the next attempt.
 * - never: trying the same again can not succeed
 * - again: the network or the recipient may do better later
 * - ours: it never left us and says nothing about the destination. It waits for our own node and
 *   does not count towards the maximum, since nothing was tried
 */
export type Reaction = 'never' | 'again' | 'ours';

const reactions: Readonly<Record<LightningFailureClass, Reaction>> = {
  expired: 'never',
  no_route: 'again',
  insufficient_local_balance: 'ours',
  insufficient_capacity: 'again',
  fee_limit: 'again',
  peer_offline: 'again',
  recipient_rejected: 'never',
  amount_out_of_range: 'never',
  wrong_network: 'never',
  invalid: 'never',
  already_paid: 'never',
  // Of an attempt that has ended: somebody has found out that it did not arrive.
  timeout_unknown: 'again',
  node_unavailable: 'ours',
  not_resolved: 'again',
};

/** Our own peer being away is our own affair, as our own node is. */
export function reactionAfter({
  failureClass,
  isOwnPeer,
}: Pick<StrategyAttempt, 'failureClass' | 'isOwnPeer'>): Reaction | null {
  if (failureClass === null) return null;
  return isOwnPeer === true ? 'ours' : reactionTo(failureClass);
}

export function reactionTo(failureClass: LightningFailureClass): Reaction {
  return reactions[failureClass];
}
