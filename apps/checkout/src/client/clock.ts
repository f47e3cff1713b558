/** The device's two clocks drift apart by this only when it slept or somebody set the clock. */
const CLOCK_JUMP_MS = 5_000;

export interface ServerClock {
  nowMs(): number;
  /** Sets the clock by an answer that has just arrived. */
  learn(serverTime: string): void;
}

/**
 * The server's clock, kept on this device: countdowns must not follow a phone that is set wrong.
 * @param serverTime of the page itself, which aged on its way here; the browser measured for how
 * long
 */
export function serverClock(serverTime: string): ServerClock {
  let offsetMs = Date.parse(serverTime) - (Date.now() - ageOfPageMs());
  return {
    nowMs: () => Date.now() + offsetMs,
    learn(answerTime) {
      offsetMs = Date.parse(answerTime) - Date.now();
    },
  };
}

/** Ticks each second and says whether the device has slept or its clock was set since the last. */
export function everySecond(tick: (jumped: boolean) => void): void {
  let wallMs = Date.now();
  let steadyMs = performance.now();
  setInterval(() => {
    const jumpMs = Date.now() - wallMs - (performance.now() - steadyMs);
    const sleptMs = performance.now() - steadyMs - 1_000;
    wallMs = Date.now();
    steadyMs = performance.now();
    tick(Math.abs(jumpMs) > CLOCK_JUMP_MS || sleptMs > CLOCK_JUMP_MS);
  }, 1_000);
}

/** Milliseconds since the page's first byte arrived here. */
function ageOfPageMs(): number {
  const [navigation] = performance.getEntriesByType('navigation');
  const arrivedMs =
    navigation instanceof PerformanceNavigationTiming ? navigation.responseStart : 0;
  return arrivedMs > 0 ? performance.now() - arrivedMs : 0;
}
