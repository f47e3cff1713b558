import { type Clock, MSATS_PER_SAT, type Uuid } from '@quittance/kernel';
import { LIGHTNING_CHANNELS, readBalanceOf } from '../../accounting/ledger/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import { redactText } from '../../platform/log/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import { type AlertDeps, raiseAlert, resolveAlert } from '../../telling/notifications/index.ts';
import { LightningNodeError } from './errors.ts';
import type { LightningNode } from './lightning-node.ts';
import {
  type Comparison,
  type NodeRow,
  readActiveNode,
  readActiveNodes,
  saveComparison,
} from './node-store.ts';
import type { LightningNodes } from './nodes.ts';

export type CompareDeps = {
  database: Database;
  nodes: Pick<LightningNodes, 'connectionOf'>;
  clock: Clock;
  alerts: AlertDeps;
  sleep(ms: number): Promise<void>;
};

/** A break is known within this time; each look is two questions to the node. */
const COMPARE_EVERY_MS = 60_000;
/** Payments that come and go while it is compared make it begin anew. */
const MAX_TRIES = 12;
const PAUSE_MS = 400;
/** A payment that was sent is booked a moment after its end: so often in a row is a break. */
const TIMES_TO_BELIEVE = 4;
const PAGE = 500;

type Moment = { cursor: string | null; bookMsat: bigint; sequenceOf: string };

/**
 * Compares what a store's node holds in its channels, with what is in flight outwards, with
 * `lightning.channels` in the book, at a moment when neither moves: everything that the node has told
 * is booked, before and after the balance was read. Then there is no tolerance: a millisatoshi is a
 * break. A node that can not be read, or never rests, is unreadable; that is not the same as zero.
 * @returns null when the store has no node
 */
export async function compareBalance(
  deps: CompareDeps,
  merchantId: Uuid,
): Promise<Comparison | null> {
  const row = await deps.database.asSystem((tx) => readActiveNode(tx, merchantId));
  if (row === undefined) return null;
  const made = await compare(deps, row);
  await deps.database.asSystem(async (tx) => {
    await saveComparison(tx, merchantId, made);
    await tell(tx, deps, row, made);
  });
  return made;
}

async function compare(deps: CompareDeps, row: NodeRow): Promise<Comparison> {
  const shared = { lightningNodeId: row.id, atMs: deps.clock.nowMs() };
  const unreadable = (reason: string): Comparison => ({
    ...{ ...shared, state: 'unreadable', bookMsat: null, nodeMsat: null, reason },
  });
  try {
    const open = await deps.nodes.connectionOf(row.merchantId);
    if (open === null || open.id !== row.id) return unreadable('the connection was given up');
    let last: bigint | null = null;
    let times = 0;
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const sums = await readQuiet(deps, row.merchantId, open.node);
      if (sums !== null) {
        const difference = sums.bookMsat - sums.nodeMsat;
        if (difference === 0n) return { ...shared, state: 'ok', ...sums, reason: null };
        times = difference === last ? times + 1 : 1;
        last = difference;
        if (times === TIMES_TO_BELIEVE) return { ...shared, state: 'break', ...sums, reason: null };
      }
      await deps.sleep(PAUSE_MS);
    }
    return unreadable('payments came and went during every try');
  } catch (error) {
    if (!(error instanceof LightningNodeError)) throw error;
    return unreadable(redactText(error.message));
  }
}

/** Null when something moved meanwhile. */
async function readQuiet(
  { database }: CompareDeps,
  merchantId: Uuid,
  node: LightningNode,
): Promise<{ bookMsat: bigint; nodeMsat: bigint } | null> {
  const before = await readMoment(database, merchantId);
  if ((await node.eventsSince(before.cursor, 1)).events.length > 0) return null;
  const { channelsMsat, inFlightMsat } = await node.balances();
  if ((await node.eventsSince(before.cursor, 1)).events.length > 0) return null;
  const after = await readMoment(database, merchantId);
  const isSame = after.cursor === before.cursor && after.sequenceOf === before.sequenceOf;
  return isSame ? { bookMsat: before.bookMsat, nodeMsat: channelsMsat + inFlightMsat } : null;
}

async function readMoment(database: Database, merchantId: Uuid): Promise<Moment> {
  return await database.asSystem(async (tx) => {
    const row = await readActiveNode(tx, merchantId);
    const book = await readBalanceOf(tx, { bookId: merchantId, code: LIGHTNING_CHANNELS.code });
    const sequenceOf = `${book?.debitsPosted ?? 0} ${book?.creditsPosted ?? 0}`;
    return { cursor: row?.cursor ?? null, bookMsat: book?.posted ?? 0n, sequenceOf };
  });
}

/** What can not be read ends no alert: nothing is known. */
async function tell(tx: Tx, deps: CompareDeps, row: NodeRow, made: Comparison): Promise<void> {
  const { merchantId, alias } = row;
  const about = { merchantId, kind: 'lightning_balance_break' as const, subject: row.id };
  if (made.state === 'ok') await resolveAlert(tx, deps.alerts, about);
  if (made.state !== 'break' || made.bookMsat === null || made.nodeMsat === null) return;
  const facts = {
    alias,
    bookMsat: String(made.bookMsat),
    nodeMsat: String(made.nodeMsat),
    differenceMsat: String(made.bookMsat - made.nodeMsat),
  };
  await raiseAlert(tx, deps.alerts, { ...about, severity: severityOf(made), facts });
}

/** Parts of a satoshi are wrong too, but nobody has to be woken up for them. */
function severityOf({ bookMsat, nodeMsat }: Comparison): 'warning' | 'critical' {
  const difference = (bookMsat ?? 0n) - (nodeMsat ?? 0n);
  const size = difference < 0n ? -difference : difference;
  return size < MSATS_PER_SAT ? 'warning' : 'critical';
}

/** Compares every store's node with its book for ever. */
export function compareBalances(
  deps: CompareDeps & { log: { warn(fields: object, message: string): void } },
): Loop {
  return startLoop({
    name: 'lightning balances',
    everyMs: COMPARE_EVERY_MS,
    async run(signal) {
      for (let after: Uuid | null = null; ; ) {
        const from: Uuid | null = after;
        const page: NodeRow[] = await deps.database.asSystem((tx) =>
          readActiveNodes(tx, from, PAGE),
        );
        for (const { merchantId } of page) {
          if (signal.aborted) return;
          await compareBalance(deps, merchantId);
        }
        after = page.at(-1)?.id ?? null;
        if (page.length < PAGE) return;
      }
    },
    onError: (error) => deps.log.warn({ error }, 'Lightning balances can not be compared'),
    clock: deps.clock,
  });
}
