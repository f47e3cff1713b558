import type { LightningNodeKind } from '@quittance/contract';
import { fromHex, toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { LightningBalances } from './lightning-node.ts';

/** A node that a store is, or was, connected to. */
export type NodeRow = {
  merchantId: Uuid;
  id: Uuid;
  kind: LightningNodeKind;
  network: string;
  /** The node's public key, hexadecimal. */
  nodeId: string;
  alias: string;
  url: string | null;
  sealed: Uint8Array;
  active: boolean;
  cursor: string | null;
  /** What its channels held when it was read the last time, and when. */
  snapshot: { balances: LightningBalances; atMs: number } | null;
  /** Why it can not be read, and since when. */
  problem: { text: string; sinceMs: number } | null;
  createdAtMs: number;
  removedAtMs: number | null;
};

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  kind: LightningNodeKind;
  network: string;
  node_id: Buffer;
  alias: string;
  url: string | null;
  sealed: Buffer;
  active: boolean;
  cursor: string | null;
  snapshot: Record<keyof LightningBalances, string> | null;
  snapshot_at: Date | null;
  problem: string | null;
  problem_since: Date | null;
  created_at: Date;
  removed_at: Date | null;
};

const COLUMNS = `merchant_id, id, kind, network, node_id, alias, url, sealed, active, cursor, snapshot,
  snapshot_at, problem, problem_since, created_at, removed_at`;

/** Announces that a store has another node than before, or none: payload its id. */
export const LIGHTNING_NODES_CHANNEL = 'quittance_lightning_nodes';

function nodeOf(row: Row): NodeRow {
  const { snapshot, snapshot_at, problem, problem_since } = row;
  return {
    merchantId: row.merchant_id,
    id: row.id,
    kind: row.kind,
    network: row.network,
    nodeId: toHex(row.node_id),
    alias: row.alias,
    url: row.url,
    sealed: row.sealed,
    active: row.active,
    cursor: row.cursor,
    snapshot:
      snapshot === null || snapshot_at === null
        ? null
        : { balances: balancesOf(snapshot), atMs: snapshot_at.getTime() },
    problem:
      problem === null || problem_since === null
        ? null
        : { text: problem, sinceMs: problem_since.getTime() },
    createdAtMs: row.created_at.getTime(),
    removedAtMs: row.removed_at?.getTime() ?? null,
  };
}

function balancesOf(snapshot: NonNullable<Row['snapshot']>): LightningBalances {
  return {
    channelsMsat: BigInt(snapshot.channelsMsat),
    inFlightMsat: BigInt(snapshot.inFlightMsat),
    onchainSats: BigInt(snapshot.onchainSats),
    sendableMsat: BigInt(snapshot.sendableMsat),
    receivableMsat: BigInt(snapshot.receivableMsat),
  };
}

export async function readActiveNode(tx: Tx, merchantId: Uuid): Promise<NodeRow | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM lightning_node WHERE merchant_id = $1 AND active`,
    [merchantId],
  );
  return row === undefined ? undefined : nodeOf(row);
}

export async function readNode(
  tx: Tx,
  { merchantId, id, lock = false }: { merchantId: Uuid; id: Uuid; lock?: boolean },
): Promise<NodeRow | undefined> {
  const row = await tx.maybe<Row>(
    lock
      ? `SELECT ${COLUMNS} FROM lightning_node WHERE merchant_id = $1 AND id = $2 FOR UPDATE`
      : `SELECT ${COLUMNS} FROM lightning_node WHERE merchant_id = $1 AND id = $2`,
    [merchantId, id],
  );
  return row === undefined ? undefined : nodeOf(row);
}

/** A store's nodes, also those that it had once; the newest first. */
export async function listNodes(
  tx: Tx,
  page: { merchantId: Uuid; startingAfter: Uuid | undefined; limit: number },
): Promise<NodeRow[]> {
  const { merchantId, startingAfter, limit } = page;
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM lightning_node
      WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [merchantId, startingAfter ?? null, limit],
  );
  return rows.map(nodeOf);
}

/** Nodes of all stores, for whoever follows them: a page in the order of their ids. */
export async function readActiveNodes(
  tx: Tx,
  after: Uuid | null,
  limit: number,
): Promise<NodeRow[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM lightning_node WHERE active AND ($1::uuid IS NULL OR id > $1)
      ORDER BY id LIMIT $2`,
    [after, limit],
  );
  return rows.map(nodeOf);
}

/** @returns whether the node is the store's now: no other store has it, and the store no other */
export async function insertNode(tx: Tx, node: NodeRow): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO lightning_node (merchant_id, id, kind, network, node_id, alias, url, sealed, active,
            cursor, snapshot, snapshot_at, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, true, $9, $10::jsonb, $11, $12)
     ON CONFLICT DO NOTHING RETURNING 1 AS stored`,
    [
      ...[node.merchantId, node.id, node.kind, node.network, fromHex(node.nodeId), node.alias],
      ...[node.url, node.sealed, node.cursor],
      node.snapshot === null ? null : snapshotJson(node.snapshot.balances),
      node.snapshot === null ? null : new Date(node.snapshot.atMs),
      new Date(node.createdAtMs),
    ],
  );
  return rows.length === 1;
}

function snapshotJson(balances: LightningBalances): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(balances).map(([name, value]) => [name, String(value)])),
  );
}

export async function removeNode(
  tx: Tx,
  { merchantId, id, atMs }: { merchantId: Uuid; id: Uuid; atMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE lightning_node SET active = false, removed_at = $3
      WHERE merchant_id = $1 AND id = $2 AND active`,
    [merchantId, id, new Date(atMs)],
  );
}

/** Tells every process, when the transaction commits, that a store's node is another. */
export async function announceNode(tx: Tx, merchantId: Uuid): Promise<void> {
  await tx.query(`SELECT pg_notify('quittance_lightning_nodes', $1)`, [merchantId]);
}

/** @returns whether the cursor was where the caller thought: else somebody else has moved it on */
export async function moveCursor(
  tx: Tx,
  node: { merchantId: Uuid; id: Uuid; from: string | null; to: string },
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE lightning_node SET cursor = $4 WHERE merchant_id = $1 AND id = $2
        AND cursor IS NOT DISTINCT FROM $3 AND active RETURNING 1 AS moved`,
    [node.merchantId, node.id, node.from, node.to],
  );
  return rows.length === 1;
}

export async function saveSnapshot(
  tx: Tx,
  node: { merchantId: Uuid; id: Uuid; balances: LightningBalances; atMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE lightning_node SET snapshot = $3::jsonb, snapshot_at = $4, problem = NULL,
            problem_since = NULL WHERE merchant_id = $1 AND id = $2`,
    [node.merchantId, node.id, snapshotJson(node.balances), new Date(node.atMs)],
  );
}

/** @returns since when it can not be read */
export async function saveProblem(
  tx: Tx,
  node: { merchantId: Uuid; id: Uuid; problem: string; atMs: number },
): Promise<number> {
  const row = await tx.one<{ problem_since: Date }>(
    `UPDATE lightning_node SET problem = $3, problem_since = coalesce(problem_since, $4)
      WHERE merchant_id = $1 AND id = $2 RETURNING problem_since`,
    [node.merchantId, node.id, node.problem, new Date(node.atMs)],
  );
  return row.problem_since.getTime();
}

/** How many active nodes can be read, and how many can not. */
export async function countNodes(tx: Tx): Promise<{ green: number; red: number }> {
  const row = await tx.one<{ green: bigint; red: bigint }>(
    `SELECT count(*) FILTER (WHERE problem IS NULL) AS green,
            count(*) FILTER (WHERE problem IS NOT NULL) AS red FROM lightning_node WHERE active`,
  );
  return { green: Number(row.green), red: Number(row.red) };
}

/** What comparing a node's balance with the book has shown. */
export type Comparison = {
  lightningNodeId: Uuid;
  state: 'ok' | 'break' | 'unreadable';
  bookMsat: bigint | null;
  nodeMsat: bigint | null;
  reason: string | null;
  atMs: number;
};

export async function saveComparison(
  tx: Tx,
  merchantId: Uuid,
  { lightningNodeId, atMs, ...made }: Comparison,
): Promise<void> {
  const text = (msat: bigint | null) => msat?.toString() ?? null;
  const json = { ...made, bookMsat: text(made.bookMsat), nodeMsat: text(made.nodeMsat) };
  await tx.query(
    `UPDATE lightning_node SET comparison = $3::jsonb, compared_at = $4
      WHERE merchant_id = $1 AND id = $2`,
    [merchantId, lightningNodeId, JSON.stringify(json), new Date(atMs)],
  );
}

/** Of the store's present node; undefined when it has none, or none was compared yet. */
export async function readComparison(tx: Tx, merchantId: Uuid): Promise<Comparison | undefined> {
  const row = await tx.maybe<{
    id: Uuid;
    comparison: {
      state: Comparison['state'];
      bookMsat: string | null;
      nodeMsat: string | null;
      reason: string | null;
    } | null;
    compared_at: Date | null;
  }>('SELECT id, comparison, compared_at FROM lightning_node WHERE merchant_id = $1 AND active', [
    merchantId,
  ]);
  if (row === undefined || row.comparison === null || row.compared_at === null) return undefined;
  const msat = (text: string | null) => (text === null ? null : BigInt(text));
  const { state, bookMsat, nodeMsat, reason } = row.comparison;
  return {
    ...{ lightningNodeId: row.id, state, reason, atMs: row.compared_at.getTime() },
    ...{ bookMsat: msat(bookMsat), nodeMsat: msat(nodeMsat) },
  };
}

/** Whether a store's payouts over Lightning are under way: their end would be heard by nobody. */
export async function hasOpenPayouts(tx: Tx, merchantId: Uuid): Promise<boolean> {
  const row = await tx.one<{ open: boolean }>(
    `SELECT EXISTS (SELECT FROM payout WHERE merchant_id = $1 AND method = 'lightning'
        AND state IN ('approved', 'in_flight', 'unknown')) AS open`,
    [merchantId],
  );
  return row.open;
}
