import { seededDice, seedOf } from './dice.ts';
import type { Recipient, World } from './world.ts';

/** A payout as it is asked for. */
export type Payout = {
  readonly number: number;
  readonly createdAtMs: number;
  readonly recipient: Recipient;
  readonly amountSat: number;
  readonly maxFeeSat: number;
  /** Null: a Lightning address, which gives a fresh invoice each time. */
  readonly expiresAtMs: number | null;
};

/** A payout every two minutes on average. */
const MEAN_GAP_MS = 120_000;
const MINUTE_MS = 60_000;
/** How often an invoice lives how long; BOLT 11's default is an hour. */
const EXPIRIES: readonly (readonly [share: number, minutes: number | null])[] = [
  [0.1, 5],
  [0.3, 15],
  [0.75, 60],
  [0.85, 1_440],
  [1, null],
];

/** How many recipients there are: most are paid a few times, some often. */
export function recipientsFor(payouts: number): number {
  return Math.max(20, Math.round(payouts / 5));
}

export function makePayouts(seed: number, world: World, count: number): Payout[] {
  const dice = seededDice(seedOf(seed, 2));
  let createdAtMs = 3_600_000;
  return Array.from({ length: count }, (_, number) => {
    createdAtMs += Math.round(dice.exponential(MEAN_GAP_MS));
    // The square draws those with low numbers more often.
    const chosen = Math.floor(dice.share() ** 2 * world.recipients.length);
    const recipient = world.recipients[chosen];
    if (recipient === undefined) throw new Error('there are recipients');
    const drawn = Math.exp(dice.normal() * 1.5 + Math.log(50_000));
    const amountSat = Math.round(Math.min(5_000_000, Math.max(100, drawn)));
    const kind = dice.share();
    const minutes = EXPIRIES.find(([share]) => kind < share)?.[1] ?? null;
    // Now and then a limit that the network hardly meets.
    const feeShare = dice.chance(0.1) ? 0.001 : 0.01;
    const maxFeeSat = Math.ceil(5 + amountSat * feeShare);
    const expiresAtMs = minutes === null ? null : createdAtMs + minutes * MINUTE_MS;
    return { number, createdAtMs, recipient, amountSat, maxFeeSat, expiresAtMs };
  });
}
