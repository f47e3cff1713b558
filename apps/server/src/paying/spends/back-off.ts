import type { Random } from '@quittance/kernel';

/** First pause after something that did not work; doubles each time. */
const FIRST_PAUSE_MS = 1_000;
/** Longest: a node or signer that is back is noticed within minutes. */
const LAST_PAUSE_MS = 300_000;
/**
 * A transaction that waits is looked for in the node's mempool this often; the chain's record, which
 * hears of an eviction within seconds, usually rings before.
 */
export const CHECK_EVERY_MS = 600_000;
/**
 * The record hears of an eviction only of what is on it. A node that was killed right after it took a
 * transaction has lost it before anybody has seen it there, so until it is on record it is looked for
 * this often.
 */
export const CHECK_UNSEEN_MS = 15_000;
/**
 * A worker that took a spend usually has it alone for so long. A step may take longer: then another
 * one does the same again, which is harmless, and what a dead one had is not left lying.
 */
export const LEASE_MS = 20_000;

/** The pause after so many failures in a row, half of it random. */
export function backOffMs(attempts: number, random: Random): number {
  const full = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts, 20));
  const [byte = 0] = random(new Uint8Array(1));
  return Math.round(full / 2 + (full / 2) * (byte / 256));
}
