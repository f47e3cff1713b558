import type { Database } from '../../platform/db/index.ts';
import { type RefundDeps, tellingOf } from './create-refund.ts';
import { advanceRefund } from './refund.ts';
import * as store from './store.ts';
import { lockRefunds, writeChanges } from './write-changes.ts';

/** Refunds that one round ends, each in a transaction of its own; the rest waits for the next. */
const MAX_EXPIRIES = 500;

/** Job: ends refunds that nobody has claimed in time. @returns how many */
export async function expireRefunds(
  database: Pick<Database, 'asSystem'>,
  deps: Pick<RefundDeps, 'ids' | 'clock'>,
  signal?: AbortSignal,
): Promise<number> {
  const due = await database.asSystem((tx) =>
    store.findRefundsToExpire(tx, deps.clock.nowMs(), MAX_EXPIRIES),
  );
  let ended = 0;
  for (const of of due) {
    if (signal?.aborted === true) break;
    ended += await database.asSystem(async (tx) => {
      const locked = await lockRefunds(tx, of);
      const refund = await store.readRefund(tx, of);
      if (locked === undefined || refund === undefined) return 0;
      const telling = await tellingOf(tx, deps);
      const change = advanceRefund(refund, { type: 'expired' }, telling.nowMs);
      if (change === null) return 0;
      await writeChanges(tx, telling, { ...locked, changes: [change] });
      return 1;
    });
  }
  return ended;
}
