import { assert, type Sats, type Uuid } from '@quittance/kernel';
import {
  postTransfers,
  type SpendBookingArgs,
  spendBroadcast,
  spendReversed,
} from '../../accounting/ledger/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { releaseCoins } from '../coins/index.ts';
import { versionOf } from './draft.ts';
import type { SpendChange, SpendListener, SpendTelling } from './spend.ts';
import { readTip } from './coin-store.ts';
import { lockSpends, type StoredSpend, saveFeeShares, saveSpend } from './store.ts';
import { ringSpends } from './due-store.ts';
import {
  applySpendEvent,
  type BookIntent,
  type SpendEvent,
  type SpendTransition,
} from './transition.ts';

/**
 * Locks a spend and whatever its listener will touch, in the order of ADR 0012.
 * @returns undefined when there is no such spend
 */
export async function holdSpend(
  tx: Tx,
  listener: SpendListener,
  spendId: Uuid,
): Promise<StoredSpend | undefined> {
  const [stored] = await lockSpends(tx, [spendId]);
  if (stored !== undefined) await listener.lock?.(tx, [spendId]);
  return stored;
}

/** Now, as spends tell it. */
export async function tellingNow(
  tx: Tx,
  deps: { ids: { next(): Uuid }; clock: { nowMs(): number } },
): Promise<SpendTelling> {
  return { ids: deps.ids, nowMs: deps.clock.nowMs(), tipHeight: await readTip(tx) };
}

/**
 * Applies an event to a spend that is held: the transition, what the book and the listener have to
 * know of it, all in the caller's transaction. An event that changes nothing writes nothing.
 * @returns the spend as it is after
 */
export async function applyEvent(
  tx: Tx,
  { listener, telling }: { listener: SpendListener; telling: SpendTelling },
  held: StoredSpend,
  event: SpendEvent,
): Promise<StoredSpend> {
  const transition = applySpendEvent(held, event);
  if (transition === null) return held;
  const after: StoredSpend = { ...held, ...transition };
  await saveSpend(tx, held, after, telling.nowMs);
  if (transition.spend.version !== held.spend.version || held.versions.length === 1) {
    await saveFeeShares(tx, after.spend, versionOf(after, after.spend.version));
  }
  if (transition.releases) {
    await releaseCoins(tx, { merchantId: after.spend.merchantId, spendId: after.spend.id });
  }
  const transfers = (template: BookIntent['template']) =>
    transition.book
      .filter((intent) => intent.template === template)
      .map((intent) => transferOf(after, intent, telling.nowMs));
  // What is taken back returns to the payouts before they return it, and they post what they
  // reserved before it is taken out of the wallet.
  await postTransfers(tx, transfers('spend-reversed'));
  if (transition.told) {
    await listener.spendChanged(tx, telling, changeOf(held, after, transition));
  }
  await postTransfers(tx, transfers('spend-broadcast'));
  const { dueAtMs } = after.spend;
  if (dueAtMs !== null && dueAtMs <= telling.nowMs) await ringSpends(tx);
  return after;
}

function transferOf(stored: StoredSpend, intent: BookIntent, atMs: number) {
  const { spend } = stored;
  const version = versionOf(stored, intent.version);
  assert(version.txid !== null, 'what is booked was broadcast, and has a txid');
  const args: SpendBookingArgs = {
    merchantId: spend.merchantId,
    spendId: spend.id,
    epoch: intent.epoch,
    txid: version.txid,
    payoutSats: version.purpose === 'pay' ? amountOf(stored) : 0n,
    outSats: version.outSats,
    atMs,
  };
  return intent.template === 'spend-broadcast' ? spendBroadcast(args) : spendReversed(args);
}

/** What the payouts of a spend take from the book. */
export function amountOf({ outputs }: Pick<StoredSpend, 'outputs'>): Sats {
  return outputs.reduce((sum, { amountSats }) => sum + amountSats, 0n);
}

function changeOf(
  before: StoredSpend,
  after: StoredSpend,
  { retry }: SpendTransition,
): SpendChange {
  const { spend, outputs } = after;
  const counting = versionOf(after, spend.version);
  return {
    merchantId: spend.merchantId,
    spendId: spend.id,
    kind: spend.kind,
    origin: spend.origin,
    before: before.spend.state,
    state: spend.state,
    txid: counting.txid,
    feeSats: counting.feeSats,
    height: spend.height,
    outputs: outputs.map(({ payoutId }) => ({
      payoutId,
      feeShareSats: counting.feeShares[payoutId] ?? 0n,
    })),
    reason: spend.reason,
    detail: spend.detail,
    retry,
  };
}
