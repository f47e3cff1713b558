import { growingDelayMs } from '../../platform/loops/index.ts';

/**
 * When a mail server that asked us to come later is asked again about an e-mail: after 1, 2, 4, …
 * minutes, then every two hours. Greylisting wants a few minutes, a full mailbox a few hours.
 */
const DEFERRALS = { firstMs: 60_000, factor: 2, maxMs: 2 * 3_600_000, jitter: 0.2 };
/** While the mail server as a whole does not work: one look every five minutes at the least. */
const RESTS = { firstMs: 5_000, factor: 2, maxMs: 300_000, jitter: 0.2 };

/** An alert that nobody could be told of for a day is found in the list of alerts. */
export const GIVE_UP_AFTER_MS = 24 * 3_600_000;
/** So that a pause of this server alone costs no e-mail. */
export const MIN_ATTEMPTS = 3;

/** @param deferrals how often the server has put this e-mail off, this time included */
export function deferralMs(deferrals: number, chance: number): number {
  return growingDelayMs(deferrals - 1, chance, DEFERRALS);
}

/** @param failures how often in a row the server did not work, this time included */
export function restMs(failures: number, chance: number): number {
  return growingDelayMs(failures - 1, chance, RESTS);
}

/**
 * What waited for longer, since no mailer ran or none was configured, is news no more and is not
 * sent: the list of alerts says how things stand.
 */
export const STALE_AFTER_MS = 3 * 24 * 3_600_000;

export function isStale(email: { createdAtMs: number }, nowMs: number): boolean {
  return nowMs - email.createdAtMs > STALE_AFTER_MS;
}

export function isGivenUp(email: { attempt: number; createdAtMs: number }, nowMs: number): boolean {
  return email.attempt >= MIN_ATTEMPTS && nowMs - email.createdAtMs >= GIVE_UP_AFTER_MS;
}
