import { connectLightningNodeSchema } from '@quittance/contract';
import type { Clock, Uuid } from '@quittance/kernel';
import type { Database, Unlisten } from '../../platform/db/index.ts';
import type { Sealer } from '../../platform/sealing/index.ts';
import type { NodeConnection, OpenBackend } from './backends.ts';
import type { LightningNode } from './lightning-node.ts';
import { LIGHTNING_NODES_CHANNEL, type NodeRow, readActiveNode } from './node-store.ts';

/** The nodes of all stores, opened when they are first asked for and closed at the end. */
export type LightningNodes = {
  /** The store's node; null when it has none. It may be one that does not answer. */
  nodeOf(merchantId: Uuid): Promise<LightningNode | null>;
  /** The same with the id of its connection. */
  connectionOf(merchantId: Uuid): Promise<OpenNode | null>;
  /** Opens what is not stored yet, to try it. Whoever asked closes it. */
  open(connection: NodeConnection): Promise<LightningNode>;
  seal(connection: NodeConnection, own: { merchantId: Uuid; id: Uuid }): Uint8Array;
  /** A store's node is another one now; it is looked up anew. */
  forget(merchantId?: string): void;
  /** Begins to hear of changes; without it they are noticed a few seconds later. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

export type OpenNode = { id: Uuid; node: LightningNode };

export type NodesDeps = {
  database: Database;
  sealer: Sealer;
  open: OpenBackend;
  clock: Clock;
  log: { warn(fields: object, message: string): void };
};

/** A change is announced; an announcement that was lost is made up for by this time. */
const LOOKED_UP_AGE_MS = 5_000;
/** Stores whose node is known to be none, or is kept open. Each open one holds a connection or two. */
const MAX_KEPT = 1_000;

type Kept = { lookedUpAtMs: number; open: Promise<OpenNode | null> };

/** Keeps the connections to stores' nodes; nothing is opened yet. Processes have their own; the truth is in the database. */
export function openNodes(deps: NodesDeps): LightningNodes {
  const kept = new Map<string, Kept>();
  let unlisten: Unlisten | undefined;

  function forget(merchantId?: string): void {
    for (const [id, entry] of kept) {
      if (merchantId === undefined || id === merchantId) entry.lookedUpAtMs = -Infinity;
    }
  }

  async function connectionOf(merchantId: Uuid): Promise<OpenNode | null> {
    const nowMs = deps.clock.nowMs();
    const known = kept.get(merchantId);
    if (known !== undefined && Math.abs(nowMs - known.lookedUpAtMs) < LOOKED_UP_AGE_MS) {
      return await known.open;
    }
    const entry: Kept = { lookedUpAtMs: nowMs, open: lookUp(merchantId, known?.open) };
    kept.set(merchantId, entry);
    entry.open.catch(() => {
      if (kept.get(merchantId) === entry) kept.delete(merchantId);
    });
    if (kept.size > MAX_KEPT) await closeOldest(merchantId);
    return await entry.open;
  }

  async function lookUp(
    merchantId: Uuid,
    before: Promise<OpenNode | null> | undefined,
  ): Promise<OpenNode | null> {
    const old = (await before?.catch(() => null)) ?? null;
    const row = await deps.database.asTenant(merchantId, (tx) => readActiveNode(tx, merchantId));
    if (old !== null && old.id === row?.id) return old;
    if (old !== null) await close(old);
    if (row === undefined) return null;
    return { id: row.id, node: await deps.open(unsealConnection(deps.sealer, row)) };
  }

  async function close({ id, node }: OpenNode): Promise<void> {
    await node.close().catch((error: unknown) => {
      deps.log.warn({ error, lightningNode: id }, 'a Lightning node was not closed cleanly');
    });
  }

  async function closeOldest(except: string): Promise<void> {
    const oldest = [...kept].find(([id]) => id !== except);
    if (oldest === undefined) return;
    kept.delete(oldest[0]);
    const open = await oldest[1].open.catch(() => null);
    if (open !== null) await close(open);
  }

  return {
    connectionOf,
    async nodeOf(merchantId) {
      return (await connectionOf(merchantId))?.node ?? null;
    },
    async open(connection) {
      return await deps.open(connection);
    },
    seal(connection, own) {
      return deps.sealer.seal(JSON.stringify(connection), contextOf(own));
    },
    forget,
    async start() {
      unlisten = await deps.database.listen(LIGHTNING_NODES_CHANNEL, {
        message: (merchantId) => forget(merchantId),
        gap: () => forget(),
      });
    },
    async stop() {
      await unlisten?.();
      const open = await Promise.all([...kept.values()].map((each) => each.open.catch(() => null)));
      kept.clear();
      await Promise.all(open.flatMap((each) => (each === null ? [] : [close(each)])));
    },
  };
}

/** @throws {UnsealError} when the key file is another than it was sealed with */
function unsealConnection(sealer: Sealer, row: NodeRow): NodeConnection {
  const text = sealer.unseal(row.sealed, contextOf(row));
  return connectLightningNodeSchema.parse(JSON.parse(text));
}

/** A row's secret opens in that row alone: copied into another it is worth nothing. */
function contextOf({ merchantId, id }: { merchantId: Uuid; id: Uuid }): string {
  return `lightning_node ${merchantId} ${id}`;
}
