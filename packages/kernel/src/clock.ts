/** Time is passed in (design law 6), so that a test or a simulation can turn it by hand. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
}

/** The machine's own clock. Only composition roots use it. */
export const systemClock: Clock = { nowMs: () => Date.now() };

/** A time as interfaces write it (ISO 8601, UTC). @param ms since the Unix epoch */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A clock that moves only when told to. */
export function manualClock(startMs: number): Clock & {
  advance(ms: number): void;
  set(ms: number): void;
} {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
    set(ms) {
      nowMs = ms;
    },
  };
}
