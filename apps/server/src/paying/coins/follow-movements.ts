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
import { hasMovements, lockMovements, readMovementFacts, saveMovements } from './movement-store.ts';

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
  async lock(tx, _telling, { txids }) {
    return (await hasMovements(tx, txids)) ? () => lockMovements(tx, txids) : null;
  },
  async changed(tx, { nowMs }, txids) {
    const changes = await findChanges(tx, txids);
    return changes.length === 0 ? null : () => applyChanges(tx, changes, nowMs);
  },
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
  await applyChanges(tx, await findChanges(tx, txids), nowMs);
}

async function findChanges(tx: Tx, txids: readonly string[]): Promise<MovementChange[]> {
  if (txids.length === 0) return [];
  const changes: MovementChange[] = [];
  for (const { facts, known } of await readMovementFacts(tx, txids)) {
    const change = followFacts(known, facts);
    if (change !== null) changes.push(change);
  }
  return changes;
}

async function applyChanges(
  tx: Tx,
  changes: readonly MovementChange[],
  nowMs: number,
): Promise<void> {
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
