import type { Transfer } from '../transfer.ts';
import {
  depositLegs,
  type MovementArgs,
  movementFields,
  movementTransferId,
} from './wallet-deposit-seen.ts';

/**
 * A withdrawal was replaced or has fallen out of the memory pool. Reverses wallet-withdrawal of the
 * same epoch: debit onchain.wallet, credit merchant.available.
 */
export function walletWithdrawalReversed(args: MovementArgs): Transfer {
  return {
    id: movementTransferId('wallet-withdrawal-reversed', args),
    ...movementFields(args),
    template: 'wallet-withdrawal-reversed',
    phase: 'single',
    legs: depositLegs(args.amountSats),
  };
}
