import type { Transfer } from '../transfer.ts';
import {
  withdrawalLegs,
  type MovementArgs,
  movementFields,
  movementTransferId,
} from './wallet-deposit-seen.ts';

/**
 * The owner's own software has spent coins of the wallet. The merchant took it (debit
 * merchant.available), the network's fee included, and the wallet holds it no more (credit
 * onchain.wallet). Booked when it is first seen: those coins can not be planned with any more.
 */
export function walletWithdrawal(args: MovementArgs): Transfer {
  return {
    id: movementTransferId('wallet-withdrawal', args),
    ...movementFields(args),
    template: 'wallet-withdrawal',
    phase: 'single',
    legs: withdrawalLegs(args.amountSats),
  };
}
