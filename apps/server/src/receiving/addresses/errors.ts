import type { DescriptorRefusalCode } from '@quittance/bitcoin';
import { AppError } from '../../platform/errors.ts';

/** Says why a descriptor can't be used. A reason never repeats what was sent. */
export function descriptorRefused(code: DescriptorRefusalCode, reason: string): AppError {
  if (code === 'private_key') return new AppError('descriptor_private_key', reason);
  if (code === 'wrong_network') return new AppError('descriptor_wrong_network', reason);
  return new AppError('invalid_descriptor', reason);
}

export function noWallet(): AppError {
  return new AppError(
    'no_wallet',
    'This store has no receiving wallet. Add a public descriptor first (POST /v1/wallets).',
  );
}

export function gapExceeded(gap: number, bound: number): AppError {
  return new AppError(
    'address_gap_exceeded',
    `${gap} addresses in a row have not been paid, and the store's bound is ${bound}. Wallet software may not find money beyond its own gap limit; raise maxAddressGap in the settings, and the gap limit of your wallet, to go on.`,
  );
}

/** So many in a row belong to another store with the same key that a request can't step over them. */
export function addressesTaken(): AppError {
  return new AppError(
    'addresses_not_ready',
    'Another store of this instance uses the same key and has taken the next addresses. Give each store a key (an account) of its own.',
  );
}
