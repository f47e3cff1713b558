import type { Random } from '@quittance/kernel';

/** First pause between two looks at an attempt that is open; doubles each time. */
export const FIRST_PAUSE_MS = 1_000;
/** Longest: the node's own events usually ring before. */
const LAST_PAUSE_MS = 60_000;

/** When an open attempt is looked at again after so many looks; half of the pause is random. */
export function lookAgainMs(looks: number, random: Random): number {
  const full = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(looks, 20));
  const [byte = 0] = random(new Uint8Array(1));
  return Math.round(full / 2 + (full / 2) * (byte / 256));
}
