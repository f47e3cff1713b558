export { ADDRESSES_CHANNEL, type Branch } from './store.ts';
export {
  isOwnScript,
  markAddressesPaid,
  type PaidAddress,
  readAddressesAfter,
  readDerivedThrough,
  readFirstWalletMs,
  readPaidAddresses,
} from './watched-store.ts';
export { holdAddresses, takeAddresses, takeChangeIndex } from './take-addresses.ts';
export {
  addWallet,
  deriveChangeFarAhead,
  readWalletForSpending,
  readWallets,
  refillPools,
  type WalletForSpending,
} from './wallets.ts';
export { addWalletRoutes, connectWallet, type WalletRouteDeps } from './routes.ts';
