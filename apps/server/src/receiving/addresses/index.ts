export {
  ADDRESSES_CHANNEL,
  markAddressesPaid,
  type PaidAddress,
  readAddressesAfter,
  readDerivedThrough,
  readFirstWalletMs,
  readPaidAddresses,
} from './store.ts';
export { holdAddresses, takeAddresses } from './take-addresses.ts';
export { addWallet, readWallets, refillPools, type WalletView } from './wallets.ts';
export { addWalletRoutes, connectWallet, type WalletRouteDeps } from './routes.ts';
