export {
  ADDRESSES_CHANNEL,
  isOwnScript,
  type Branch,
  markAddressesPaid,
  type PaidAddress,
  readAddressesAfter,
  readDerivedThrough,
  readFirstWalletMs,
  readPaidAddresses,
  type WalletUse,
} from './store.ts';
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
