import {
  MAX_BATCH,
  postTransfers,
  type Transfer,
  walletDepositConfirmed,
  walletDepositGone,
  walletDepositReversed,
  walletDepositSeen,
  walletWithdrawal,
  walletWithdrawalReversed,
} from '../../accounting/ledger/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import type { ChainFollower } from '../../receiving/chain/index.ts';
import { followFacts, type MovementChange } from './movement.ts';
import { lockMovements, readMovementFacts, saveMovements } from './movement-store.ts';

const TEMPLATES = {
  'wallet-deposit-seen': walletDepositSeen,
  'wallet-deposit-confirmed': walletDepositConfirmed,
  'wallet-deposit-gone': walletDepositGone,
  'wallet-deposit-reversed': walletDepositReversed,
  'wallet-withdrawal': walletWithdrawal,
  'wallet-withdrawal-reversed': walletWithdrawalReversed,
} as const;

/** Books what comes to wallets without an order and what leaves them without a spend of ours. */
export const coinsFollower: ChainFollower = {
  lock: (tx, _telling, txids) => lockMovements(tx, txids),
  changed: (tx, { nowMs }, txids) => followMovements(tx, { nowMs }, txids),
  async tip() {},
};

/**
 * Brings the movements of these transactions, and of those that spend their outputs, to what the
 * chain's record says: movement and ledger in the caller's transaction. Changes nothing when nothing
 * is new. Also for whoever learns only later that a transaction on record is a spend of ours.
 */
export async function followMovements(
  tx: Tx,
  { nowMs }: { nowMs: number },
  txids: readonly string[],
): Promise<void> {
  if (txids.length === 0) return;
  const changes: MovementChange[] = [];
  for (const { facts, known } of await readMovementFacts(tx, txids)) {
    const change = followFacts(known, facts);
    if (change !== null) changes.push(change);
  }
  if (changes.length === 0) return;
  await saveMovements(
    tx,
    changes.map(({ movement }) => movement),
    nowMs,
  );
  const transfers = changes.flatMap((change) => transfersOf(change, nowMs));
  for (let at = 0; at < transfers.length; at += MAX_BATCH) {
    await postTransfers(tx, transfers.slice(at, at + MAX_BATCH));
  }
}

function transfersOf({ movement, ledger }: MovementChange, atMs: number): Transfer[] {
  const { merchantId, txid } = movement;
  return ledger.map(({ template, epoch, amountSats }) =>
    TEMPLATES[template]({ merchantId, txid, epoch, amountSats, atMs }),
  );
}
