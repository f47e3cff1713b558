import type { Uuid } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';
import type { ChainFollower } from '../../receiving/chain/index.ts';
import { adoptSigned } from './adopt-signed.ts';
import { applyEvent } from './apply-event.ts';
import { FINAL_DEPTH } from './draft.ts';
import { spendFaultPoint } from './fault-points.ts';
import type { PaidPayout, SpendAdopter, SpendListener, SpendTelling } from './spend.ts';
import {
  readChainFacts,
  readSpendsDueAtTip,
  readTouchedSpends,
  wakeShortSpends,
} from './chain-store.ts';
import { ringSpends } from './due-store.ts';
import { lockSpends } from './store.ts';

/** Spends that one tip moves on in one transaction; the others follow with the next. */
const MAX_AT_TIP = 1_000;

const NO_SPENDS: Promise<readonly Uuid[]> = Promise.resolve([]);
const NO_PAYOUTS: Promise<readonly PaidPayout[]> = Promise.resolve([]);

/** Brings spends in line with the chain's record, in the transaction that changes it. */
export function createSpendsFollower(deps: {
  listener: SpendListener;
  adopter?: SpendAdopter;
}): ChainFollower {
  const { listener, adopter } = deps;

  async function follow(tx: Tx, telling: SpendTelling, spendIds: readonly Uuid[]): Promise<void> {
    if (spendIds.length === 0) return;
    // Already held by now where there are many; this makes it true for every way in.
    await lockSpends(tx, spendIds);
    await listener.lock?.(tx, spendIds);
    await adoptSigned(tx, spendIds);
    const held = await lockSpends(tx, spendIds);
    const facts = await readChainFacts(tx, spendIds, telling.tipHeight);
    for (const stored of held) {
      const seen = facts.get(stored.spend.id);
      if (seen === undefined) continue;
      const event = { type: 'chain', facts: seen, nowMs: telling.nowMs } as const;
      await applyEvent(tx, { listener, telling }, stored, event);
    }
    spendFaultPoint('spend-followed-uncommitted');
  }

  return {
    async lock(tx, telling, { txids, atNewTip }) {
      const [touched, due, open] = await together([
        readTouchedSpends(tx, txids),
        atNewTip ? dueAtTip(tx, telling) : NO_SPENDS,
        adopter?.findPaid(tx, txids) ?? NO_PAYOUTS,
      ]);
      const ids = [
        ...new Set([...touched, ...due, ...open.flatMap(({ spendId }) => spendId ?? [])]),
      ];
      if (ids.length === 0 && open.length === 0) return null;
      return async () => {
        if (ids.length > 0) {
          await lockSpends(tx, ids);
          await listener.lock?.(tx, ids);
        }
        await adopter?.lock(tx, txids);
      };
    },
    async changed(tx, telling, txids) {
      const [touched, open] = await together([
        readTouchedSpends(tx, txids),
        adopter?.findPaid(tx, txids) ?? NO_PAYOUTS,
      ]);
      if (touched.length === 0 && open.length === 0) return null;
      return async () => {
        // What was given out to be signed gets its name first: it is on record, not forgotten. Taken
        // for forgotten it would be a version twice, and stop the watcher for good.
        await adoptSigned(tx, touched);
        // Before anything else, so that what is adopted is followed like everything of ours.
        await adopter?.adopt(tx, telling, txids);
        await follow(tx, telling, await readTouchedSpends(tx, txids));
      };
    },
    async tip(tx, telling) {
      await follow(tx, telling, await dueAtTip(tx, telling));
      if (await wakeShortSpends(tx, telling.nowMs)) await ringSpends(tx);
    },
  };
}

async function dueAtTip(tx: Tx, { tipHeight }: SpendTelling): Promise<Uuid[]> {
  const finalHeight = tipHeight - FINAL_DEPTH + 1;
  return await readSpendsDueAtTip(tx, { finalHeight, limit: MAX_AT_TIP });
}
