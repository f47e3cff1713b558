import type { PayoutEventType } from '@quittance/contract';
import type { Msats, Uuid } from '@quittance/kernel';
import type { Payout } from './payout.ts';

/** A transfer that the ledger has to take, in this order. */
export type PayoutLedgerIntent =
  | PayoutTransferIntent
  /** What arrived although its attempt counted as failed, with nothing set aside for it. */
  | {
      readonly template: 'lightning-late';
      readonly attemptId: Uuid;
      readonly paymentHash: string;
      readonly feeMsat: Msats;
    };

export type PayoutTransferIntent = {
  readonly template:
    | 'payout-reserved'
    | 'payout-sent'
    | 'payout-released'
    | 'payout-reversed'
    | 'lightning-fee-reserved'
    | 'lightning-fee-released'
    | 'lightning-sent';
  readonly epoch: number;
};

/** Why an event does not fit the payout. */
export type PayoutRejection =
  | 'not_awaiting_approval'
  | 'creator_may_not_approve'
  | 'not_cancellable'
  | 'not_approved'
  /** The event is about a spend, or an attempt, that is not this payout's. */
  | 'other_spend'
  | 'other_attempt'
  /** The invoice that it pays has ended, or is about to. */
  | 'invoice_expired'
  | 'ended';

export type PayoutStep =
  | {
      readonly ok: true;
      readonly payout: Payout;
      readonly ledger: readonly PayoutLedgerIntent[];
      readonly notices: readonly PayoutEventType[];
    }
  | { readonly ok: false; readonly rejection: PayoutRejection };

export function change(
  payout: Payout,
  atMs: number,
  changes: Partial<Payout>,
  ledger: readonly PayoutLedgerIntent[] = [],
  notices: readonly PayoutEventType[] = [],
): PayoutStep {
  const stateSinceMs =
    changes.state === undefined || changes.state === payout.state ? payout.stateSinceMs : atMs;
  const next = { ...payout, ...changes, stateSinceMs, updatedAtMs: atMs };
  return { ok: true, payout: next, ledger, notices };
}

export function same(payout: Payout): PayoutStep {
  return { ok: true, payout, ledger: [], notices: [] };
}

export function reject(rejection: PayoutRejection): PayoutStep {
  return { ok: false, rejection };
}

/** Sets aside what the payout may cost: its amount and, over Lightning, the most that routes may. */
export function reservation(payout: Payout): PayoutLedgerIntent[] {
  const epoch = payout.ledgerEpoch;
  const intents: PayoutLedgerIntent[] = [{ template: 'payout-reserved', epoch }];
  if (hasFeeReserve(payout)) intents.push({ template: 'lightning-fee-reserved', epoch });
  return intents;
}

/** Frees all of that. */
export function release(payout: Payout): PayoutLedgerIntent[] {
  const epoch = payout.ledgerEpoch;
  const intents: PayoutLedgerIntent[] = [{ template: 'payout-released', epoch }];
  if (hasFeeReserve(payout)) intents.push({ template: 'lightning-fee-released', epoch });
  return intents;
}

/** A transfer of nothing is none. */
export function hasFeeReserve({ lightning }: Payout): boolean {
  return lightning !== null && lightning.feeLimitMsat > 0n;
}
