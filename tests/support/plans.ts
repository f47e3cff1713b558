import type { Tx } from '../../apps/server/src/platform/db/index.ts';

type Plan = {
  'Node Type': string;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
};

/** How PostgreSQL carries a statement out: its kinds of steps, and how many rows it touched. */
export async function explain(
  tx: Tx,
  { text, values }: { text: string; values: readonly unknown[] },
): Promise<{ nodes: string[]; rowsTouched: number }> {
  const row = await tx.one<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) ${text}`,
    values,
  );
  const nodes: string[] = [];
  let rowsTouched = 0;
  const visit = (plan: Plan): void => {
    nodes.push(plan['Node Type']);
    const read = plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0);
    rowsTouched = Math.max(rowsTouched, read);
    for (const part of plan.Plans ?? []) visit(part);
  };
  visit(row['QUERY PLAN'][0].Plan);
  return { nodes, rowsTouched };
}
