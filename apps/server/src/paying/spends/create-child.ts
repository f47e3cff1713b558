import { type Ancestors, ancestorDebt, type FeeRate } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import { BitcoinRpcError } from '../../platform/bitcoin-node/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { readWalletForSpending } from '../coins/index.ts';
import type { SpendDeps } from './deps.ts';
import { noFeeEstimate, noSuchSpend, noSuchWallet, nothingStuck, planRefused } from './errors.ts';
import { versionOf } from './draft.ts';
import { readSats } from './node-amounts.ts';
import { planSpend } from './plan-payout-spend.ts';
import type { FeeLimits, OutpointText } from './spend.ts';
import { lockPlanning, readOwnCoins } from './coin-store.ts';
import { splitOutpoint } from './outpoints.ts';
import { readSpends, type StoredSpend } from './store.ts';

/**
 * The change of a spend that waits, for a child that pays for both.
 * @throws {AppError} not_found, conflict when there is none
 */
export async function readStuckChange(
  tx: Tx,
  { merchantId, spendId }: { merchantId: Uuid; spendId: Uuid },
): Promise<OutpointText> {
  const [stored] = await readSpends(tx, [spendId]);
  if (stored === undefined || stored.spend.merchantId !== merchantId) throw noSuchSpend();
  const { txid, change, state } = versionOf(stored, stored.spend.version);
  if (stored.spend.height !== null) throw nothingStuck('The transaction is in a block already.');
  if (txid === null || change === null || state !== 'broadcast') {
    throw nothingStuck('The transaction has no change that a child could spend; bump it instead.');
  }
  return `${txid}:${change.vout}`;
}

/**
 * A coin that is named must be of that wallet, which must be the store's.
 * @throws {AppError} not_found
 */
export async function requireCoin(
  tx: Tx,
  own: { merchantId: Uuid; walletId: Uuid },
  coin: OutpointText,
): Promise<OutpointText> {
  const wallet = await readWalletForSpending(tx, own.walletId);
  if (wallet?.merchantId !== own.merchantId) throw noSuchWallet();
  const [known] = await readOwnCoins(tx, own.merchantId, [coin]);
  if (known?.walletId !== own.walletId) throw nothingStuck('The wallet has no such coin.');
  return coin;
}

/**
 * Asks the node for the coin's transaction with its unconfirmed ancestors.
 * @throws {AppError} conflict when it does not wait in the mempool
 */
export async function readAncestors(
  node: SpendDeps['node'],
  coin: OutpointText,
): Promise<Ancestors> {
  type Entry = { ancestorcount: number; ancestorsize: number; fees: { ancestor: unknown } };
  const [txid] = splitOutpoint(coin);
  try {
    const entry = await node.call<Entry>('getmempoolentry', [txid]);
    return {
      feesSats: readSats(entry.fees.ancestor) ?? 0n,
      vsize: entry.ancestorsize,
      transactions: entry.ancestorcount,
    };
  } catch (error) {
    if (!(error instanceof BitcoinRpcError)) throw error;
    if (error.kind !== 'rpc') throw noFeeEstimate('The node can not be asked just now.');
    throw nothingStuck('The transaction does not wait in the mempool of our node.');
  }
}

/**
 * Spends an unconfirmed coin of ours to ourselves with a fee that lifts its transaction as well
 * (CPFP): change of a spend that is stuck, or a payment to us.
 * @throws {AppError} conflict, insufficient_balance
 */
export async function createChild(
  tx: Tx,
  deps: Pick<SpendDeps, 'clock' | 'random' | 'ids' | 'fees'>,
  child: {
    merchantId: Uuid;
    coin: OutpointText;
    ancestors: Ancestors;
    feeRate: FeeRate;
    limits: FeeLimits;
  },
): Promise<StoredSpend> {
  const { merchantId, ancestors, feeRate } = child;
  const [known] = await readOwnCoins(tx, merchantId, [child.coin]);
  if (known === undefined) throw nothingStuck('The coin is none of this store.');
  await lockPlanning(tx, known.walletId);
  const [coin] = await readOwnCoins(tx, merchantId, [child.coin]);
  if (coin === undefined || !coin.live || coin.isSpent || coin.reservedBy !== null) {
    throw nothingStuck('The coin is spent or reserved already.');
  }
  if (coin.isWithheld) throw nothingStuck('The payment is being checked; its coin stays.');
  if (coin.height !== null) throw nothingStuck('The transaction is in a block already.');
  const debt = ancestorDebt(ancestors, feeRate);
  if (debt === 0n) throw nothingStuck('The transaction pays this rate already.');
  const planned = await planSpend(tx, deps, {
    ...{ merchantId, walletId: coin.walletId, outputs: [], feeRate, limits: child.limits },
    longTermFeeRate: deps.fees.longTerm(),
    must: [{ coin, ancestorDebtSats: debt }],
    ...{ mayAdd: true, kind: 'child', origin: 'manual' },
  });
  if (!planned.ok) throw planRefused(planned);
  const [stored] = await readSpends(tx, planned.spendId === null ? [] : [planned.spendId]);
  if (stored === undefined) throw noSuchSpend();
  return stored;
}
