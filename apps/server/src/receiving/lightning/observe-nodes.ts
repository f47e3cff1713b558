import type { Clock, Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import { redactText } from '../../platform/log/index.ts';
import { type AlertDeps, raiseAlert, resolveAlert } from '../../telling/notifications/index.ts';
import { LightningNodeError } from './errors.ts';
import type { LightningNode } from './lightning-node.ts';
import { type NodeRow, readActiveNodes, saveProblem, saveSnapshot } from './node-store.ts';
import type { LightningNodes } from './nodes.ts';
import type { ReadNow } from './present-node.ts';

export type ObserveDeps = {
  database: Database;
  nodes: LightningNodes;
  clock: Clock;
  alerts: AlertDeps;
  log: { warn(fields: object, message: string): void };
};

/** Balances change with each payment; half a minute is what a person takes for "now". */
const OBSERVE_EVERY_MS = 30_000;
/** A node that answers at all answers within this. */
const ANSWER_WITHIN_MS = 8_000;
/** A restart of the node's machine is not worth waking somebody up. */
const ALERT_AFTER_MS = 2 * 60_000;
const CRITICAL_AFTER_MS = 30 * 60_000;
const PAGE = 500;
const AT_ONCE = 8;

/** Looks at every store's node in turn; one that can not be read becomes red, and then an alert. */
export function observeNodes(deps: ObserveDeps): Loop {
  return startLoop({
    name: 'lightning nodes',
    everyMs: OBSERVE_EVERY_MS,
    async run(signal) {
      for (let after: Uuid | null = null; ; ) {
        const from: Uuid | null = after;
        const page: NodeRow[] = await deps.database.asSystem((tx) =>
          readActiveNodes(tx, from, PAGE),
        );
        for (let at = 0; at < page.length && !signal.aborted; at += AT_ONCE) {
          await Promise.all(page.slice(at, at + AT_ONCE).map((row) => observe(deps, row)));
        }
        after = page.at(-1)?.id ?? null;
        if (page.length < PAGE || signal.aborted) return;
      }
    },
    onError: (error) => deps.log.warn({ error }, 'Lightning nodes can not be observed'),
    clock: deps.clock,
  });
}

async function observe(deps: ObserveDeps, row: NodeRow): Promise<void> {
  const { merchantId, id } = row;
  const subject = id;
  const kind = 'lightning_node_unavailable' as const;
  const seen = await look(deps, row);
  const nowMs = deps.clock.nowMs();
  await deps.database.asSystem(async (tx) => {
    if (seen.problem === null) {
      await saveSnapshot(tx, { merchantId, id, balances: seen.balances, atMs: nowMs });
      await resolveAlert(tx, deps.alerts, { merchantId, kind, subject });
      return;
    }
    const sinceMs = await saveProblem(tx, { merchantId, id, problem: seen.problem, atMs: nowMs });
    const forMs = nowMs - sinceMs;
    if (forMs < ALERT_AFTER_MS) return;
    const minutes = String(Math.floor(forMs / 60_000));
    await raiseAlert(tx, deps.alerts, {
      ...{ merchantId, kind, subject },
      severity: forMs < CRITICAL_AFTER_MS ? 'warning' : 'critical',
      facts: { reason: seen.problem, alias: row.alias, minutes },
    });
  });
}

type Seen =
  | { problem: null; balances: Awaited<ReturnType<LightningNode['balances']>>; now: ReadNow }
  | { problem: string };

/** Asks the node now; what goes wrong is said in words without a secret. */
export async function look(
  { nodes }: Pick<ObserveDeps, 'nodes'>,
  row: Pick<NodeRow, 'merchantId' | 'id' | 'nodeId'>,
  options: { whole: boolean } = { whole: false },
): Promise<Seen> {
  try {
    const open = await nodes.connectionOf(row.merchantId);
    if (open === null || open.id !== row.id) return { problem: 'the connection was given up' };
    return await inTime(ask(open.node, row.nodeId, options.whole));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { problem: redactText(text) };
  }
}

async function ask(node: LightningNode, nodeId: string, whole: boolean): Promise<Seen> {
  const info = await node.info();
  if (info.nodeId !== nodeId) {
    throw new LightningNodeError('refused', 'another node than the one that was connected answers');
  }
  const balances = await node.balances();
  const { capabilities } = node;
  const channels = whole && capabilities.channels ? await node.channels() : null;
  return { problem: null, balances, now: { info, channels, capabilities } };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const text = `it has not answered within ${ANSWER_WITHIN_MS / 1_000} s`;
    timer = setTimeout(() => reject(new LightningNodeError('unreachable', text)), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
