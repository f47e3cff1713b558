import type { Plan } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { readSpendableCoins, type SpendableCoin } from '../coins/index.ts';
import { readDoubtfulChange, readTip } from './coin-store.ts';

/** Received money is spent after one block; nobody else's unconfirmed payment ever. */
const MIN_CONFIRMATIONS = 1;
/** Change of our own that waits may be spent; how long its chain may be is looked at before. */
export const MAX_UNCONFIRMED_DEPTH = 1;
/**
 * Nodes keep chains of at most 25 transactions and 101,000 virtual bytes that wait together
 * (Bitcoin Core, -limitancestorcount and -limitancestorsize), and refuse what is longer however
 * much it pays. What a plan builds on stays below, with room for a child that lifts it.
 */
const MAX_WAITING_ANCESTORS = 20;
const MAX_WAITING_VSIZE = 95_000;

/** The coins of a wallet that a plan may choose from. */
export async function readFreeCoins(
  tx: Tx,
  { merchantId, walletId }: { merchantId: Uuid; walletId: Uuid },
): Promise<readonly SpendableCoin[]> {
  const coins = await readSpendableCoins(tx, {
    ...{ merchantId, walletId, tipHeight: await readTip(tx) },
    minConfirmations: MIN_CONFIRMATIONS,
    ownChangeUnconfirmed: true,
  });
  if (coins.every(({ height }) => height !== null)) return coins;
  const doubtful = await readDoubtfulChange(tx, walletId);
  return withShortChains(
    coins.filter(({ txid, height }) => height !== null || !doubtful.has(txid)),
  );
}

/**
 * Leaves out change that waits behind too many others: of what is left all together may be spent by
 * one transaction. The shortest chains come first.
 */
export function withShortChains(coins: readonly SpendableCoin[]): SpendableCoin[] {
  const tooLong = new Set<SpendableCoin>();
  let transactions = 0;
  let vsize = 0;
  const waiting = coins.filter(({ height }) => height === null);
  const before = (coin: SpendableCoin) => coin.ancestors ?? { transactions: 1, vsize: 0 };
  waiting.sort((a, b) => before(a).transactions - before(b).transactions);
  for (const coin of waiting) {
    const chain = before(coin);
    if (
      transactions + chain.transactions > MAX_WAITING_ANCESTORS ||
      vsize + chain.vsize > MAX_WAITING_VSIZE
    ) {
      tooLong.add(coin);
      continue;
    }
    transactions += chain.transactions;
    vsize += chain.vsize;
  }
  return coins.filter((coin) => !tooLong.has(coin));
}

/** Whether it would weigh more, with all that it builds on, than nodes keep of one chain. */
export function isChainTooLarge(
  plan: Plan,
  free: readonly Pick<SpendableCoin, 'txid' | 'vout' | 'ancestors'>[],
): boolean {
  const chosen = new Set(plan.inputs.map(({ id }) => id));
  const behind = free
    .filter(({ txid, vout }) => chosen.has(`${txid}:${vout}`))
    .reduce((sum, { ancestors }) => sum + (ancestors?.vsize ?? 0), 0);
  return behind > 0 && behind + plan.vsize > MAX_WAITING_VSIZE;
}
