import type { Clock, Ids, Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import type { Telling } from '../payments/index.ts';
import type { LightningEvent, LightningEventPage, LightningNode } from './lightning-node.ts';
import { recordNodeEvents } from './event-store.ts';
import {
  LIGHTNING_NODES_CHANNEL,
  moveCursor,
  type NodeRow,
  readActiveNodes,
  readNode,
} from './node-store.ts';
import type { LightningNodes } from './nodes.ts';
import { type InvoiceNews, takeInInvoices } from './take-in.ts';

/** Who is told what nodes say of payments that were sent (paying/lightning). */
export type PaymentListener = {
  /** In the transaction that records it; may come again. */
  paymentEnded(
    tx: Tx,
    telling: Telling,
    ended: {
      merchantId: Uuid;
      lightningNodeId: Uuid;
      event: Extract<LightningEvent, { type: 'payment_ended' }>;
    },
  ): Promise<void>;
};

export type FollowDeps = {
  database: Database;
  nodes: LightningNodes;
  clock: Clock;
  ids: Ids;
  listener: PaymentListener;
  readTipHeight(tx: Tx): Promise<number>;
  log: { warn(fields: object, message: string): void };
  onEvents?(type: string, count: number): void;
};

/** Doorbells get lost with a connection; nothing waits longer than this for the next look. */
const LOOK_EVERY_MS = 5_000;
/** An announcement of a new node that was lost is made up for by this time. */
const FIND_NODES_EVERY_MS = 5_000;
/** Events that are taken in at a time: bounds memory and the time that locks are held. */
const PAGE = 100;
/** Nodes that are read from the database at a time. */
const NODES_PAGE = 500;

type Follower = { merchantId: Uuid; loop: Loop };

/**
 * Follows the events of every store's node, each in a loop of its own, so that a node that does not
 * answer keeps no other store waiting. A node's stream is a doorbell; the truth is pulled by cursor.
 */
export function followNodes(deps: FollowDeps): Loop {
  const followers = new Map<Uuid, Follower>();

  async function findNodes(signal: AbortSignal): Promise<void> {
    const seen = new Set<Uuid>();
    for (let after: Uuid | null = null; ; ) {
      const from: Uuid | null = after;
      const page: NodeRow[] = await deps.database.asSystem((tx) =>
        readActiveNodes(tx, from, NODES_PAGE),
      );
      for (const row of page) {
        seen.add(row.id);
        if (!followers.has(row.id) && !signal.aborted) followers.set(row.id, follow(deps, row));
      }
      after = page.at(-1)?.id ?? null;
      if (page.length < NODES_PAGE) break;
    }
    for (const [id, { loop }] of followers) {
      if (seen.has(id)) continue;
      followers.delete(id);
      await loop.stop();
    }
  }

  const loop = startLoop({
    name: 'lightning',
    everyMs: FIND_NODES_EVERY_MS,
    run: findNodes,
    wake: (ring) => deps.database.listen(LIGHTNING_NODES_CHANNEL, { message: ring, gap: ring }),
    onError: (error) => deps.log.warn({ error }, 'Lightning nodes can not be looked up'),
    clock: deps.clock,
  });
  return {
    ...loop,
    async stop() {
      await loop.stop();
      await Promise.all([...followers.values()].map((each) => each.loop.stop()));
    },
  };
}

function follow(deps: FollowDeps, { merchantId, id }: NodeRow): Follower {
  let listening: { node: LightningNode; stop: () => void } | undefined;
  let ringAgain = () => {};

  async function round(): Promise<'again' | void> {
    const open = await deps.nodes.connectionOf(merchantId);
    if (open === null || open.id !== id) return;
    if (listening?.node !== open.node) {
      listening?.stop();
      listening = { node: open.node, stop: open.node.onEvent(() => ringAgain()) };
    }
    return await takeInPage(deps, { merchantId, id, node: open.node });
  }

  const loop = startLoop({
    name: `lightning ${id}`,
    everyMs: LOOK_EVERY_MS,
    run: round,
    wake: (ring) => {
      ringAgain = ring;
      return () => listening?.stop();
    },
    onError: (error, failures) => {
      if (failures === 1) deps.log.warn({ error, lightningNode: id }, 'a node can not be followed');
    },
    clock: deps.clock,
  });
  return { merchantId, loop };
}

async function takeInPage(
  deps: FollowDeps,
  { merchantId, id, node }: { merchantId: Uuid; id: Uuid; node: LightningNode },
): Promise<'again' | void> {
  const row = await deps.database.asSystem((tx) => readNode(tx, { merchantId, id }));
  if (row?.active !== true) return;
  const page = await node.eventsSince(row.cursor, PAGE);
  if (page.events.length === 0 && page.cursor === row.cursor) return;
  const isMine = await takeIn(deps, { merchantId, id, from: row.cursor }, page);
  return page.hasMore || !isMine ? 'again' : undefined;
}

/** @returns false when another process has taken the page in meanwhile */
async function takeIn(
  deps: FollowDeps,
  node: { merchantId: Uuid; id: Uuid; from: string | null },
  { events, cursor }: LightningEventPage,
): Promise<boolean> {
  const { merchantId, id: lightningNodeId } = node;
  const of = { merchantId, lightningNodeId };
  const now = async (tx: Tx) => {
    const tipHeight = await deps.readTipHeight(tx);
    return { ids: deps.ids, nowMs: deps.clock.nowMs(), tipHeight };
  };
  // Each in a transaction of its own, since a payout's locks come before an order's. All of it may be
  // done again: the cursor moves last.
  for (const event of events) {
    if (event.type !== 'payment_ended') continue;
    await deps.database.asSystem(async (tx) => {
      const telling = await now(tx);
      await deps.listener.paymentEnded(tx, telling, { ...of, event });
      await recordNodeEvents(tx, { ...of, nowMs: telling.nowMs }, [event]);
    });
  }
  const news = events.filter((event): event is InvoiceNews => event.type !== 'payment_ended');
  const moved = await deps.database.asSystem(async (tx) => {
    await takeInInvoices(tx, await now(tx), of, news);
    return await moveCursor(tx, { ...node, to: cursor });
  });
  for (const { type } of events) deps.onEvents?.(type, 1);
  return moved;
}
