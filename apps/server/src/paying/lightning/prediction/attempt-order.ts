/** Who has waited so long goes first, whatever the chances. */
const PASSED_OVER_MS = 120_000;

export type Waiting = {
  readonly dueAtMs: number;
  /** Null: none. */
  readonly expiresAtMs: number | null;
  readonly probability: number;
};

/**
 * The order in which payouts that are due are attempted when not all can be at once: those that have
 * waited too long, then the likely before the unlikely (they free their slot and their money
 * soonest), among these what expires first.
 */
export function attemptOrder<T extends Waiting>(due: readonly T[], nowMs: number): T[] {
  return due.toSorted((a, b) => {
    const overdue =
      rank(nowMs - b.dueAtMs > PASSED_OVER_MS) - rank(nowMs - a.dueAtMs > PASSED_OVER_MS);
    if (overdue !== 0) return overdue;
    const likely = rank(b.probability >= 0.5) - rank(a.probability >= 0.5);
    if (likely !== 0) return likely;
    return (
      compare(a.expiresAtMs ?? Infinity, b.expiresAtMs ?? Infinity) || compare(a.dueAtMs, b.dueAtMs)
    );
  });
}

function rank(holds: boolean): number {
  return holds ? 1 : 0;
}

/** Also for times that are infinite, whose difference is no number. */
function compare(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
