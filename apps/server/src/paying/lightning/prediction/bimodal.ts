/**
 * How likely a channel can forward an amount, when most channels have nearly all of their liquidity
 * on one side: the density at balance x of a channel with capacity c is proportional to
 * exp(-x/s) + exp((x-c)/s). Amounts are real numbers of one unit; only ratios matter.
 */

/** Of its capacity: how far from an end most balances lie. */
const SCALE_SHARE = 0.1;
/** After so long, half of what a channel showed has been moved by others. */
const LIQUIDITY_HALF_LIFE_MS = 3_600_000;

export type ChannelEvidence = {
  /** It has forwarded this much, so long ago. */
  readonly passed: { readonly amount: number; readonly ageMs: number } | null;
  /** It has refused this much, so long ago. */
  readonly failed: { readonly amount: number; readonly ageMs: number } | null;
};

/**
 * The chance that a channel of `capacity` forwards `amount` now. What it showed before bounds its
 * balance from below and from above; the bounds move outwards with time.
 * @returns 0 to 1; 0 for more than the capacity
 */
export function bimodalProbability(
  amount: number,
  capacity: number,
  { passed, failed }: ChannelEvidence = { passed: null, failed: null },
): number {
  if (amount > capacity) return 0;
  if (amount <= 0) return 1;
  let low = passed === null ? 0 : Math.min(passed.amount, capacity) * remains(passed.ageMs);
  let high =
    failed === null
      ? capacity
      : capacity - (capacity - Math.min(failed.amount, capacity)) * remains(failed.ageMs);
  if (low >= high) {
    // The two contradict each other, so the balance has moved: only the later one holds.
    if (passed !== null && failed !== null && passed.ageMs < failed.ageMs) high = capacity;
    else low = 0;
  }
  if (amount <= low) return 1;
  if (amount >= high) return 0;
  const scale = capacity * SCALE_SHARE;
  return clamp(mass(amount, high, capacity, scale) / mass(low, high, capacity, scale));
}

/** Not normalised: the density's integral between two balances. */
function mass(from: number, to: number, capacity: number, scale: number): number {
  const below = Math.exp(-from / scale) - Math.exp(-to / scale);
  const above = Math.exp((to - capacity) / scale) - Math.exp((from - capacity) / scale);
  return below + above;
}

function remains(ageMs: number): number {
  return 2 ** (-Math.max(0, ageMs) / LIQUIDITY_HALF_LIFE_MS);
}

function clamp(share: number): number {
  return Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0;
}
