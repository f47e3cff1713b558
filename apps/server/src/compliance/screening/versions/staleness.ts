import type { List } from './store.ts';
import type { Version } from './version.ts';

const HOUR_MS = 3_600_000;

/** What a list's age counts from: its active version's import, or its making while none is active. */
function sinceMs(list: List, active: Pick<Version, 'importedAtMs'> | undefined): number {
  return active?.importedAtMs ?? list.createdAtMs;
}

/** Whether a list's active version is older than the list may be. */
export function isStale(
  list: List,
  active: Pick<Version, 'importedAtMs'> | undefined,
  nowMs: number,
): boolean {
  return nowMs - sinceMs(list, active) > list.maxAgeHours * HOUR_MS;
}

/** What the alert of a stale list says. */
export function staleFacts(
  list: List,
  active: Pick<Version, 'importedAtMs'> | undefined,
  nowMs: number,
): { list: string; hours: string; maxHours: string } {
  const hours = Math.floor((nowMs - sinceMs(list, active)) / HOUR_MS);
  return { list: list.name, hours: String(hours), maxHours: String(list.maxAgeHours) };
}
