/** Seeded chance, so that a sample can be made again. */
export type Dice = {
  /** A whole number from 0 up to, not including, `below`. */
  index(below: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]] | readonly Item[]): Item;
};

/** SplitMix32 (Steele, Lea, Flood 2014): good enough for samples, and not for secrets. */
export function rollDice(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  const index = (below: number) => Math.floor((next() / 2 ** 32) * below);
  return {
    index,
    chance: (probability) => next() / 2 ** 32 < probability,
    pick(items) {
      const item = items[index(items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
  };
}
