/** More descriptions of one fault help nobody. */
export const MAX_DESCRIBED = 20;

/**
 * Prints what went wrong and where more of it stands, and counts what every crash suite counts.
 * @param of.points every boundary that was to be struck
 */
export function reportRun(
  all: {
    readonly violations: readonly string[];
    readonly counts: Readonly<Record<string, number>>;
    /** Fault points by name with how often one of them was the end of a process. */
    readonly struck: ReadonlyMap<string, number>;
    readonly world: { readonly logFile: string };
  },
  of: { seed: number; startedAtMs: number; points: readonly { point: string }[] },
): { violations: number; [count: string]: unknown } {
  for (const text of all.violations.slice(0, MAX_DESCRIBED)) {
    console.error(`seed ${of.seed}, ${text}`);
  }
  if (all.violations.length > 0) console.error(`the servers' log: ${all.world.logFile}`);
  const never = of.points.filter(({ point }) => !all.struck.has(point));
  return {
    violations: all.violations.length,
    ...all.counts,
    faultPoints: of.points.length,
    faultPointsStruck: all.struck.size,
    ...(never.length === 0 ? {} : { neverStruck: never.map(({ point }) => point).join(' ') }),
    seconds: Math.round((performance.now() - of.startedAtMs) / 1_000),
  };
}
