import { lightningNetworkOf, type Network } from '@quittance/bitcoin';
import { randomBytes } from 'node:crypto';
import type { ConnectLightningNode, ErrorCode } from '@quittance/contract';
import { type Clock, type Ids, toHex, type Uuid } from '@quittance/kernel';
import { lightningAdjusted, postTransfers } from '../../accounting/ledger/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { shownUrl } from './backends.ts';
import { LightningNodeError, type LightningNodeErrorCode } from './errors.ts';
import type { LightningBalances, LightningInfo, LightningNode } from './lightning-node.ts';
import { announceNode, insertNode, type NodeRow } from './node-store.ts';
import type { LightningNodes } from './nodes.ts';

export type ConnectDeps = {
  database: Database;
  nodes: LightningNodes;
  network: Network;
  clock: Clock;
  ids: Ids;
  /** Tells why an address may not be reached from here; null: it may. */
  refuseUrl(url: string): Promise<string | null>;
};

/** What a node has shown of itself before it is taken. */
export type TriedNode = {
  info: LightningInfo;
  balances: LightningBalances;
  /** Everything before this is not ours: it is in the opening balance. */
  cursor: string;
  /** What the credentials allow beyond what is needed: to be told, and no reason to refuse. */
  excessiveRights: readonly string[];
};

/** All questions together; a person waits for it. */
const TRY_TIMEOUT_MS = 20_000;
/** Events of the node's past that are passed over at a time, and how often at most. */
const PAGE = 1_000;
const MAX_PAGES = 1_000;
/** Payments that come in while the balance is read make it read again. */
const MAX_READS = 5;

/**
 * Asks a node everything that Quittance will need of it, before it is stored: who it is, on which
 * network, and whether the credentials allow what receiving takes (an invoice is made and cancelled).
 * @throws {AppError} lightning_node_unreachable, -_unauthorized, -_certificate, -_wrong_network,
 *   -_refused
 */
export async function tryNode(
  deps: ConnectDeps,
  connection: ConnectLightningNode,
): Promise<TriedNode> {
  for (const { url, pointer } of addressesOf(connection)) {
    const refused = await deps.refuseUrl(url);
    if (refused !== null) throw refusal('lightning_node_unreachable', refused, pointer);
  }
  let node: LightningNode | undefined;
  try {
    node = await deps.nodes.open(connection);
    return await within(TRY_TIMEOUT_MS, ask(node, deps.network));
  } catch (error) {
    if (error instanceof LightningNodeError) throw asAppError(error);
    throw error;
  } finally {
    await node?.close().catch(() => {});
  }
}

/** Where the server would connect to: the node, or the relays that lead to a wallet service. */
function addressesOf(connection: ConnectLightningNode): { url: string; pointer: string }[] {
  if ('url' in connection) return [{ url: connection.url, pointer: '/url' }];
  if (connection.kind !== 'nwc') return [];
  const [, query = ''] = connection.connectionUri.split('?', 2);
  const relays = new URLSearchParams(query).getAll('relay').filter((url) => URL.canParse(url));
  return relays.map((url) => ({ url, pointer: '/connectionUri' }));
}

async function ask(node: LightningNode, network: Network): Promise<TriedNode> {
  const info = await node.info();
  if (info.network !== lightningNetworkOf(network)) {
    throw new LightningNodeError(
      'wrong_network',
      `the node is on ${info.network}, this server on ${network}`,
    );
  }
  const unknown = toHex(randomBytes(32));
  await node.lookupInvoice(unknown);
  await node.trackPayment(unknown);
  if (node.capabilities.channels) await node.channels();
  const made = await node.createInvoice({
    ...{ amountMsat: 1_000n, description: 'Quittance: test of the connection', expirySeconds: 60 },
  });
  await node.cancelInvoice(made.paymentHash).catch((error: unknown) => {
    // Wallet services know no way to withdraw an invoice; it ends by itself in a minute.
    if (!(error instanceof LightningNodeError && error.code === 'unsupported')) throw error;
  });
  // Whoever steals credentials that can do more steals more.
  const excessiveRights = (await node.excessiveRights?.()) ?? [];
  return { info, excessiveRights, ...(await readOpening(node)) };
}

/** The balance at a place of the event stream: nothing is in both, and nothing in neither. */
async function readOpening(node: LightningNode): Promise<Pick<TriedNode, 'balances' | 'cursor'>> {
  let cursor = await skipPast(node, null);
  for (let read = 1; read <= MAX_READS; read++) {
    const balances = await node.balances();
    const after = await skipPast(node, cursor);
    if (after === cursor) return { balances, cursor };
    cursor = after;
  }
  throw new LightningNodeError('refused', 'the node’s balance never rests; try again later');
}

async function skipPast(node: LightningNode, from: string | null): Promise<string> {
  let cursor = from;
  for (let page = 1; page <= MAX_PAGES; page++) {
    const next = await node.eventsSince(cursor, PAGE);
    if (!next.hasMore) return next.cursor;
    cursor = next.cursor;
  }
  throw new LightningNodeError('refused', 'the node’s history is too long to be read');
}

/**
 * Makes a tried node the store's, with what its channels hold as the opening balance of its book.
 * @throws {AppError} lightning_node_taken
 */
export async function connectNode(
  tx: Tx,
  deps: Pick<ConnectDeps, 'nodes' | 'clock' | 'ids' | 'network'>,
  wanted: { merchantId: Uuid; connection: ConnectLightningNode; tried: TriedNode },
): Promise<NodeRow> {
  const { merchantId, connection, tried } = wanted;
  const { info, balances, cursor } = tried;
  const nowMs = deps.clock.nowMs();
  const id = deps.ids.next();
  const row: NodeRow = {
    ...{ merchantId, id, kind: connection.kind, network: deps.network, nodeId: info.nodeId },
    ...{ alias: info.alias, url: shownUrl(connection), active: true, cursor },
    sealed: deps.nodes.seal(connection, { merchantId, id }),
    snapshot: { balances, atMs: nowMs },
    ...{ problem: null, createdAtMs: nowMs, removedAtMs: null },
  };
  if (!(await insertNode(tx, row))) {
    throw new AppError(
      'lightning_node_taken',
      'This store or another one is connected to a node already. A store has one node, and a node ' +
        'one store, or one store’s money would be in the other’s book.',
    );
  }
  // What is under way is the store's until it has arrived somewhere.
  const opening = balances.channelsMsat + balances.inFlightMsat;
  if (opening > 0n) {
    const adjusted = { merchantId, lightningNodeId: id, adjustmentId: id, atMs: nowMs };
    await postTransfers(tx, [
      lightningAdjusted({ ...adjusted, changeMsat: opening, reason: 'opening' }),
    ]);
  }
  await announceNode(tx, merchantId);
  return row;
}

const CODES: Record<LightningNodeErrorCode, ErrorCode> = {
  unreachable: 'lightning_node_unreachable',
  unauthorized: 'lightning_node_unauthorized',
  certificate: 'lightning_node_certificate',
  wrong_network: 'lightning_node_wrong_network',
  unsupported: 'lightning_node_refused',
  refused: 'lightning_node_refused',
  bad_answer: 'lightning_node_refused',
};

function asAppError(error: LightningNodeError): AppError {
  return new AppError(CODES[error.code], `The node can not be used: ${error.message}.`, {
    cause: error,
  });
}

function refusal(code: ErrorCode, detail: string, pointer: string): AppError {
  return new AppError(code, `The node can not be used: ${detail}.`, {
    fields: [{ pointer, detail }],
  });
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const text = `it has not answered everything within ${ms / 1_000} s`;
    timer = setTimeout(() => reject(new LightningNodeError('unreachable', text)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
