import type { Transfer } from '../transfer.ts';
import {
  depositLegs,
  type MovementArgs,
  movementFields,
  movementTransferId,
} from './wallet-deposit-seen.ts';

/**
 * The deposit will not come: replaced, double-spent or fallen out of the memory pool before it was in
 * a block. Voids the pending wallet-deposit-seen of the same epoch.
 */
export function walletDepositGone(args: MovementArgs): Transfer {
  return {
    id: movementTransferId('wallet-deposit-gone', args),
    ...movementFields(args),
    template: 'wallet-deposit-gone',
    phase: 'void',
    pendingId: movementTransferId('wallet-deposit-seen', args),
    legs: depositLegs(args.amountSats),
  };
}
