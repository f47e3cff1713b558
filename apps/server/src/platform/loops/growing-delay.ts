export type DelayGrowth = {
  firstMs: number;
  /** Each delay is so many times the one before. */
  factor: number;
  maxMs: number;
  /** Each is spread by this share up and down, so that what failed together comes back apart. */
  jitter: number;
};

/**
 * How long to wait before the next try.
 * @param step 0 for the first wait
 * @param chance uniform in [0, 1)
 */
export function growingDelayMs(step: number, chance: number, growth: DelayGrowth): number {
  const { firstMs, factor, maxMs, jitter } = growth;
  const ms = Math.min(firstMs * factor ** step, maxMs);
  return Math.round(ms * (1 - jitter + 2 * jitter * chance));
}
