/** Seeded: the same seed makes the same requests. */
export type Random = {
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  sats(from: bigint, to: bigint): bigint;
  bytes(count: number): Uint8Array;
  uuid(): string;
};

/** Mulberry32: small, and the same on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => next() % limit;
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => below(256));
  return {
    below,
    bytes,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('there is nothing to pick from');
      return item;
    },
    sats: (from, to) => from + (BigInt(next()) % (to - from + 1n)),
    uuid() {
      const hex = Buffer.from(bytes(16)).toString('hex');
      const parts = [
        [0, 8],
        [8, 12],
        [13, 16],
        [17, 20],
        [20, 32],
      ] as const;
      const [a, b, c, d, e] = parts.map(([from, to]) => hex.slice(from, to));
      return `${a}-${b}-7${c}-a${d}-${e}`;
    },
  };
}
