import { MalformedError, scanTransaction } from '@quittance/bitcoin';
import { planByKeys, together, type Tx } from '../../platform/db/index.ts';
import { eventsForTransactions, type PaymentEvent } from '../payments/index.ts';
import type { Outpoint } from './chain-source.ts';
import type { FollowDeps } from './follow-chain.ts';
import { type Cursor, holdCursor, readUnconfirmed, removeTransactions } from './store.ts';
import {
  coinsOf,
  type FoundTransaction,
  foundTransaction,
  spendsOf,
  takeIn,
  tellChanged,
} from './take-in.ts';

/** Unconfirmed transactions that are asked about at a time. */
const PAGE = 200;
/** Payments that are committed together: many enough for a flood, few enough not to wait long. */
const MAX_BATCH = 100;

export type MempoolDeps = FollowDeps & { cursor(): Cursor };

/** @property seenAtMs null to ask the node when the transaction came, should it matter */
export type MempoolTransaction = { raw: Uint8Array; seenAtMs: number | null };

/**
 * Takes mempool transactions in, in their order, as far as they touch the watch set.
 * @param onCoins hears of the outputs that are ours
 * @returns how many do
 * @throws {CursorMovedError}
 */
export async function takeInMempool(
  deps: MempoolDeps,
  transactions: readonly MempoolTransaction[],
  onCoins: (coins: readonly Outpoint[]) => void = () => {},
): Promise<number> {
  let touching = 0;
  let batch: FoundTransaction[] = [];
  let asked: FoundTransaction[] = [];
  const spent = new Set<string>();
  for (const { raw, seenAtMs } of transactions) {
    const found = scan(deps, raw, seenAtMs);
    if (found === null) continue;
    touching += 1;
    onCoins(coinsOf(found));
    const coins = found.spends.map(({ txid, vout }) => `${txid}:${vout}`);
    // One that replaces another of the same batch has to find it on record.
    const rival = coins.some((coin) => spent.has(coin));
    if (rival || batch.length + asked.length === MAX_BATCH) {
      await takeInBatch(deps, batch, asked);
      batch = [];
      asked = [];
      spent.clear();
    }
    for (const coin of coins) spent.add(coin);
    (seenAtMs === null ? asked : batch).push(found);
  }
  await takeInBatch(deps, batch, asked);
  return touching;
}

function scan(
  deps: MempoolDeps,
  raw: Uint8Array,
  seenAtMs: number | null,
): FoundTransaction | null {
  try {
    const match = scanTransaction(raw, deps.watch);
    if (match === null) return null;
    const place = { block: null, firstSeenAtMs: seenAtMs ?? deps.clock.nowMs() };
    const found = foundTransaction(raw, match, place);
    // From now on, so that a transaction right behind it that spends the same coins is noticed.
    deps.watch.watchSpends([...found.spends, ...coinsOf(found)]);
    return found;
  } catch (error) {
    // A push that was cut short; the transaction will be met again in a resync or its block.
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

/** Commits pushes, and transactions of which the node has to say when they came. */
async function takeInBatch(
  deps: MempoolDeps,
  pushed: readonly FoundTransaction[],
  asked: readonly FoundTransaction[],
): Promise<void> {
  const confirmed = await confirm(deps, asked);
  const found = [...pushed, ...confirmed];
  if (found.length === 0) return;
  const doubtful = await commit(deps, found, new Set(confirmed.map(({ txid }) => txid)));
  if (doubtful.size === 0) return;
  const again = await confirm(
    deps,
    pushed.filter(({ txid }) => doubtful.has(txid)),
  );
  if (again.length > 0) await commit(deps, again, new Set(again.map(({ txid }) => txid)));
}

/** Those that the node has, with the time at which they came into its mempool. */
async function confirm(
  deps: MempoolDeps,
  found: readonly FoundTransaction[],
): Promise<FoundTransaction[]> {
  if (found.length === 0) return [];
  const times = await deps.source.mempoolEntryTimesMs(found.map(({ txid }) => txid));
  return found.flatMap((each, i) => {
    const entryMs = times[i];
    if (entryMs === null || entryMs === undefined) return [];
    return [{ ...each, firstSeenAtMs: Math.min(each.firstSeenAtMs, entryMs) }];
  });
}

async function commit(
  deps: MempoolDeps,
  found: readonly FoundTransaction[],
  inMempool: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  return atCursor(deps, async (tx, telling) => {
    const planned = planByKeys(tx);
    const taken = takeIn(tx, { ...deps, telling }, found, { inMempool });
    const [, doubtful] = await together([planned, taken]);
    return doubtful;
  });
}

/**
 * Runs a transaction that commits only if the chain is still where this watcher believes it is. The
 * work begins before the cursor's answer is there, and can not change anything if it is elsewhere.
 * @throws {CursorMovedError}
 */
export async function atCursor<T>(
  deps: MempoolDeps,
  work: (
    tx: Tx,
    telling: { ids: MempoolDeps['ids']; nowMs: number; tipHeight: number },
  ) => Promise<T>,
): Promise<T> {
  const at = deps.cursor();
  const telling = { ids: deps.ids, nowMs: deps.clock.nowMs(), tipHeight: at.height };
  return deps.database.asSystem(async (tx) => {
    const held = holdCursor(tx, { network: deps.network, at });
    const [, result] = await together([held, work(tx, telling)]);
    return result;
  });
}

/**
 * Asks the node about every unconfirmed transaction on record. One that it does not have any more
 * was replaced by whichever spends its coins now, or was dropped; both are found here even if no
 * push said so. Nothing is concluded when the chain moves meanwhile: it may have been mined.
 * @returns whether everything was concluded; otherwise ask again once the tip is reached
 */
export async function checkUnconfirmed(deps: MempoolDeps): Promise<boolean> {
  let concluded = true;
  let after: string | null = null;
  for (;;) {
    const from = after;
    const page: { txid: string; raw: Uint8Array }[] = await deps.database.asSystem((tx) =>
      readUnconfirmed(tx, from, PAGE),
    );
    if (page.length === 0) return concluded;
    if (!(await checkPage(deps, page))) concluded = false;
    after = page.at(-1)?.txid ?? null;
    if (page.length < PAGE) return concluded;
  }
}

async function checkPage(
  deps: MempoolDeps,
  page: readonly { txid: string; raw: Uint8Array }[],
): Promise<boolean> {
  const { source } = deps;
  const entries = await source.mempoolEntryTimesMs(page.map(({ txid }) => txid));
  const missing = page.filter((_, i) => entries[i] === null);
  const dropped: string[] = [];
  for (const { txid, raw } of missing) {
    const spenders = await source.mempoolSpenders(spendsOf(raw));
    if (spenders.includes(txid)) continue;
    const by = spenders.find((spender) => spender !== null);
    const [rival] = by === undefined || by === null ? [] : await source.rawTransactions([by]);
    if (rival !== undefined && rival !== null) {
      await takeInMempool(deps, [{ raw: rival, seenAtMs: null }]);
    } else if (!(await source.resubmit(raw))) dropped.push(txid);
  }
  if (dropped.length === 0) return true;
  if ((await source.tip()).hash !== deps.cursor().hash) return false;
  await atCursor(deps, async (tx, telling) => {
    await tellChanged(
      tx,
      { ...deps, telling },
      {
        record: [
          removeTransactions(
            tx,
            dropped.map((txid) => ({ txid, replacedBy: null })),
            telling.nowMs,
          ),
        ],
        txids: dropped,
        outputs: [],
        atNewTip: false,
        events: () =>
          eventsForTransactions(
            tx,
            dropped,
            ({ txid, vout }): PaymentEvent => ({ type: 'dropped', txid, vout }),
          ),
      },
    );
  });
  return true;
}
