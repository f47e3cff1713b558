import type { Sats, Uuid } from '@quittance/kernel';

/**
 * How far a movement has come.
 * - pending: a deposit that is in the mempool
 * - booked: a deposit that is in a block; a withdrawal from the moment that it is seen, because what
 *   is signed and sent can not be spent again
 * - gone: its transaction was replaced or dropped, or nothing of it is a movement any more
 */
export type MovementState = 'pending' | 'booked' | 'gone';

/**
 * What one transaction means for a merchant's book beyond payments of orders and our own spends.
 * @property amountSats positive: came to addresses without an order; negative: coins that somebody
 *   else's software spent, with the network's fee
 */
export type Movement = {
  readonly merchantId: Uuid;
  readonly txid: string;
  readonly amountSats: Sats;
  readonly state: MovementState;
  readonly ledgerEpoch: number;
};

/** What the chain's record and the coins say about a transaction, for one merchant. */
export type MovementFacts = {
  readonly merchantId: Uuid;
  readonly txid: string;
  /** Where the transaction is; null when it is in neither. */
  readonly place: 'mempool' | 'block' | null;
  /** Outputs to addresses without an order, without the change of a spend of ours. */
  readonly depositedSats: Sats;
  /** Coins of ours that it spends; zero for a spend of ours, which is booked by itself. */
  readonly spentSats: Sats;
};

/** A transfer that the ledger has to take, in this order. */
export type MovementIntent = {
  readonly template:
    | 'wallet-deposit-seen'
    | 'wallet-deposit-confirmed'
    | 'wallet-deposit-gone'
    | 'wallet-deposit-reversed'
    | 'wallet-withdrawal'
    | 'wallet-withdrawal-reversed';
  readonly epoch: number;
  /** Without a sign. */
  readonly amountSats: Sats;
};

export type MovementChange = {
  readonly movement: Movement;
  readonly ledger: readonly MovementIntent[];
};

/**
 * Brings a movement to what the facts say, without any I/O. Facts that say nothing new change
 * nothing, so they may be applied any number of times. What was booked otherwise is undone first and
 * booked anew in the next epoch.
 * @param known the movement on record; undefined when there is none
 * @returns null when nothing changed
 */
export function followFacts(
  known: Movement | undefined,
  facts: MovementFacts,
): MovementChange | null {
  const amountSats = facts.place === null ? 0n : facts.depositedSats - facts.spentSats;
  const state = targetState(amountSats, facts.place);
  const isSame = known !== undefined && known.state !== 'gone' && known.amountSats === amountSats;
  if (state === 'gone') {
    if (known === undefined || known.state === 'gone') return null;
    return { movement: { ...known, state }, ledger: [undoing(known)] };
  }
  if (isSame && known.state === state) return null;
  if (isSame && known.state === 'pending') {
    const movement = { ...known, state };
    return { movement, ledger: [intent('wallet-deposit-confirmed', movement)] };
  }
  const undone = known === undefined || known.state === 'gone' ? [] : [undoing(known)];
  const { merchantId, txid } = facts;
  const ledgerEpoch = (known?.ledgerEpoch ?? 0) + 1;
  const movement: Movement = { merchantId, txid, amountSats, state, ledgerEpoch };
  return { movement, ledger: [...undone, ...beginning(movement)] };
}

function targetState(amountSats: Sats, place: MovementFacts['place']): MovementState {
  if (amountSats === 0n) return 'gone';
  if (amountSats < 0n) return 'booked';
  return place === 'block' ? 'booked' : 'pending';
}

function beginning(movement: Movement): MovementIntent[] {
  if (movement.amountSats < 0n) return [intent('wallet-withdrawal', movement)];
  const seen = intent('wallet-deposit-seen', movement);
  return movement.state === 'pending'
    ? [seen]
    : [seen, intent('wallet-deposit-confirmed', movement)];
}

function undoing(movement: Movement): MovementIntent {
  if (movement.amountSats < 0n) return intent('wallet-withdrawal-reversed', movement);
  return movement.state === 'pending'
    ? intent('wallet-deposit-gone', movement)
    : intent('wallet-deposit-reversed', movement);
}

function intent(
  template: MovementIntent['template'],
  { ledgerEpoch, amountSats }: Movement,
): MovementIntent {
  return {
    template,
    epoch: ledgerEpoch,
    amountSats: amountSats < 0n ? 0n - amountSats : amountSats,
  };
}
