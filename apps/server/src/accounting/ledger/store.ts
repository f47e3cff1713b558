import type { Tx } from '../../platform/db/index.ts';
import type { Transfer } from './transfer.ts';

/** Hands the batch to ledger_post; amounts travel as text because JSON numbers bend. */
export async function post(tx: Tx, transfers: readonly Transfer[]): Promise<number> {
  const batch = transfers.map(({ legs, ...transfer }) => ({
    ...transfer,
    legs: legs.map(({ account: { code, asset, kind, floor }, direction, amount }) => ({
      code,
      asset,
      kind,
      floor,
      direction,
      amount: amount.toString(),
    })),
  }));
  const { recorded } = await tx.one<{ recorded: number }>('SELECT ledger_post($1) AS recorded', [
    JSON.stringify(batch),
  ]);
  return recorded;
}
