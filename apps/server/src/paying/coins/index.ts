export {
  takeChangeIndex,
  readWalletForSpending,
  type WalletForSpending,
} from '../../receiving/addresses/index.ts';
export {
  type CoinRef,
  COINBASE_MATURITY,
  type ListedCoin,
  type SpendableCoin,
  type WalletBalances,
} from './coin.ts';
export { coinKeeper } from './keeper.ts';
export { coinsFollower, followMovements } from './follow-movements.ts';
export { type LostAncestor, readLostAncestors } from './lost-store.ts';
export { addCoinRoutes, type CoinRouteDeps } from './routes.ts';
export { releaseCoins, reserveCoins } from './reserve-coins.ts';
export {
  readBalances as readWalletBalances,
  readCoinTransactions as readPreviousTransactions,
  selectSpendable as readSpendableCoins,
  type SpendableQuery,
} from './store.ts';
