import type { Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { readMerchantsWithCases } from './case-store.ts';
import { verifyCases } from './verify-case.ts';

const STORES_AT_ONCE = 500;

/** Verifies the cases of all stores, one after the other, with a line for each. */
export async function verifyAllCases(
  database: Database,
  print: (line: string) => void,
): Promise<{ ok: boolean; stores: number; cases: number }> {
  const total = { ok: true, stores: 0, cases: 0 };
  let afterId: Uuid | null = null;
  for (;;) {
    const from = afterId;
    const stores: Uuid[] = await database.asSystem((tx) =>
      readMerchantsWithCases(tx, from, STORES_AT_ONCE),
    );
    for (const merchantId of stores) {
      const { ok, cases, entries, digest, faults } = await verifyCases(database, merchantId);
      print(`${ok ? 'ok' : 'BROKEN'} ${merchantId}: ${cases} cases, ${entries} entries, ${digest}`);
      for (const { caseId, fault } of faults) {
        print(`  case ${caseId}: entry ${fault?.sequence ?? '?'} is wrong (${fault?.kind ?? '?'})`);
      }
      total.ok &&= ok;
      total.stores++;
      total.cases += cases;
    }
    afterId = stores.at(-1) ?? null;
    if (stores.length < STORES_AT_ONCE) break;
  }
  const verdict = total.ok ? 'ok' : 'BROKEN';
  print(`${verdict}: ${total.cases} cases of ${total.stores} stores verified`);
  return total;
}
