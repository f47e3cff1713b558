import { MSATS_PER_SAT, type Sats, type Uuid } from '@quittance/kernel';
import { MERCHANT_AVAILABLE, ONCHAIN_WALLET, PAYOUTS_IN_TRANSIT } from '../accounts.ts';
import { type Leg, type Transfer, transferId } from '../transfer.ts';

/** One booking of one transaction of a spend; a version that takes its place is the next epoch. */
export type SpendBookingArgs = {
  merchantId: Uuid;
  spendId: Uuid;
  epoch: number;
  txid: string;
  /** What the payouts take from the book; zero for a spend that pays nobody. */
  payoutSats: Sats;
  /** What leaves the wallet: outputs that are not ours, and the network's fee. */
  outSats: Sats;
  atMs: number;
};

/**
 * A node has taken a transaction of ours: the wallet has less (credit onchain.wallet) by what was
 * on its way to be paid (debit payouts.in_transit) and by the sender's part of the network's fee
 * (debit merchant.available). A part of zero has no leg.
 */
export function spendBroadcast(args: SpendBookingArgs): Transfer {
  return {
    id: transferId('spend-broadcast', args.spendId, String(args.epoch)),
    ...spendFields(args),
    template: 'spend-broadcast',
    phase: 'single',
    legs: spendLegs(args),
  };
}

export function spendLegs({ payoutSats, outSats }: SpendBookingArgs): Leg[] {
  const payouts = payoutSats * MSATS_PER_SAT;
  const out = outSats * MSATS_PER_SAT;
  const legs: Leg[] = [
    { account: PAYOUTS_IN_TRANSIT, direction: 'debit', amount: payouts },
    { account: MERCHANT_AVAILABLE, direction: 'debit', amount: out - payouts },
    { account: ONCHAIN_WALLET, direction: 'credit', amount: out },
  ];
  return legs.filter(({ amount }) => amount !== 0n);
}

/** What every transfer about a spend's booking says alike. */
export function spendFields(args: SpendBookingArgs) {
  return {
    bookId: args.merchantId,
    effectiveAtMs: args.atMs,
    recordedAtMs: args.atMs,
    reference: { spendId: args.spendId, epoch: String(args.epoch), txid: args.txid },
  };
}
