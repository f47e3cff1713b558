import type { Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import type { Comparison } from '../../receiving/lightning/index.ts';
import { compareWithNode, type NodeDeps } from './node-coins.ts';
import { type ReconciliationDeps, reconcileStore } from './run-reconciliation.ts';
import { readStores, toJson } from './store.ts';

/** Stores that are read at a time. */
const PAGE = 500;

/**
 * Compares every store's coins and book, transaction by transaction, and says what came of it.
 * @param options.node asks the node as well; null leaves it out
 * @returns whether every one of them is ok
 */
export async function reconcileAllStores(
  database: Database,
  deps: ReconciliationDeps & {
    node: Omit<NodeDeps, 'database'> | null;
    /** Null where the store has no Lightning node; absent: none is asked. */
    compareLightning?(merchantId: Uuid): Promise<Comparison | null>;
  },
  say: (line: string) => void,
): Promise<{ stores: number; ok: boolean }> {
  let after: Uuid | null = null;
  let stores = 0;
  let ok = true;
  for (;;) {
    const from: Uuid | null = after;
    const page: Uuid[] = await database.asSystem((tx) => readStores(tx, from, PAGE));
    for (const merchantId of page) {
      const node =
        deps.node === null ? null : await compareWithNode({ ...deps.node, database }, merchantId);
      const made = await database.asSystem((tx) =>
        reconcileStore(tx, deps, merchantId, { node, thorough: true }),
      );
      stores += 1;
      if (made.state !== 'ok') ok = false;
      const { state, ledgerSats, coinSats, explainedSats, differenceSats } = made;
      const sums = `book ${ledgerSats}, coins ${coinSats}, on their way ${explainedSats}, difference ${differenceSats} sats`;
      const nodeSays = made.node === 'not_asked' ? '' : `, node: ${made.node}`;
      say(`${merchantId}: ${state}, ${sums}${nodeSays}`);
      if (made.reason !== null) say(`  ${made.reason}`);
      for (const each of toJson(made.breaks)) say(`  ${JSON.stringify(each)}`);
      const lightning = (await deps.compareLightning?.(merchantId)) ?? null;
      if (lightning === null) continue;
      if (lightning.state !== 'ok') ok = false;
      say(`  ${lightningLine(lightning)}`);
    }
    after = page.at(-1) ?? null;
    if (page.length < PAGE) return { stores, ok };
  }
}

function lightningLine({ state, bookMsat, nodeMsat, reason }: Comparison): string {
  if (bookMsat === null || nodeMsat === null) return `Lightning: ${state}, ${reason ?? ''}`;
  const difference = bookMsat - nodeMsat;
  return `Lightning: ${state}, book ${bookMsat}, node ${nodeMsat}, difference ${difference} msat`;
}
