import { type FeeRate, feeRateOf, type Replaced } from '@quittance/bitcoin';
import { assert } from '@quittance/kernel';
import type { BitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { applyEvent, tellingNow } from './apply-event.ts';
import type { SpendDeps } from './deps.ts';
import { mayBeMined, versionOf } from './draft.ts';
import { readSats } from './node-amounts.ts';
import { reserve } from './plan-payout-spend.ts';
import { chooseCoins, makeVersion, type PlanRefusal, unsignedTxid } from './plan-transaction.ts';
import type { OutpointText, SpendVersion } from './spend.ts';
import { lockPlanning, readOwnCoins } from './coin-store.ts';
import { insertVersion, readVersionBytes, type StoredSpend } from './store.ts';

/** How a new version differs from the one that counts. */
export type Replacement = {
  feeRate: FeeRate;
  purpose: SpendVersion['purpose'];
  /** What it has to outbid; undefined when nothing of it is in a mempool. */
  replaces: Replaced | undefined;
  /** The coin that all versions share; another one after somebody else took the present. */
  anchor: OutpointText;
  /** All coins of the version that counts are spent again, or only the anchor for certain. */
  keepInputs: boolean;
};

/** Somebody builds on the change of this spend: replacing it would take their transaction along. */
export type ChangeInUse = { ok: false; reason: 'change_in_use'; detail: string };

/**
 * Adds a version to a spend that is held, in the caller's transaction. It pays the same outputs, with
 * the shares of the fee worked out anew within their limits, and it spends the anchor.
 */
export async function addReplacement(
  tx: Tx,
  deps: Pick<SpendDeps, 'clock' | 'random' | 'ids' | 'listener' | 'fees'>,
  held: StoredSpend,
  replacement: Replacement,
): Promise<{ ok: true; stored: StoredSpend } | PlanRefusal | ChangeInUse> {
  const { spend, outputs } = held;
  const { merchantId, walletId } = spend;
  await lockPlanning(tx, walletId);
  const dependent = await changeInUse(tx, held);
  if (dependent !== null) return dependent;
  const counting = versionOf(held, spend.version);
  const wanted = replacement.keepInputs
    ? [...new Set([replacement.anchor, ...counting.inputs])]
    : [replacement.anchor];
  const coins = await readOwnCoins(tx, merchantId, wanted);
  assert(coins.length === wanted.length, 'the coins of a spend are on record');
  const newest = held.versions.at(-1);
  assert(newest !== undefined, 'a spend has a version');
  const pays = replacement.purpose === 'pay';
  const request = {
    ...{ merchantId, walletId, feeRate: replacement.feeRate, limits: spend.limits },
    outputs: pays ? outputs : [],
    longTermFeeRate: deps.fees.longTerm(),
    must: coins.map((coin) => ({ coin })),
    mayAdd: pays && spend.kind === 'payouts',
    ...(replacement.replaces === undefined ? {} : { replaces: replacement.replaces }),
    change: counting.change,
    ...{ version: newest.version + 1, purpose: replacement.purpose },
    differsFrom: await unsignedTxids(tx, held),
  };
  const chosen = await chooseCoins(tx, deps, request);
  if (!chosen.ok) return chosen;
  const { version, psbt } = await makeVersion(tx, deps, request, chosen);
  const telling = await tellingNow(tx, deps);
  await insertVersion(tx, spend, { version, psbt, nowMs: telling.nowMs });
  const known = new Set(held.versions.flatMap(({ inputs }) => inputs));
  const added = version.inputs.filter((input) => !known.has(input));
  if (added.length > 0) await reserve(tx, spend, added);
  const { anchor } = replacement;
  const event = { type: 'version-added', version, anchor, nowMs: telling.nowMs } as const;
  const stored = await applyEvent(tx, { listener: deps.listener, telling }, held, event);
  return { ok: true, stored };
}

/** Of the versions that there are; one that was adopted from the chain has no PSBT. */
async function unsignedTxids(
  tx: Tx,
  { spend, versions }: Pick<StoredSpend, 'spend' | 'versions'>,
): Promise<Set<string>> {
  const txids = new Set<string>();
  for (const { version, txid } of versions) {
    const { psbt } = await readVersionBytes(tx, { spendId: spend.id, version });
    if (psbt.length > 0) txids.add(unsignedTxid(psbt));
    if (txid !== null) txids.add(txid);
  }
  return txids;
}

async function changeInUse(tx: Tx, { spend, versions }: StoredSpend): Promise<ChangeInUse | null> {
  const change = versions.flatMap(({ txid, change: output }) =>
    txid === null || output === null ? [] : [`${txid}:${output.vout}`],
  );
  const coins = await readOwnCoins(tx, spend.merchantId, change);
  const user = coins.find(({ reservedBy, isSpent }) => reservedBy !== null || isSpent);
  if (user === undefined) return null;
  const detail =
    `the change of this transaction is spent by ${user.reservedBy ?? 'another transaction'}: ` +
    'replacing it would take that one out of the mempool as well; add a child instead';
  return { ok: false, reason: 'change_in_use', detail };
}

/**
 * What a replacement has to outbid: the fees of the version in the mempool with whatever builds on
 * it, as the node counts them. Undefined when none of ours is there.
 */
export async function readReplaced(
  node: Pick<BitcoinRpc, 'call'>,
  { versions }: Pick<StoredSpend, 'versions'>,
): Promise<Replaced | undefined> {
  type Entry = { fees: { base: unknown; descendant: unknown } };
  for (const version of versions.filter(mayBeMined).toReversed()) {
    if (version.txid === null) continue;
    const own = feeRateOf(version.feeSats, version.vsize);
    try {
      const { fees } = await node.call<Entry>('getmempoolentry', [version.txid]);
      const feesSats = readSats(fees.descendant) ?? version.feeSats;
      return { feesSats, feeRate: own };
    } catch {
      // Not there, or nobody to ask: then the node will say what it lacks.
    }
  }
  return undefined;
}
