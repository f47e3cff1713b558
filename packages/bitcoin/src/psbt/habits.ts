import { assert, type Random } from '@quittance/kernel';

/** A tip this old says that the node is behind: its height would stand out (Bitcoin Core: 8 h). */
const MAX_TIP_AGE_MS = 8 * 60 * 60 * 1_000;
/** One transaction in ten … */
const BACKDATED_ONE_IN = 10;
/** … is locked up to so many blocks further back, so that delayed ones do not stand out. */
const MAX_BLOCKS_BACK = 100;
/** Lock times from here on are times and not heights. */
const LOCKTIME_THRESHOLD = 500_000_000;

/**
 * The lock time of an ordinary payment: the tip's height, so that a miner who would redo the newest
 * blocks cannot take its fee there, now and then a little further back, and none when the tip is
 * old (the habit of Bitcoin Core, whose transactions ours shall look like).
 * @param chain `tipTimeMs`: the tip block's own time
 */
export function antiFeeSniping(chain: {
  tipHeight: number;
  tipTimeMs: number;
  nowMs: number;
  random: Random;
}): number {
  const { tipHeight, tipTimeMs, nowMs, random } = chain;
  assert(tipHeight >= 0 && tipHeight < LOCKTIME_THRESHOLD, 'antiFeeSniping: bad height');
  if (nowMs - tipTimeMs > MAX_TIP_AGE_MS) return 0;
  if (below(random, BACKDATED_ONE_IN) !== 0) return tipHeight;
  return Math.max(0, tipHeight - below(random, MAX_BLOCKS_BACK));
}

/** The items in an order that says nothing about them: which output is change, above all. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = items.slice();
  for (let i = order.length - 1; i > 0; i--) {
    const other = below(random, i + 1);
    const [here, there] = [order[i], order[other]];
    assert(here !== undefined && there !== undefined, 'shuffled: an item is missing');
    order[i] = there;
    order[other] = here;
  }
  return order;
}

/** A number from 0 to `limit` − 1. The remainder favours low ones by less than one in a million. */
function below(random: Random, limit: number): number {
  const bytes = random(new Uint8Array(4));
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) % limit;
}
