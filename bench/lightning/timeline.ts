import type { Dice } from './dice.ts';

/**
 * A quantity that changes in steps at random times, as a function of time: whoever asks, in whatever
 * order, is told the same.
 */
export type Timeline = { at(timeMs: number): number };

/** Made as far as somebody asks. */
function steps(start: number, next: (value: number) => [number, number]): Timeline {
  const times = [0];
  const values = [start];
  let [pauseMs, pending] = next(start);
  let endMs = pauseMs;
  return {
    at(timeMs) {
      while (endMs <= timeMs) {
        times.push(endMs);
        values.push(pending);
        [pauseMs, pending] = next(pending);
        endMs += Math.max(1, pauseMs);
      }
      let low = 0;
      let high = times.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((times[middle] ?? 0) <= timeMs) low = middle;
        else high = middle - 1;
      }
      return values[low] ?? start;
    },
  };
}

/** How unevenly balances lie: most channels have nearly everything on one side. */
const UNEVEN = 0.3;

/**
 * The share of a channel's capacity that lies on its first side. Payments of others shift it a little
 * now and then, a rebalancing or a large one anywhere.
 */
export function liquidity(dice: Dice, meanPauseMs: number): Timeline {
  return steps(dice.uShaped(UNEVEN), (value) => {
    const moved = dice.chance(0.35)
      ? dice.uShaped(UNEVEN)
      : Math.min(1, Math.max(0, value + dice.normal() * 0.15));
    return [dice.exponential(meanPauseMs), moved];
  });
}

/** 1 while it is online, 0 while it is not. */
export function presence(dice: Dice, onMs: number, offMs: number): Timeline {
  if (offMs <= 0) return { at: () => 1 };
  const first = dice.chance(onMs / (onMs + offMs)) ? 1 : 0;
  return steps(first, (value) => [
    dice.exponential(value === 1 ? onMs : offMs),
    value === 1 ? 0 : 1,
  ]);
}
