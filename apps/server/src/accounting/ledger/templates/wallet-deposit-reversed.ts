import type { Transfer } from '../transfer.ts';
import {
  withdrawalLegs,
  type MovementArgs,
  movementFields,
  movementTransferId,
} from './wallet-deposit-seen.ts';

/**
 * The deposit's block left the chain. Reverses wallet-deposit-confirmed of the same epoch: debit
 * merchant.available, credit onchain.wallet. Should the deposit come back, it is seen again in the
 * next epoch.
 */
export function walletDepositReversed(args: MovementArgs): Transfer {
  return {
    id: movementTransferId('wallet-deposit-reversed', args),
    ...movementFields(args),
    template: 'wallet-deposit-reversed',
    phase: 'single',
    legs: withdrawalLegs(args.amountSats),
  };
}
