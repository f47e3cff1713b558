import type { Transfer } from '../transfer.ts';
import {
  depositLegs,
  type MovementArgs,
  movementFields,
  movementTransferId,
} from './wallet-deposit-seen.ts';

/**
 * The deposit is in a block. Posts the pending wallet-deposit-seen of the same epoch: the wallet holds
 * the money (debit onchain.wallet) and it is the merchant's (credit merchant.available).
 */
export function walletDepositConfirmed(args: MovementArgs): Transfer {
  return {
    id: movementTransferId('wallet-deposit-confirmed', args),
    ...movementFields(args),
    template: 'wallet-deposit-confirmed',
    phase: 'post',
    pendingId: movementTransferId('wallet-deposit-seen', args),
    legs: depositLegs(args.amountSats),
  };
}
