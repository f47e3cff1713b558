import { type Network, networks, parseHeader } from '@quittance/bitcoin';
import { assert, type Clock, type Ids } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { readFirstWalletMs } from '../addresses/index.ts';
import { applyTip, eventsForTransactions, type PaymentEvent } from '../payments/index.ts';
import { type BlockScanner, blockOf, type ScannedBlock } from './block-scanner.ts';
import { ChainHaltError, type ChainSource, NodeBehindError } from './chain-source.ts';
import type { Followed } from './followers.ts';
import {
  type Cursor,
  CursorMovedError,
  insertBlocks,
  moveCursor,
  pruneBlocksBelow,
  readBlocksDown,
  readCursor,
  readIncludedAbove,
  removeBlocksAbove,
  removeTransactions,
  returnTransactionsAbove,
} from './store.ts';
import { spendsOf, takeIn, type Undone } from './take-in.ts';
import type { WatchSet } from './watch-set.ts';

/**
 * A reorganisation that goes deeper than the depth at which payments are final can't be undone by
 * a program (design §7).
 */
const MAX_REORG_DEPTH = 100;
/** Processed blocks that are kept for walking back. */
const KEPT_BLOCKS = 1_000;
/** Bytes of a block header (Bitcoin consensus). */
const HEADER_BYTES = 80;
/**
 * Blocks that are read and scanned ahead, a day of them: those that are ready are committed together
 * while the next ones are being scanned. Only what was found in them is kept.
 */
const MAX_BLOCKS_AHEAD = 144;
/** Pruning each block would be a write for nothing. */
const PRUNE_EVERY = 100;

export type FollowDeps = Followed & {
  network: Network;
  source: ChainSource;
  blocks: BlockScanner;
  database: Database;
  clock: Clock;
  ids: Ids;
  watch: WatchSet;
};

export type FollowStep = {
  cursor: Cursor;
  connected: number;
  disconnected: number;
  /** The node's tip when the step was planned. */
  tipHeight: number;
};

/**
 * Where to begin: the stored cursor, or, on the first start, the block before `startHeight` or
 * before the first address was derived, at most the node's tip. What is older than the first
 * address can't have paid it.
 */
export async function startCursor(deps: FollowDeps, startHeight?: number): Promise<Cursor> {
  const { database, network, source, clock } = deps;
  const stored = await database.asSystem((tx) => readCursor(tx, network));
  if (stored !== null) return stored;
  const tip = await source.tip();
  const wanted = startHeight ?? (await heightOfFirstAddress(deps, tip.height));
  const height = Math.min(tip.height, Math.max(0, wanted - 1));
  const lowest = Math.max(0, height - MAX_REORG_DEPTH);
  const hashes = await source.hashesFrom(lowest, height - lowest + 1);
  const [first] = hashes;
  const hash = hashes[height - lowest];
  assert(first !== undefined && hash !== undefined, 'the node has a block at every height');
  // The blocks before are kept as well, to find the way back in an early reorganisation.
  const headers = await source.rawHeaders(first, hashes.length);
  const blocks = hashes.map((each, i) =>
    blockOf(lowest + i, each, headers.subarray(i * HEADER_BYTES)),
  );
  const nowMs = clock.nowMs();
  const cursor = { height, hash };
  await database.asSystem(async (tx) => {
    const moved = await moveCursor(tx, { network, from: null, to: cursor, nowMs });
    if (moved) await insertBlocks(tx, blocks, nowMs);
  });
  return cursor;
}

/** Blocks' times may be off by two hours (Bitcoin Core: MAX_FUTURE_BLOCK_TIME); more is safe. */
const BLOCK_TIME_MARGIN_MS = 3 * 3_600_000;

/** The first height that may pay one of our addresses: orders may be older than the first start. */
async function heightOfFirstAddress(deps: FollowDeps, tipHeight: number): Promise<number> {
  const firstMs = await deps.database.asSystem((tx) => readFirstWalletMs(tx));
  if (firstMs === null) return tipHeight + 1;
  let low = 0;
  let high = tipHeight + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [hash] = await deps.source.hashesFrom(middle, 1);
    assert(hash !== undefined, 'the node has a block at every height');
    const { time } = parseHeader(await deps.source.rawHeaders(hash, 1));
    if (time * 1_000 < firstMs - BLOCK_TIME_MARGIN_MS) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * One step along the active chain: back to where it and the processed chain meet, then forward.
 * Start-up, gaps, new blocks, reorganisations and rescans are all this step; effects and cursor
 * are one transaction, so a crash in between leaves nothing half done.
 * @returns null when the cursor is the node's tip; a step of nothing when the node moved meanwhile
 * @throws {ChainHaltError} when the node's chain does not meet ours within MAX_REORG_DEPTH
 * @throws {NodeBehindError} when the node has not got as far as we have
 */
export async function followStep(deps: FollowDeps, cursor: Cursor): Promise<FollowStep | null> {
  const { source, database, clock, network, watch } = deps;
  const tip = await source.tip();
  if (tip.hash === cursor.hash) return null;
  const fork = await findFork(deps, cursor, tip.height);
  if (fork.hash === tip.hash) await requireLoss(source, { cursor, tip });
  const disconnected = cursor.height - fork.height;
  if (disconnected > 0) {
    // A transaction of the new branch may spend what one of the old branch spends. Which ones are
    // given back does not change before the cursor does.
    const undone = await database.asSystem((tx) => readIncludedAbove(tx, fork.height));
    watch.watchSpends(undone.flatMap(spendsOf));
  }
  const ahead = Math.min(MAX_BLOCKS_AHEAD, tip.height - fork.height);
  const hashes = await source.hashesFrom(fork.height + 1, ahead);
  deps.blocks.want(hashes.map((hash, i) => ({ height: fork.height + 1 + i, hash })));
  // The node may have moved to another branch between the calls: only an unbroken chain counts.
  const sound = unbroken(fork, await deps.blocks.take());
  const blocks = sound.map(({ block }) => block);
  const to = blocks.at(-1) ?? fork;
  if (to.hash === cursor.hash) {
    return { cursor, connected: 0, disconnected: 0, tipHeight: tip.height };
  }
  const nowMs = clock.nowMs();
  const telling = { ids: deps.ids, nowMs, tipHeight: to.height };

  await database.asSystem(async (tx) => {
    const moved = await moveCursor(tx, { network, from: cursor, to, nowMs });
    if (!moved) throw new CursorMovedError('another watcher has moved the cursor');
    const undone = disconnected > 0 ? await disconnectTo(tx, fork.height, nowMs) : NOTHING_UNDONE;
    const found = sound.flatMap((each) => each.found);
    await takeIn(tx, { ...deps, telling }, found, { undone, atNewTip: true });
    await insertBlocks(tx, blocks, nowMs);
    await applyTip(tx, telling);
    for (const follower of deps.followers) await follower.tip(tx, telling);
    if (to.height % PRUNE_EVERY < sound.length) await pruneBlocksBelow(tx, to.height - KEPT_BLOCKS);
  });
  await watch.tidy();
  return { cursor: to, connected: sound.length, disconnected, tipHeight: tip.height };
}

/** The highest processed block that is in the node's active chain. */
async function findFork(deps: FollowDeps, cursor: Cursor, tipHeight: number): Promise<Cursor> {
  const { source, database } = deps;
  const [same] = cursor.height <= tipHeight ? await source.hashesFrom(cursor.height, 1) : [];
  if (same === cursor.hash) return cursor;
  const ours = await database.asSystem((tx) =>
    readBlocksDown(tx, cursor.height, MAX_REORG_DEPTH + 1),
  );
  const lowest = ours.at(-1)?.height ?? cursor.height;
  if (tipHeight < lowest) throw nodeBehind(cursor, tipHeight);
  const theirs = await source.hashesFrom(lowest, ours.length);
  const fork = ours.find(({ height, hash }) => theirs[height - lowest] === hash);
  if (fork === undefined) {
    throw new ChainHaltError(
      `the node's chain and the processed chain do not meet within ${MAX_REORG_DEPTH} blocks below height ${cursor.height} (ours: ${cursor.hash}): this is another node's chain or data folder; connect the right node`,
    );
  }
  return { height: fork.height, hash: fork.hash };
}

/**
 * The node's tip lies below the cursor and nothing contradicts the blocks above it. A node that
 * was killed comes back with older blocks and works its way up again: to undo payments for that
 * would be wrong. They are undone when the node calls the blocks invalid, or has forgotten them
 * and is not about to get them.
 */
async function requireLoss(
  source: ChainSource,
  { cursor, tip }: { cursor: Cursor; tip: Cursor },
): Promise<void> {
  const verdict = await source.judge(cursor.hash);
  if (verdict === 'invalid') return;
  if (verdict === 'known' || (await source.isCatchingUp())) throw nodeBehind(cursor, tip.height);
}

function nodeBehind(cursor: Cursor, tipHeight: number): NodeBehindError {
  return new NodeBehindError(
    `the node is at height ${tipHeight} and has to catch up to ${cursor.height} (${cursor.hash}), which was processed already; if it does not, it is another node`,
  );
}

/** The blocks up to the first that does not follow its predecessor. */
function unbroken(from: Cursor, blocks: readonly ScannedBlock[]): ScannedBlock[] {
  let last = from.hash;
  const sound: ScannedBlock[] = [];
  for (const each of blocks) {
    if (each.block.prevHash !== last) break;
    sound.push(each);
    last = each.block.hash;
  }
  return sound;
}

const NOTHING_UNDONE: Undone = { txids: [], events: [] };

/** Takes blocks off: their transactions are unconfirmed again; block rewards are void. */
async function disconnectTo(tx: Tx, height: number, nowMs: number): Promise<Undone> {
  const returned = await returnTransactionsAbove(tx, height, nowMs);
  await removeBlocksAbove(tx, height, nowMs);
  const events = await eventsForTransactions(
    tx,
    returned.map(({ txid }) => txid),
    ({ txid, vout }): PaymentEvent => ({ type: 'returned', txid, vout }),
  );
  const rewards = returned.filter(({ raw }) => spendsOf(raw).length === 0).map(({ txid }) => txid);
  await removeTransactions(
    tx,
    rewards.map((txid) => ({ txid, replacedBy: null })),
    nowMs,
  );
  const voided = await eventsForTransactions(
    tx,
    rewards,
    ({ txid, vout }): PaymentEvent => ({ type: 'dropped', txid, vout }),
  );
  return { txids: returned.map(({ txid }) => txid), events: [...events, ...voided] };
}

/** @throws {ChainHaltError} when the node is on another network than the one configured */
export async function checkNetwork(source: ChainSource, network: Network): Promise<void> {
  const [genesis] = await source.hashesFrom(0, 1);
  if (genesis !== networks[network].genesisHash) {
    throw new ChainHaltError(
      `the node is not on ${network}: its first block is ${genesis ?? 'missing'}; connect a ${network} node or set the network`,
    );
  }
}
