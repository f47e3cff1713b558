/** A time as a column takes it. @param ms since the Unix epoch; null stays null */
export function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
