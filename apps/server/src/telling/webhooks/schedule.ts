import { growingDelayMs } from '../../platform/loops/index.ts';

/**
 * When a failed delivery is tried again: 5 s, 15 s, 45 s, 2¼ min, 6¾ min, 20 min, 1 h, 3 h, then
 * every 6 h; 20 attempts within about three days. Each delay is spread by ±20 %, so that what
 * failed together does not come back together.
 */
export const MAX_ATTEMPTS = 20;
const JITTER = 0.2;
/** At most six hours: somebody who repairs a server in the morning has all deliveries by noon. */
const RETRIES = { firstMs: 5_000, factor: 3, maxMs: 6 * 3_600_000, jitter: JITTER };

/** What is older, and whose endpoint failed all the time since, is given up. */
export const RETRY_WINDOW_MS = 3 * 86_400_000;

/** Fewer failures in a row may be one bad event; this many mean that the endpoint is down. */
export const REST_AFTER_FAILURES = 5;
/** A dead endpoint costs one attempt an hour, however many deliveries wait for it. */
const RESTS = { firstMs: 30_000, factor: 2, maxMs: 3_600_000, jitter: JITTER };

/**
 * The wait after the n-th failed attempt, or undefined when it was the last.
 * @param attempt 1 for the first
 * @param chance uniform in [0, 1)
 */
export function retryDelayMs(attempt: number, chance: number): number | undefined {
  if (attempt >= MAX_ATTEMPTS) return undefined;
  return growingDelayMs(attempt - 1, chance, RETRIES);
}

/** How long an endpoint is left alone after its n-th failure in a row; 0: not at all. */
export function restMs(consecutiveFailures: number, chance: number): number {
  const beyond = consecutiveFailures - REST_AFTER_FAILURES;
  if (beyond < 0) return 0;
  return growingDelayMs(beyond, chance, RESTS);
}
