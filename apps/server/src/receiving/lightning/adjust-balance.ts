import type { Clock, Ids, Uuid } from '@quittance/kernel';
import { lightningAdjusted, postTransfers } from '../../accounting/ledger/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { readNode } from './node-store.ts';

/**
 * Books what a person explains: the channels of the store's node hold more, or less, than payments on
 * record account for.
 * @returns the transfer's id
 * @throws {AppError} not_found, conflict when the node was given up
 */
export async function adjustBalance(
  tx: Tx,
  deps: { clock: Clock; ids: Ids },
  wish: { merchantId: Uuid; id: Uuid; changeMsat: bigint; reason: string },
): Promise<Uuid> {
  const { merchantId, id: lightningNodeId, changeMsat, reason } = wish;
  const row = await readNode(tx, wish);
  if (row === undefined) throw new AppError('not_found', 'There is no such Lightning node.');
  if (!row.active) throw new AppError('conflict', 'The node was given up.');
  const adjustmentId = deps.ids.next();
  const atMs = deps.clock.nowMs();
  const transfer = lightningAdjusted({
    ...{ merchantId, lightningNodeId, adjustmentId, changeMsat, reason, atMs },
  });
  await postTransfers(tx, [transfer]);
  return transfer.id;
}
