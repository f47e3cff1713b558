/** Seeded draws (mulberry32), so that every rule meets the same world. Statistics, not secrets. */
export type Dice = {
  /** Uniform in [0, 1). */
  share(): number;
  between(low: number, high: number): number;
  /** A whole number from 0 to below `count`. */
  index(count: number): number;
  chance(probability: number): boolean;
  exponential(mean: number): number;
  normal(): number;
  /** Beta(a, a) with a below 1: most of it near 0 and near 1. */
  uShaped(a: number): number;
};

export function seededDice(seed: number): Dice {
  let state = seed >>> 0;
  const share = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    share,
    between: (low, high) => low + share() * (high - low),
    index: (count) => Math.floor(share() * count),
    chance: (probability) => share() < probability,
    exponential: (mean) => -Math.log(1 - share()) * mean,
    normal: () => Math.sqrt(-2 * Math.log(1 - share())) * Math.cos(2 * Math.PI * share()),
    uShaped(a) {
      // Jöhnk's method; with a below 1 it takes about one round.
      for (;;) {
        const x = share() ** (1 / a);
        const y = share() ** (1 / a);
        if (x + y > 0 && x + y <= 1) return x / (x + y);
      }
    },
  };
}

/** A seed of its own for each part, so that a change in one does not move the others. */
export function seedOf(seed: number, part: number): number {
  return (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(part + 1, 0xc2b2ae35)) >>> 0;
}
