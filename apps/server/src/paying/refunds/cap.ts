import type { Sats } from '@quittance/kernel';
import {
  type RefundArgs,
  refundableCredited,
  refundableTakenBack,
  refundReleased,
  refundReserved,
  refundReversed,
  refundSent,
  type Transfer,
} from '../../accounting/ledger/index.ts';
import { isPaid, type Refund, type RefundChange } from './refund.ts';

/** The credits of an order's refundable account. */
export type Cap = { readonly creditedSats: Sats; readonly epoch: number };

/** The ledger transfers that take a refund's part of the cap from where it was to where it is. */
export function capTransfers({ before, after }: RefundChange, atMs: number): Transfer[] {
  const had = before?.capState ?? 'none';
  const has = after.capState;
  if (had === has) return [];
  const argsIn = (epoch: number): RefundArgs => ({
    merchantId: after.merchantId,
    orderId: after.orderId,
    refundId: after.id,
    epoch,
    basisSats: after.basisSats,
    atMs,
  });
  const then = argsIn(before?.capEpoch ?? 0);
  const now = argsIn(after.capEpoch);
  if (had === 'pending' && has === 'posted') return [refundSent(now)];
  const transfers: Transfer[] = [];
  if (had === 'pending') transfers.push(refundReleased(then));
  if (had === 'posted') transfers.push(refundReversed(then));
  if (has !== 'none') transfers.push(refundReserved(now));
  if (has === 'posted') transfers.push(refundSent(now));
  return transfers;
}

/** What of an order's receipts refunds hold: promised, on their way or paid. */
export function takenSats(refunds: readonly Pick<Refund, 'capState' | 'basisSats'>[]): Sats {
  return refunds.reduce((sum, each) => sum + (each.capState === 'none' ? 0n : each.basisSats), 0n);
}

/**
 * What refunds hold that held it before these changes too. What is new has to fit: the cap is never
 * raised for it.
 */
export function keptSats(refunds: readonly Refund[], changes: readonly RefundChange[]): Sats {
  const fresh = new Set(
    changes
      .filter(({ before }) => before === null || before.capState === 'none')
      .map(({ after }) => after.id),
  );
  return takenSats(refunds.filter(({ id }) => !fresh.has(id)));
}

/**
 * Brings the cap to what has been received for certain; never below what refunds hold, which
 * after a reorganisation may be more. Then nothing more can be promised until it is back.
 * @param to.takenSats what keptSats says
 * @param key what the transfer is about
 */
export function moveCap(
  cap: Cap,
  to: { confirmedSats: Sats; takenSats: Sats },
  key: Pick<RefundArgs, 'merchantId' | 'orderId' | 'atMs'>,
): { cap: Cap; transfer: Transfer | null } {
  const wanted = to.confirmedSats > to.takenSats ? to.confirmedSats : to.takenSats;
  const difference = wanted - cap.creditedSats;
  if (difference === 0n) return { cap, transfer: null };
  const moved = { creditedSats: wanted, epoch: cap.epoch + 1 };
  const args = { ...key, epoch: moved.epoch };
  const transfer =
    difference > 0n
      ? refundableCredited({ ...args, amountSats: difference })
      : refundableTakenBack({ ...args, amountSats: -difference });
  return { cap: moved, transfer };
}

/**
 * Which promises what was received still covers, the oldest first. What is paid comes before all.
 * @param underWay promises whose payout can not be stopped any more: as good as paid
 */
export function assess(
  confirmedSats: Sats,
  refunds: readonly Refund[],
  underWay: ReadonlySet<string>,
): { hold: Refund[]; resume: Refund[] } {
  const gone = (refund: Refund) => isPaid(refund) || underWay.has(refund.id);
  let room = confirmedSats;
  for (const refund of refunds) if (gone(refund)) room -= refund.basisSats;
  const hold: Refund[] = [];
  const resume: Refund[] = [];
  for (const refund of refunds) {
    if (refund.state !== 'PENDING' || gone(refund)) continue;
    if (refund.basisSats <= room) {
      room -= refund.basisSats;
      if (refund.held) resume.push(refund);
    } else if (!refund.held) hold.push(refund);
  }
  return { hold, resume };
}
