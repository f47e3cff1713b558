/** How often a payout is tried and how long it waits in between. */
export type RetryPolicy = { readonly maxAttempts: number; readonly delaySeconds: number };

/** Nothing waits longer than a day: by then somebody has looked. */
const MAX_DELAY_MS = 86_400_000;

/** When it may be tried again after so many attempts: the delay doubles with each. */
export function retryAtMs(
  { delaySeconds }: Pick<RetryPolicy, 'delaySeconds'>,
  attempts: number,
  nowMs: number,
): number {
  const doublings = Math.min(Math.max(0, attempts - 1), 20);
  return nowMs + Math.min(MAX_DELAY_MS, delaySeconds * 1_000 * 2 ** doublings);
}
