/** A seeded source of randomness (mulberry32), so that a run can be repeated by its seed. */
export interface Dice {
  /** A whole number from 0 to `below` − 1. */
  below(below: number): number;
  chance(percent: number): boolean;
  pick<T>(items: readonly T[]): T;
}

export function rollDice(seed: number): Dice {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  const below = (limit: number) => next() % limit;
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('pick: nothing to pick from');
      return item;
    },
  };
}
