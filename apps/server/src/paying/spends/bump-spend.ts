import { type FeeRate, feeRateOf, type Replaced } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { applyEvent, holdSpend, tellingNow } from './apply-event.ts';
import type { SpendDeps } from './deps.ts';
import { hasEnded, versionOf } from './draft.ts';
import {
  feeNotHigher,
  hasEndedAlready,
  isInBlock,
  isUnderWay,
  noSuchSpend,
  planRefused,
} from './errors.ts';
import { addReplacement, readReplaced } from './replace-version.ts';
import { readSpends, type StoredSpend } from './store.ts';

type OwnSpend = { merchantId: Uuid; spendId: Uuid };
type ReplaceDeps = Pick<SpendDeps, 'clock' | 'random' | 'ids' | 'listener' | 'fees'>;

/**
 * Asks the node what a replacement of this spend has to outbid: before the spend is locked.
 * @throws {AppError} not_found
 */
export async function readFeesToOutbid(
  tx: Tx,
  deps: Pick<SpendDeps, 'node'>,
  { merchantId, spendId }: OwnSpend,
): Promise<Replaced | undefined> {
  const [stored] = await readSpends(tx, [spendId]);
  if (stored === undefined || stored.spend.merchantId !== merchantId) throw noSuchSpend();
  return await readReplaced(deps.node, stored);
}

/**
 * Replaces what waits in the mempool by a version that pays more (BIP125): the same payouts, the
 * same inputs and more if they are needed. Recipients who bear the fee get less, within their
 * limits. The version is signed and sent by the worker.
 * @throws {AppError} not_found, conflict, insufficient_balance
 */
export async function bumpSpend(
  tx: Tx,
  deps: ReplaceDeps,
  bump: OwnSpend & { feeRate: FeeRate; outbid: Replaced | undefined },
): Promise<StoredSpend> {
  const held = await holdReplaceable(tx, deps, bump);
  const counting = versionOf(held, held.spend.version);
  const present = feeRateOf(counting.feeSats, counting.vsize);
  if (bump.feeRate <= present) throw feeNotHigher(bump.feeRate, present);
  const added = await addReplacement(tx, deps, held, {
    ...{ feeRate: bump.feeRate, purpose: counting.purpose, replaces: bump.outbid },
    ...{ anchor: held.spend.anchor, keepInputs: true },
  });
  if (!added.ok) throw planRefused(added);
  return added.stored;
}

/**
 * Stops a spend. For as long as nobody else can have its signature it simply ends; after that the
 * anchor is spent to ourselves, with a higher fee, and the payouts are free once that is final. Until
 * then either may be mined, and never both.
 * @throws {AppError} not_found, conflict, insufficient_balance
 */
export async function cancelSpend(
  tx: Tx,
  deps: ReplaceDeps,
  cancel: OwnSpend & { feeRate: FeeRate; outbid: Replaced | undefined },
): Promise<StoredSpend> {
  const held = await holdSpend(tx, deps.listener, cancel.spendId);
  if (held === undefined || held.spend.merchantId !== cancel.merchantId) throw noSuchSpend();
  if (hasEnded(held.spend.state)) throw hasEndedAlready(held.spend.state);
  if (held.versions.every(({ exposed }) => !exposed)) {
    const telling = await tellingNow(tx, deps);
    const event = { type: 'given-up', reason: 'cancelled', detail: null } as const;
    return await applyEvent(tx, { listener: deps.listener, telling }, held, event);
  }
  if (versionOf(held, held.spend.version).purpose === 'cancel') return held;
  requireReplaceable(held);
  const added = await addReplacement(tx, deps, held, {
    ...{ feeRate: cancel.feeRate, purpose: 'cancel', replaces: cancel.outbid },
    ...{ anchor: held.spend.anchor, keepInputs: true },
  });
  if (!added.ok) throw planRefused(added);
  return added.stored;
}

async function holdReplaceable(
  tx: Tx,
  deps: Pick<SpendDeps, 'listener'>,
  { merchantId, spendId }: OwnSpend,
): Promise<StoredSpend> {
  const held = await holdSpend(tx, deps.listener, spendId);
  if (held === undefined || held.spend.merchantId !== merchantId) throw noSuchSpend();
  if (hasEnded(held.spend.state)) throw hasEndedAlready(held.spend.state);
  requireReplaceable(held);
  return held;
}

/** @throws {AppError} conflict */
function requireReplaceable({ spend, versions }: StoredSpend): void {
  if (spend.height !== null) throw isInBlock();
  const newest = versions.at(-1);
  // What others may have already, such as an exported plan, is replaced as if it were out.
  const isBeingMade = newest?.state === 'planned' || newest?.state === 'signed';
  if (isBeingMade && !newest.exposed) throw isUnderWay();
}
