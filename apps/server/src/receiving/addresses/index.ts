export { ADDRESSES_CHANNEL, type Branch, type WalletUse } from './store.ts';
export {
  isOwnScript,
  markAddressesPaid,
  type PaidAddress,
  readAddressesAfter,
  readDerivedThrough,
  readFirstWalletMs,
  readPaidAddresses,
} from './watched-store.ts';
export {
  type ChangeAddress,
  holdAddresses,
  takeAddresses,
  takeChangeIndex,
} from './take-addresses.ts';
export {
  addWallet,
  deriveChangeFarAhead,
  type NewWallet,
  readWalletForSpending,
  readWallets,
  refillPools,
  type WalletForSpending,
  type WalletView,
} from './wallets.ts';
export { addWalletRoutes, connectWallet, type WalletRouteDeps } from './routes.ts';
