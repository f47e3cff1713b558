import { type PayoutSummary, payoutStates } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { PAYOUTS_IN_TRANSIT, readBalances } from '../../accounting/ledger/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { sumByReason, sumByState } from './sums-store.ts';
import { readAvailableMsats } from './write-payouts.ts';

/** Counts, sums and the oldest of each state, and what the ledger says to it. */
export async function summarizePayouts(
  tx: Tx,
  { merchantId, nowMs }: { merchantId: Uuid; nowMs: number },
): Promise<PayoutSummary> {
  const states = new Map((await sumByState(tx, merchantId)).map((row) => [row.state, row]));
  const reasons = await sumByReason(tx, merchantId);
  const balances = await readBalances(tx, { bookId: merchantId });
  const transit = balances.find(({ code }) => code === PAYOUTS_IN_TRANSIT.code);
  return {
    states: payoutStates.map((state) => {
      const row = states.get(state);
      return {
        state,
        count: Number(row?.count ?? 0n),
        amountSats: (row?.sats ?? 0n).toString(),
        oldestSince: row?.since?.toISOString() ?? null,
      };
    }),
    reasons: reasons.map(({ reason, state, count, sats }) => ({
      reason,
      state,
      count: Number(count),
      amountSats: sats.toString(),
    })),
    ledger: {
      // Whole satoshis, rounded down: what is shown as available can be approved.
      availableSats: floorSats(await readAvailableMsats(tx, merchantId)).toString(),
      reservedSats: ((transit?.creditsPending ?? 0n) / 1_000n).toString(),
    },
    at: new Date(nowMs).toISOString(),
  };
}

function floorSats(msats: bigint): bigint {
  const sats = msats / 1_000n;
  return msats < 0n && msats % 1_000n !== 0n ? sats - 1n : sats;
}
