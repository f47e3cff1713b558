import type { FeeRate } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { readSpendableCoins, readWalletForSpending } from '../coins/index.ts';
import type { SpendDeps } from './deps.ts';
import { noSuchSpend, noSuchWallet, nothingStuck, planRefused } from './errors.ts';
import { planSpend } from './plan-payout-spend.ts';
import type { FeeLimits, Origin } from './spend.ts';
import { lockPlanning, readOwnCoins, readTip } from './coin-store.ts';
import { readSpends, type StoredSpend } from './store.ts';

/** What a signer looks through in a second or two; more is done in another one. */
export const MAX_CONSOLIDATED = 400;
/** Of fewer coins nothing is saved. */
const MIN_CONSOLIDATED = 2;
/** One block deep: change that waits would only make a longer chain. */
const MIN_CONFIRMATIONS = 1;

/**
 * Gathers the smallest coins of a wallet into one, for which the fee is paid now instead of when
 * they are needed: worth while at a rate below the long-term one.
 * @throws {AppError} conflict, insufficient_balance
 */
export async function consolidate(
  tx: Tx,
  deps: Pick<SpendDeps, 'clock' | 'random' | 'ids' | 'fees'>,
  request: {
    merchantId: Uuid;
    walletId: Uuid;
    feeRate: FeeRate;
    limits: FeeLimits;
    /** At most so many coins. */
    maxCoins: number;
    origin: Origin;
  },
): Promise<StoredSpend> {
  const { merchantId, walletId, feeRate } = request;
  const wallet = await readWalletForSpending(tx, walletId);
  if (wallet?.merchantId !== merchantId) throw noSuchWallet();
  if (feeRate >= deps.fees.longTerm()) {
    throw nothingStuck('Fees are not low: coins are consolidated below the long-term rate only.');
  }
  await lockPlanning(tx, walletId);
  const free = await readSpendableCoins(tx, {
    ...{ merchantId, walletId, tipHeight: await readTip(tx) },
    ...{ minConfirmations: MIN_CONFIRMATIONS, ownChangeUnconfirmed: false },
  });
  // Given with the largest first.
  const smallest = free.slice(-Math.min(request.maxCoins, MAX_CONSOLIDATED));
  if (smallest.length < MIN_CONSOLIDATED) {
    throw nothingStuck('The wallet has fewer than two coins that could be put together.');
  }
  const ids = smallest.map(({ txid, vout }) => `${txid}:${vout}`);
  const coins = await readOwnCoins(tx, merchantId, ids);
  const planned = await planSpend(tx, deps, {
    ...{ merchantId, walletId, outputs: [], feeRate, limits: request.limits },
    longTermFeeRate: deps.fees.longTerm(),
    must: coins.map((coin) => ({ coin })),
    ...{ mayAdd: false, kind: 'consolidation', origin: request.origin },
  });
  if (!planned.ok) throw planRefused(planned);
  const [stored] = await readSpends(tx, planned.spendId === null ? [] : [planned.spendId]);
  if (stored === undefined) throw noSuchSpend();
  return stored;
}
