import type { Random } from '@quittance/kernel';

/** Bytes that look random and are the same for the same seed (mulberry32). For tests only. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return (target) => {
    for (let i = 0; i < target.length; i++) target[i] = next() & 0xff;
    return target;
  };
}
