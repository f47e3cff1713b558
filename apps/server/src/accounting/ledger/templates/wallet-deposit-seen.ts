import { MSATS_PER_SAT, type Sats, type Uuid } from '@quittance/kernel';
import { MERCHANT_AVAILABLE, ONCHAIN_WALLET } from '../accounts.ts';
import { type Leg, type Transfer, transferId } from '../transfer.ts';

/** One movement in one of its lives on the chain; one that returns gets the next epoch. */
export type MovementArgs = {
  merchantId: Uuid;
  /** The transaction, as people write it: it is one movement for each merchant. */
  txid: string;
  epoch: number;
  amountSats: Sats;
  /** When it happened: stored with the event, so that a retry repeats it. */
  atMs: number;
};

/**
 * The owner's money comes to one of the wallets at an address without an order. Pending: the wallet
 * will grow (debit onchain.wallet) by what is then the merchant's (credit merchant.available).
 */
export function walletDepositSeen(args: MovementArgs): Transfer {
  return {
    id: movementTransferId('wallet-deposit-seen', args),
    ...movementFields(args),
    template: 'wallet-deposit-seen',
    phase: 'pending',
    legs: depositLegs(args.amountSats),
  };
}

/** The legs of a deposit; wallet-deposit-confirmed and wallet-deposit-gone repeat them exactly. */
export function depositLegs(amountSats: Sats): Leg[] {
  const amount = amountSats * MSATS_PER_SAT;
  return [
    { account: ONCHAIN_WALLET, direction: 'debit', amount },
    { account: MERCHANT_AVAILABLE, direction: 'credit', amount },
  ];
}

/** The legs of money that leaves the wallet without a spend of ours: a deposit backwards. */
export function withdrawalLegs(amountSats: Sats): Leg[] {
  const amount = amountSats * MSATS_PER_SAT;
  return [
    { account: MERCHANT_AVAILABLE, direction: 'debit', amount },
    { account: ONCHAIN_WALLET, direction: 'credit', amount },
  ];
}

export function movementTransferId(template: string, args: MovementArgs): Uuid {
  return transferId(template, args.merchantId, args.txid, String(args.epoch));
}

/** What every transfer about a movement says alike. */
export function movementFields(args: MovementArgs) {
  return {
    bookId: args.merchantId,
    effectiveAtMs: args.atMs,
    recordedAtMs: args.atMs,
    reference: { txid: args.txid, epoch: String(args.epoch) },
  };
}
