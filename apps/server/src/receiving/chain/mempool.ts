import { MalformedError, scanTransaction } from '@quittance/bitcoin';
import type { Clock, Ids } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { applyPaymentEvents, eventsForTransactions, type PaymentEvent } from '../payments/index.ts';
import type { ChainSource } from './chain-source.ts';
import { readUnconfirmed, removeTransactions } from './store.ts';
import { foundTransaction, spendsOf, takeIn } from './take-in.ts';
import type { WatchSet } from './watch-set.ts';

/** Unconfirmed transactions that are asked about at a time. */
const PAGE = 200;

export type MempoolDeps = {
  source: ChainSource;
  database: Database;
  clock: Clock;
  ids: Ids;
  watch: WatchSet;
  tipHeight(): number;
};

/**
 * Takes one mempool transaction in, if it touches the watch set.
 * @param firstSeenAtMs null to ask the node when the transaction came, should it matter
 * @returns whether it did
 */
export async function takeInMempoolTransaction(
  deps: MempoolDeps,
  raw: Uint8Array,
  firstSeenAtMs: number | null,
): Promise<boolean> {
  const match = scan(raw, deps.watch);
  if (match === null) return false;
  const nowMs = deps.clock.nowMs();
  let seenAtMs = firstSeenAtMs ?? nowMs;
  let found = foundTransaction(raw, match, { block: null, firstSeenAtMs: seenAtMs });
  if (firstSeenAtMs === null) {
    const [entryMs] = await deps.source.mempoolEntryTimesMs([found.txid]);
    seenAtMs = Math.min(nowMs, entryMs ?? nowMs);
    found = { ...found, firstSeenAtMs: seenAtMs };
  }
  const telling = { ids: deps.ids, nowMs, tipHeight: deps.tipHeight() };
  const change = await deps.database.asSystem((tx) => takeIn(tx, telling, [found]));
  deps.watch.watchSpends(change.watch);
  return true;
}

function scan(raw: Uint8Array, watch: WatchSet) {
  try {
    return scanTransaction(raw, watch);
  } catch (error) {
    // A push that was cut short; the transaction will be met again in a resync or its block.
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

/**
 * Asks the node about every unconfirmed transaction on record. One that it does not have any more
 * was replaced by whichever spends its coins now, or was dropped; both are found here even if no
 * push said so. Nothing is concluded when the chain moves meanwhile: it may have been mined.
 */
export async function checkUnconfirmed(deps: MempoolDeps, tipHash: string): Promise<void> {
  let after: string | null = null;
  for (;;) {
    const from = after;
    const page: { txid: string; raw: Uint8Array }[] = await deps.database.asSystem((tx) =>
      readUnconfirmed(tx, from, PAGE),
    );
    if (page.length === 0) return;
    await checkPage(deps, page, tipHash);
    after = page.at(-1)?.txid ?? null;
    if (page.length < PAGE) return;
  }
}

async function checkPage(
  deps: MempoolDeps,
  page: readonly { txid: string; raw: Uint8Array }[],
  tipHash: string,
): Promise<void> {
  const { source, database } = deps;
  const entries = await source.mempoolEntryTimesMs(page.map(({ txid }) => txid));
  const missing = page.filter((_, i) => entries[i] === null);
  const dropped: string[] = [];
  for (const { txid, raw } of missing) {
    const spenders = await source.mempoolSpenders(spendsOf(raw));
    const by = spenders.find((spender) => spender !== null && spender !== txid);
    if (spenders.includes(txid)) continue;
    const [rival] = by === undefined || by === null ? [] : await source.rawTransactions([by]);
    if (rival === undefined || rival === null) dropped.push(txid);
    else await takeInMempoolTransaction(deps, rival, null);
  }
  if (dropped.length === 0 || (await source.tip()).hash !== tipHash) return;
  const nowMs = deps.clock.nowMs();
  await database.asSystem(async (tx) => {
    await removeTransactions(
      tx,
      dropped.map((txid) => ({ txid, replacedBy: null })),
      nowMs,
    );
    const events = await eventsForTransactions(
      tx,
      dropped,
      ({ txid, vout }): PaymentEvent => ({ type: 'dropped', txid, vout }),
    );
    const telling = { ids: deps.ids, nowMs, tipHeight: deps.tipHeight() };
    await applyPaymentEvents(tx, telling, events);
  });
}
