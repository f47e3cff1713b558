import type { Clock, Ids, Uuid } from '@quittance/kernel';
import {
  LIGHTNING_CHANNELS,
  lightningAdjusted,
  postTransfers,
  readBalanceOf,
} from '../../accounting/ledger/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { countUnfinished } from './invoice-store.ts';
import { announceNode, hasOpenPayouts, type NodeRow, readNode, removeNode } from './node-store.ts';

export type RemoveDeps = {
  clock: Clock;
  ids: Ids;
};

/**
 * Gives up a store's node. What its channels hold leaves the book with it.
 * @throws {AppError} not_found, conflict while something may still be paid by it
 */
export async function disconnectNode(
  tx: Tx,
  deps: RemoveDeps,
  own: { merchantId: Uuid; id: Uuid },
): Promise<NodeRow> {
  const row = await readNode(tx, { ...own, lock: true });
  if (row === undefined) throw new AppError('not_found', 'There is no such Lightning node.');
  if (!row.active) return row;
  const unfinished = await countUnfinished(tx, { ...own, lightningNodeId: row.id });
  if (unfinished > 0) {
    throw new AppError(
      'conflict',
      `${unfinished} of its invoices can still be paid. Turn the setting lightning off, settle or ` +
        'cancel what is held, and try again in a minute.',
    );
  }
  if (await hasOpenPayouts(tx, own.merchantId)) {
    throw new AppError('conflict', 'Payouts by it are under way; wait until they have ended.');
  }
  const nowMs = deps.clock.nowMs();
  const { merchantId } = own;
  const held = await readBalanceOf(tx, { bookId: merchantId, code: LIGHTNING_CHANNELS.code });
  const balance = held?.posted ?? 0n;
  if (balance !== 0n) {
    const adjustmentId = deps.ids.next();
    const adjusted = { merchantId, lightningNodeId: row.id, adjustmentId, atMs: nowMs };
    await postTransfers(tx, [
      lightningAdjusted({ ...adjusted, changeMsat: -balance, reason: 'closing' }),
    ]);
  }
  await removeNode(tx, { ...own, atMs: nowMs });
  await announceNode(tx, merchantId);
  return { ...row, active: false, removedAtMs: nowMs };
}
