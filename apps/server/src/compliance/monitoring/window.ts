/** What a rule keeps of a movement while it is within the rule's window. */
export type Item = {
  readonly seq: number;
  readonly id: string;
  readonly atMs: number;
  readonly amount: bigint;
};

/** Whether something that was at `thenMs` still counts at `nowMs`. */
export function isWithin(thenMs: number, nowMs: number, windowMs: number): boolean {
  return nowMs - thenMs <= windowMs;
}

/**
 * What is kept after an item has come: all within the window, of these the newest. The bound is what
 * makes a payment's cost independent of how much a party moves.
 */
export function keep<T extends { readonly atMs: number }>(
  items: readonly T[],
  item: T,
  { windowMs, limit }: { windowMs: number; limit: number },
): T[] {
  const kept = items.filter(({ atMs }) => isWithin(atMs, item.atMs, windowMs));
  kept.push(item);
  return kept.length > limit ? kept.slice(kept.length - limit) : kept;
}

export function sumOf(items: readonly { readonly amount: bigint }[]): bigint {
  return items.reduce((sum, { amount }) => sum + amount, 0n);
}

/** An alert is not repeated within its window: what follows belongs to the same case. */
export function isDue(lastAlertAtMs: number | null, nowMs: number, windowMs: number): boolean {
  return lastAlertAtMs === null || !isWithin(lastAlertAtMs, nowMs, windowMs);
}

/** What is usual for a party: how many movements of the kind each of its last windows had. */
export type Usual = {
  /** Number of the window of time (since 1970) that its first one was in. */
  readonly first: number;
  /** Of the windows that had any, oldest first: its number, and how many. */
  readonly counts: readonly (readonly [number, number])[];
};

/** Windows that the usual is taken of, before the present one. */
export const USUAL_WINDOWS = 8;
/** With fewer windows behind it a party has nothing usual yet. */
export const USUAL_NEEDS = 2;

export function countUsual(usual: Usual | null, atMs: number, windowMs: number): Usual {
  const present = Math.floor(atMs / windowMs);
  const counts = (usual?.counts ?? []).filter(([index]) => index >= present - USUAL_WINDOWS);
  const last = counts.at(-1);
  const next: (readonly [number, number])[] =
    last?.[0] === present
      ? [...counts.slice(0, -1), [present, last[1] + 1]]
      : [...counts, [present, 1]];
  return { first: usual?.first ?? present, counts: next };
}

/**
 * Whether `count` in a window is at least `percent` of the party's busiest window of late. Not of the
 * average: who pays salaries once a month is busy in one week of four, and that is usual for him. A
 * party without a past is not excused by it.
 */
export function isUnusual(
  usual: Usual,
  { count, percent, atMs, windowMs }: UsualQuestion,
): boolean {
  const present = Math.floor(atMs / windowMs);
  if (Math.min(USUAL_WINDOWS, present - usual.first) < USUAL_NEEDS) return true;
  const before = usual.counts.filter(([i]) => i >= present - USUAL_WINDOWS && i < present);
  const busiest = Math.max(0, ...before.map(([, each]) => each));
  return 100 * count >= percent * busiest;
}
export type UsualQuestion = { count: number; percent: number; atMs: number; windowMs: number };

/** What is usual for two parties together. */
export function addUsual(a: Usual, b: Usual): Usual {
  const counts = new Map(a.counts);
  for (const [index, each] of b.counts) counts.set(index, (counts.get(index) ?? 0) + each);
  return { first: Math.min(a.first, b.first), counts: [...counts] };
}
