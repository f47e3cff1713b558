/** Bitcoin aims at one block in ten minutes; the gaps between blocks are exponential. */
const MINUTES_PER_BLOCK = 10;

export interface WaitEstimate {
  /** What it takes on average, in minutes. */
  typicalMinutes: number;
  /** Nine waits out of ten are over by then, in minutes. */
  longMinutes: number;
}

/**
 * How long `blocks` more confirmations take. Waiting for n blocks is Erlang distributed, so one
 * block takes more than 23 minutes in one case of ten: "about ten minutes" alone would be a lie.
 */
export function waitFor(blocks: number): WaitEstimate {
  let low = 0;
  let high = 20 * (blocks + 1);
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (chanceWithin(blocks, middle) < 0.9) low = middle;
    else high = middle;
  }
  return {
    typicalMinutes: blocks * MINUTES_PER_BLOCK,
    longMinutes: Math.ceil((high * MINUTES_PER_BLOCK) / 5) * 5,
  };
}

/** Chance that at least `blocks` blocks come within `intervals` × ten minutes (Poisson). */
function chanceWithin(blocks: number, intervals: number): number {
  let term = Math.exp(-intervals);
  let fewer = 0;
  for (let n = 0; n < blocks; n++) {
    fewer += term;
    term *= intervals / (n + 1);
  }
  return 1 - fewer;
}
