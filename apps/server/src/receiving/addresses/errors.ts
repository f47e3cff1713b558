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

export function noSuchWallet(): AppError {
  return new AppError('not_found', 'The store has no wallet with this id.');
}

export function walletInUse(): AppError {
  return new AppError(
    'conflict',
    'New orders receive on this wallet. Add another receiving wallet first; then this one can be for payouts only.',
  );
}

export function signerWalletRefused(reason: string): AppError {
  return new AppError('signer_wallet_refused', reason);
}

/** The refill derives new addresses this fast that a retry is worth while after it. */
const DERIVING_SECONDS = 2;

export function addressesNotReady(): AppError {
  return new AppError(
    'addresses_not_ready',
    'The next addresses of this wallet belong to another wallet with the same key; further ones are being derived. Try again shortly, and give each store a key (an account) of its own.',
    { retryAfterSeconds: DERIVING_SECONDS },
  );
}

export function tooManyWallets(limit: number): AppError {
  return new AppError(
    'conflict',
    `A store can have ${limit} wallets. Give a descriptor that it had before, which is used again.`,
  );
}

export function partlySameWallet(): AppError {
  return new AppError(
    'conflict',
    'Some addresses of this descriptor belong to another wallet of the store, and some do not. Use that wallet, or one of another key.',
  );
}

export function gapExceeded(gap: number, bound: number): AppError {
  return new AppError(
    'address_gap_exceeded',
    `${gap} addresses in a row have not been paid, and the store's bound is ${bound}. Wallet software may not find money beyond its own gap limit; raise maxAddressGap in the settings, and the gap limit of your wallet, to go on.`,
  );
}
